"""The scan: runs any cell's equations over time, and its gradient by hand.

PyTorch's autograd over a loop of small operations costs several times their arithmetic. So there are two
loops that only multiply and add, and all that does not depend on the step before stays outside of them:

    before the loop   W x + b of all steps, one product, left to autograd
    forward loop      `Equations.recall`, `activate` and `update`, step by step
    backward          `Equations.factors`, element-wise over several steps at once
    backward loop     one product a step, and three multiplications
    after it          `Equations.gradients`, one product over all steps for each matrix
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, repeat, starmap
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnscope.network.cells import Activation
from rnnscope.network.cells.cell import LayerState
from rnnscope.network.cells.equations import Backward, Equations, Frame
from rnnscope.network.cells.product import prepared, product

_Tensors = Sequence[Tensor]


def scan(
    cell: Equations, f: TorchArithmetic, projected: _Tensors, state: LayerState, weights: _Tensors
) -> LayerState:
    """The state of every step, parts (T, B, H), differentiable.

    projected: the products with x (T, B, …), in the order of `cell.projections`; the first is overwritten.
    weights: the parameters in the order of `cell.recurrent`.
    """
    states: LayerState = _Scan.apply(cell, f, *projected, *state, *weights)  # type: ignore[no-untyped-call]
    return states


@torch.no_grad()
def record(
    cell: Equations,
    f: TorchArithmetic,
    projected: _Tensors,
    state: LayerState,
    weights: _Tensors,
    hidden: Tensor | None = None,
) -> tuple[dict[str, Tensor], LayerState]:
    """Every quantity (T, B, H) by name and the last state; arguments as for `scan`.

    hidden: (T, B, H), where it is known: then the products of all steps are one.
    """
    whole = _whole(cell, *_room(cell, projected, state))
    if hidden is None:
        _run(cell, f, whole, weights, weights[0].dtype)
    else:
        whole.hidden.copy_(hidden)
        w = _weights(cell, weights, weights[0].dtype, hidden[..., 0].numel())
        cell.recall(whole, w, f)
        cell.activate(whole, w, f)
        if cell.has_cell:
            before = state[1]
            for kept, c in zip(cell.write(whole, f).unbind(0), whole.cell.unbind(0), strict=True):
                before = c.addcmul_(kept, before)
    last = (whole.hidden, whole.cell) if cell.has_cell else (whole.hidden,)
    return cell.record(whole), tuple(part[-1] for part in last)


class _Matrix:
    """A matrix (O, I) that multiplies many batches, in its own type; it returns the batch's type."""

    def __init__(self, weight: Tensor, rows: int) -> None:
        """rows: the size of the batches."""
        prepared_weight = prepared(weight, rows)
        self._dtype = weight.dtype
        self._prepared = prepared_weight if prepared_weight.is_mkldnn else None
        self._columns = weight.t().contiguous() if self._prepared is None else weight.t()

    def times(self, x: Tensor) -> Tensor:
        """(…, I) -> (…, O)."""
        if self._prepared is not None:
            return product(x, self._prepared)
        return (x.to(self._dtype) @ self._columns).to(x.dtype)

    def added(self, base: Tensor, x: Tensor, out: Tensor) -> None:
        """out = base + the product, (…, O); `out` may be `base`."""
        if self._prepared is not None:
            torch.add(base, product(x, self._prepared), out=out)
        elif x.dtype == self._dtype and x.dim() == 2:
            torch.addmm(base, x, self._columns, out=out)
        else:
            torch.add(base, x.to(self._dtype) @ self._columns, out=out)


@dataclass(frozen=True)
class TorchArithmetic:
    """`Arithmetic` and `Gradients` on tensors. Matrices are of the class `_Matrix`."""

    squash: Callable[..., object]
    squash_slope: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32
    """The type in which `outer` multiplies."""

    product = staticmethod(_Matrix.times)
    sigmoid_ = staticmethod(Tensor.sigmoid_)
    multiply = staticmethod(torch.mul)
    add_multiplied_ = staticmethod(Tensor.addcmul_)
    interpolate = staticmethod(torch.lerp)

    def add_product(self, base: Tensor, matrix: _Matrix, x: Tensor, out: Tensor) -> None:
        matrix.added(base, x, out)

    def sigmoid_slope(self, y: Tensor) -> Tensor:
        return torch.addcmul(y, y, y, value=-1)

    def outer(self, errors: Tensor, values: Tensor) -> Tensor:
        found = errors.flatten(0, 1).to(self.dtype).t() @ values.flatten(0, 1).to(self.dtype)
        return found.to(errors.dtype)


def _tanh_slope(y: Tensor) -> Tensor:
    return torch.addcmul(y.new_ones(()), y, y, value=-1)


def _softsign(x: Tensor, out: Tensor) -> None:
    torch.div(x, x.abs().add_(1), out=out)  # x / (1 + |x|)


def _softsign_slope(y: Tensor) -> Tensor:
    return y.abs().neg_().add_(1).square_()  # (1 − |y|)²


ARITHMETIC: dict[Activation, TorchArithmetic] = {
    "tanh": TorchArithmetic(torch.tanh, _tanh_slope),
    "softsign": TorchArithmetic(_softsign, _softsign_slope),
}


_ONE_THREADS_WORK = 1 << 24
"""Multiplications that one thread completes before a second one is awake."""


@contextmanager
def _threads_for(multiplications: int, device: torch.device) -> Iterator[None]:
    """Around a loop: all of PyTorch's threads only where a step's product is large enough for them.

    They are woken and waited for at every step. With a small product that takes longer than the product, and
    on a busy machine many times longer.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or multiplications > _ONE_THREADS_WORK:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _weights(
    cell: Equations, tensors: _Tensors, dtype: torch.dtype, rows: int, *, transposed: bool = False
) -> dict[str, Any]:
    """The parameters that a step uses; matrices are prepared for batches of `rows`."""
    found: dict[str, Any] = {}
    for name, tensor in zip(cell.recurrent, tensors, strict=True):
        found[name] = tensor
        if name.startswith("weight"):
            found[name] = _Matrix((tensor.t() if transposed else tensor).to(dtype), rows)
    return found


def _room(
    cell: Equations, projected: _Tensors, state: LayerState
) -> tuple[Tensor, _Tensors, _Tensors, _Tensors]:
    """The gates, the states (T + 1, B, H) with the first one set, the other inputs, and what a cell saves."""
    gates, *inputs = projected
    steps, (batch, size) = len(gates), state[0].shape
    states = [gates.new_empty(steps + 1, batch, size) for _ in state]
    for part, first in zip(states, state, strict=True):
        part[0] = first
    return gates, states, inputs, [gates.new_empty(steps, batch, size) for _ in cell.saved]


def _whole(cell: Equations, gates: Tensor, states: _Tensors, inputs: _Tensors, saved: _Tensors) -> Frame:
    """The arrays of all steps."""
    parts = cell.split(gates.view(*gates.shape[:2], len(cell.blocks), -1))
    hidden, memory = states[0], states[1] if cell.has_cell else None
    before, after = (None, None) if memory is None else (memory[:-1], memory[1:])
    return Frame(gates, parts, hidden[:-1], before, hidden[1:], after, tuple(inputs), tuple(saved))


def _steps(arrays: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The fields of a Frame or of Factors at each step; a field is a tensor, a tuple of tensors or None."""
    steps = len(arrays[0])

    def each(field: Any) -> Any:
        if isinstance(field, tuple):
            return zip(*(tensor.unbind(0) for tensor in field), strict=True) if field else repeat((), steps)
        return repeat(None, steps) if field is None else field.unbind(0)

    return zip(*map(each, arrays), strict=True)


def _slice(arrays: Frame, part: slice) -> Frame:
    """The arrays of some steps."""

    def of(field: Any) -> Any:
        if isinstance(field, tuple):
            return tuple(tensor[part] for tensor in field)
        return None if field is None else field[part]

    return Frame(*map(of, arrays))


def _run(cell: Equations, f: TorchArithmetic, whole: Frame, weights: _Tensors, dtype: torch.dtype) -> None:
    """The forward loop."""
    _, batch, size = whole.hidden.shape
    w = _weights(cell, weights, dtype, batch)
    with _threads_for(batch * size * whole.gates.shape[2], whole.gates.device):
        for frame in starmap(Frame, _steps(whole)):
            cell.recall(frame, w, f)
            cell.activate(frame, w, f)
            cell.update(frame, w, f)


_STEPS_AT_ONCE = 8
"""Steps for which factors are computed together: few calls, and still in the cache when they are used."""


class _Scan(torch.autograd.Function):
    """The two loops as one operation: (cell, f, *projected, *state, *weights) -> the states h or h, c."""

    @staticmethod
    def forward(ctx: Any, cell: Equations, f: TorchArithmetic, *tensors: Tensor) -> tuple[Tensor, ...]:
        projected, state, weights = _groups(tensors, len(cell.projections), 1 + cell.has_cell)
        own, device = weights[0].dtype, weights[0].device.type
        # Matrices are multiplied in autocast's type where it is on; all else, the cell's memory above all,
        # stays in the weights' type.
        ctx.dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else own
        ctx.cell, ctx.f, ctx.projected_dtype = cell, replace(f, dtype=ctx.dtype), projected[0].dtype
        with torch.autocast(device, enabled=False):
            gates, states, inputs, saved = _room(cell, [each.detach().to(own) for each in projected], state)
            _run(cell, f, _whole(cell, gates, states, inputs, saved), weights, ctx.dtype)
        ctx.save_for_backward(*weights, *states, *inputs, *saved, gates)
        ctx.set_materialize_grads(False)
        return tuple(part[1:] for part in states)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *to_states: Tensor | None) -> tuple[Tensor | None, ...]:
        cell: Equations = ctx.cell
        counts = len(cell.recurrent), 1 + cell.has_cell, len(cell.projections) - 1, len(cell.saved)
        weights, states, inputs, saved, (gates,) = _groups(ctx.saved_tensors, *counts)
        to_hidden, to_cell = (*to_states, None)[:2]
        if to_hidden is None:
            to_hidden = torch.zeros_like(states[0][1:])
        with torch.autocast(to_hidden.device.type, enabled=False):
            backward = Backward(
                _whole(cell, gates, states, inputs, saved),
                _weights(cell, weights, ctx.dtype, to_hidden.shape[1], transposed=True),
                ctx.f,
                tuple(torch.empty_like(to_hidden) for _ in range(cell.saved_back)),
            )
            errors, to_state = _backpropagate(cell, backward, to_hidden, to_cell)
            to_weights, to_inputs = cell.gradients(errors, backward)
        to_projected = (each.to(ctx.projected_dtype) for each in (errors, *to_inputs))
        return None, None, *to_projected, *to_state, *to_weights


def _groups(tensors: _Tensors, *counts: int) -> Iterator[tuple[Tensor, ...]]:
    """Consecutive groups of the given numbers of tensors, and one of the rest."""
    rest = iter(tensors)
    yield from (tuple(islice(rest, count)) for count in counts)
    yield tuple(rest)


def _backpropagate(
    cell: Equations, backward: Backward, to_hidden: Tensor, to_cell: Tensor | None
) -> tuple[Tensor, LayerState]:
    """Go back through time from the gradients of all h and of all c, (T, B, H) each.

    Returns the errors (T, B, G·H), which are the gradients of a(t), and the gradients of the first state.
    """
    steps, batch, size = to_hidden.shape
    errors = torch.empty_like(backward.whole.gates)
    blocks = errors.view(steps, batch, -1, size)
    nothing = to_hidden.new_zeros(batch, size)
    d_hidden, d_cell = to_hidden[-1].clone(), nothing.clone()
    bases = (nothing, *to_hidden[:-1].unbind(0))
    with _threads_for(batch * size * errors.shape[2], errors.device):
        for end in range(steps, 0, -_STEPS_AT_ONCE):
            part = slice(max(0, end - _STEPS_AT_ONCE), end)
            factors = cell.factors(_slice(backward.whole, part), backward)
            early = torch.stack(factors.blocks, dim=2)
            targets = (errors[part], blocks[part, :, : early.shape[2]], blocks[part, :, -1])
            of_steps = list(zip(range(part.start, end), _steps((*targets, early, *factors[1:])), strict=True))
            for t, (error, to_early, to_output, in_early, kept, shown, in_output) in reversed(of_steps):
                if to_cell is not None:
                    d_cell.add_(to_cell[t])
                if shown is None:
                    d_cell.add_(d_hidden)
                else:
                    d_cell.addcmul_(d_hidden, shown)
                    torch.mul(in_output, d_hidden, out=to_output)
                torch.mul(in_early, d_cell.unsqueeze(1), out=to_early)
                if kept is None:
                    d_cell.zero_()
                else:
                    d_cell.mul_(kept)
                cell.recall_back(t, error, backward, bases[t], d_hidden)
    return errors, (d_hidden, d_cell) if cell.has_cell else (d_hidden.add_(d_cell),)
