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

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import repeat, starmap
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnscope.network.cells import Activation
from rnnscope.network.cells.cell import LayerState
from rnnscope.network.cells.equations import Backward, Equations, Frame, Run
from rnnscope.network.cells.product import prepared, product


def scan(
    cell: Equations,
    f: TorchArithmetic,
    projected: Sequence[Tensor],
    state: LayerState,
    weights: Sequence[Tensor],
) -> tuple[Tensor, LayerState]:
    """Hidden (T, B, H) and the last state, differentiable.

    projected: the products with x (T, B, …), in the order of `cell.projections`; the first is overwritten.
    weights: the parameters in the order of `cell.recurrent`.
    """
    hidden, *last = _Scan.apply(cell, f, *projected, *state, *weights)  # type: ignore[no-untyped-call]
    return hidden, (hidden[-1], *last)


@torch.no_grad()
def record(
    cell: Equations,
    f: TorchArithmetic,
    projected: Sequence[Tensor],
    state: LayerState,
    weights: Sequence[Tensor],
    hidden: Tensor | None = None,
) -> tuple[dict[str, Tensor], LayerState]:
    """Every quantity (T, B, H) by name and the last state; arguments as for `scan`.

    hidden: (T, B, H), where it is known: then the products of all steps are one.
    """
    if hidden is None:
        arrays = _run(cell, f, projected, state, weights, weights[0].dtype)
        return cell.record(arrays.run()), arrays.last
    arrays = _arrays(cell, projected, state)
    arrays.states[0][1:] = hidden
    run = arrays.run()
    w = _weights(cell, weights, weights[0].dtype, hidden[..., 0].numel())
    whole = Frame(run.gates.flatten(2), cell.split(run.gates), *run[1:])
    cell.recall(whole, w, f)
    cell.activate(whole, w, f)
    if cell.has_cell:
        before = state[1]
        for kept, c in zip(cell.write(whole, f).unbind(0), run.cell.unbind(0), strict=True):
            before = c.addcmul_(kept, before)
    return cell.record(run), arrays.last


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

    phi: Callable[[Tensor, Tensor], object]
    """phi(x, out)."""
    phi_slope: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32
    """The type in which `outer` multiplies."""

    def product(self, matrix: _Matrix, x: Tensor) -> Tensor:
        return matrix.times(x)

    def add_product_(self, out: Tensor, matrix: _Matrix, x: Tensor) -> None:
        matrix.added(out, x, out)

    def add_product(self, base: Tensor, matrix: _Matrix, x: Tensor, out: Tensor) -> None:
        matrix.added(base, x, out)

    def sigmoid_(self, x: Tensor) -> None:
        x.sigmoid_()

    def squash_(self, x: Tensor) -> None:
        self.phi(x, x)

    def squash(self, x: Tensor, out: Tensor) -> None:
        self.phi(x, out)

    def multiply(self, a: Tensor, b: Tensor, out: Tensor) -> None:
        torch.mul(a, b, out=out)

    def add_multiplied_(self, out: Tensor, a: Tensor, b: Tensor) -> None:
        out.addcmul_(a, b)

    def interpolate(self, a: Tensor, b: Tensor, weight: Tensor, out: Tensor) -> None:
        torch.lerp(a, b, weight, out=out)

    def sigmoid_slope(self, y: Tensor) -> Tensor:
        return torch.addcmul(y, y, y, value=-1)

    def squash_slope(self, y: Tensor) -> Tensor:
        return self.phi_slope(y)

    def outer(self, errors: Tensor, values: Tensor) -> Tensor:
        found = errors.flatten(0, 1).to(self.dtype).t() @ values.flatten(0, 1).to(self.dtype)
        return found.to(errors.dtype)


def _tanh(x: Tensor, out: Tensor) -> None:
    torch.tanh(x, out=out)


def _tanh_slope(y: Tensor) -> Tensor:
    return torch.addcmul(y.new_ones(()), y, y, value=-1)


def _softsign(x: Tensor, out: Tensor) -> None:
    torch.div(x, x.abs().add_(1), out=out)  # x / (1 + |x|)


def _softsign_slope(y: Tensor) -> Tensor:
    return y.abs().neg_().add_(1).square_()  # (1 − |y|)²


ARITHMETIC: dict[Activation, TorchArithmetic] = {
    "tanh": TorchArithmetic(_tanh, _tanh_slope),
    "softsign": TorchArithmetic(_softsign, _softsign_slope),
}


def product_type(weight: Tensor) -> torch.dtype:
    """The type in which matrices are multiplied: autocast's where it is on, otherwise the weights'.

    Everything element-wise, above all the cell's memory, stays in the weights' type.
    """
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def _without_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """The scan chooses the types itself."""
    return torch.autocast(tensor.device.type, enabled=False)


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
    cell: Equations, tensors: Sequence[Tensor], dtype: torch.dtype, rows: int, *, transposed: bool = False
) -> dict[str, Any]:
    """The parameters that a step uses; matrices are prepared for batches of `rows`."""
    found: dict[str, Any] = {}
    for name, tensor in zip(cell.recurrent, tensors, strict=True):
        found[name] = tensor
        if name.startswith("weight"):
            found[name] = _Matrix((tensor.t() if transposed else tensor).to(dtype), rows)
    return found


def _run(
    cell: Equations,
    f: TorchArithmetic,
    projected: Sequence[Tensor],
    state: LayerState,
    weights: Sequence[Tensor],
    dtype: torch.dtype,
) -> _Arrays:
    """The forward loop. Overwrites the first of `projected` (T, B, G·H) with the gates."""
    arrays = _arrays(cell, projected, state)
    run = arrays.run()
    w = _weights(cell, weights, dtype, len(state[0]))
    with _threads_for(arrays.gates[0].numel() * state[0].shape[1], arrays.gates.device):
        for frame in _frames(cell, run):
            cell.recall(frame, w, f)
            cell.activate(frame, w, f)
            cell.update(frame, w, f)
    return arrays


def _arrays(cell: Equations, projected: Sequence[Tensor], state: LayerState) -> _Arrays:
    """Arrays for a run from `state`; the first of `projected` becomes the gates."""
    gates, *inputs = projected
    steps, batch, size = len(gates), *state[0].shape
    arrays = _Arrays(
        gates=gates.view(steps, batch, -1, size),
        states=[gates.new_empty(steps + 1, batch, size) for _ in state],
        inputs=inputs,
        saved=[gates.new_empty(steps, batch, size) for _ in cell.saved],
    )
    for part, first in zip(arrays.states, state, strict=True):
        part[0] = first
    return arrays


def _frames(cell: Equations, run: Run) -> Iterator[Frame]:
    """The arrays of each step in turn."""
    steps = len(run.gates)
    of_steps = zip(
        run.gates.flatten(2).unbind(0),
        _steps_of(cell.split(run.gates), steps),
        run.hidden_before.unbind(0),
        run.cell_before.unbind(0) if cell.has_cell else repeat(None),
        run.hidden.unbind(0),
        run.cell.unbind(0) if cell.has_cell else repeat(None),
        _steps_of(run.inputs, steps),
        _steps_of(run.saved, steps),
        strict=False,
    )
    return starmap(Frame, of_steps)


@dataclass(frozen=True)
class _Arrays:
    """What the forward loop computed, as it is kept for the backward pass."""

    gates: Tensor
    states: Sequence[Tensor]
    """(T + 1, B, H) for h and, where the cell has it, c: the first state, then one for each step."""
    inputs: Sequence[Tensor]
    saved: Sequence[Tensor]

    def run(self, part: slice = slice(None)) -> Run:
        """The arrays of some steps."""
        hidden, *cell = self.states
        return Run(
            gates=self.gates[part],
            hidden_before=hidden[:-1][part],
            cell_before=cell[0][:-1][part] if cell else None,
            hidden=hidden[1:][part],
            cell=cell[0][1:][part] if cell else None,
            inputs=tuple(each[part] for each in self.inputs),
            saved=tuple(each[part] for each in self.saved),
        )

    @property
    def last(self) -> LayerState:
        return tuple(part[-1] for part in self.states)

    @property
    def packed(self) -> tuple[Tensor, ...]:
        return (self.gates, *self.states, *self.inputs, *self.saved)

    @classmethod
    def unpacked(cls, cell: Equations, packed: Sequence[Tensor]) -> _Arrays:
        gates, *others = packed
        states, others = others[: 1 + cell.has_cell], others[1 + cell.has_cell :]
        inputs = len(cell.projections) - 1
        return cls(gates, states, others[:inputs], others[inputs:])


def _steps_of(tensors: Sequence[Tensor], steps: int) -> Iterable[tuple[Tensor, ...]]:
    """For each step, its part of every tensor (T, …)."""
    return zip(*(tensor.unbind(0) for tensor in tensors), strict=True) if tensors else repeat((), steps)


_STEPS_AT_ONCE = 8
"""Steps whose factors are computed together: few calls, and still in the cache when they are used."""


class _Scan(torch.autograd.Function):
    """The two loops as one operation: (cell, f, *projected, *state, *weights) -> hidden and the last c."""

    @staticmethod
    def forward(ctx: Any, cell: Equations, f: TorchArithmetic, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, states = len(cell.projections), 1 + cell.has_cell
        projected, state = tensors[:inputs], tensors[inputs : inputs + states]
        weights = tensors[inputs + states :]
        own, ctx.dtype, ctx.projected_dtype = weights[0].dtype, product_type(weights[0]), projected[0].dtype
        with _without_autocast(weights[0]):
            arrays = _run(cell, f, [each.detach().to(own) for each in projected], state, weights, ctx.dtype)
        ctx.cell, ctx.f = cell, f
        ctx.save_for_backward(*weights, *arrays.packed)
        hidden, *last = arrays.states
        return (hidden[1:], *(part[-1].clone() for part in last))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_hidden: Tensor, *to_cell: Tensor) -> tuple[Tensor | None, ...]:
        cell: Equations = ctx.cell
        weights = ctx.saved_tensors[: len(cell.recurrent)]
        arrays = _Arrays.unpacked(cell, ctx.saved_tensors[len(cell.recurrent) :])
        run = arrays.run()
        backward = Backward(
            run,
            _weights(cell, weights, ctx.dtype, to_hidden.shape[1], transposed=True),
            replace(ctx.f, dtype=ctx.dtype),
            tuple(torch.empty_like(run.hidden) for _ in range(cell.saved_back)),
        )
        with _without_autocast(to_hidden):
            errors, to_state = _backpropagate(cell, arrays, backward, to_hidden, to_cell)
            to_weights, to_inputs = cell.gradients(errors, backward)
        to_projected = (each.to(ctx.projected_dtype) for each in (errors, *to_inputs))
        return None, None, *to_projected, *to_state, *to_weights


def _backpropagate(
    cell: Equations, arrays: _Arrays, backward: Backward, to_hidden: Tensor, to_cell: Sequence[Tensor]
) -> tuple[Tensor, LayerState]:
    """Go back through time from the gradients of all h (T, B, H) and of the last c (B, H).

    Returns the errors (T, B, G·H), which are the gradients of a(t), and the gradients of the first state.
    """
    steps, batch, size = to_hidden.shape
    errors = to_hidden.new_empty(steps, batch, arrays.gates[0, 0].numel())
    blocks = errors.view(steps, batch, -1, size)
    nothing = to_hidden.new_zeros(batch, size)
    d_hidden, d_cell = to_hidden[-1].clone(), to_cell[0].clone() if to_cell else nothing.clone()
    bases = (nothing, *to_hidden[:-1].unbind(0))
    with _threads_for(blocks[0].numel() * size, errors.device):
        for end in range(steps, 0, -_STEPS_AT_ONCE):
            part = slice(max(0, end - _STEPS_AT_ONCE), end)
            factors = cell.factors(arrays.run(part), backward.w, backward.f)
            early = torch.stack(factors.blocks, dim=2)
            of_steps = zip(
                range(part.start, end),
                errors[part].unbind(0),
                blocks[part, :, : early.shape[2]].unbind(0),
                blocks[part, :, -1].unbind(0),
                early.unbind(0),
                *(repeat(None) if each is None else each.unbind(0) for each in factors[1:]),
                strict=False,
            )
            for t, error, early_error, output_error, in_early, kept, shown, in_output in reversed(
                list(of_steps)
            ):
                if shown is None:
                    d_cell.add_(d_hidden)
                else:
                    d_cell.addcmul_(d_hidden, shown)
                    torch.mul(in_output, d_hidden, out=output_error)
                torch.mul(in_early, d_cell.unsqueeze(1), out=early_error)
                if kept is None:
                    d_cell.zero_()
                else:
                    d_cell.mul_(kept)
                cell.recall_back(t, error, backward, bases[t], d_hidden)
    return errors, (d_hidden, d_cell) if cell.has_cell else (d_hidden.add_(d_cell),)
