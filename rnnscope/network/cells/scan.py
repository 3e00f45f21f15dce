"""What the cells that we run ourselves share: parameters, squashing, the way back through time.

A fused kernel exists for few cells. The others run step by step here, and stay fast because nothing is left
in the loop that can be done for all steps at once:

    before the loop   W_ih x(t) + b of every step, one product
    forward loop      one product a step, then element-wise operations in place
    after it          the factors by which gradients will be multiplied, element-wise over all steps
    backward loop     one product a step, and three multiplications
    after it          each weight's gradient, one product over all steps
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnnscope.network.architecture import Activation
from rnnscope.network.cells.cell import Cell


@dataclass(frozen=True)
class Squash:
    """A function that keeps a value within −1..1."""

    into: Callable[[Tensor, Tensor], object]
    """into(x, y) writes the squashed x into y, which may be x."""
    slope: Callable[[Tensor], Tensor]
    """slope(y) is the derivative where the function's value is y."""


def _tanh_into(x: Tensor, y: Tensor) -> None:
    torch.tanh(x, out=y)


def _tanh_slope(y: Tensor) -> Tensor:
    return torch.addcmul(y.new_ones(()), y, y, value=-1)


def _softsign_into(x: Tensor, y: Tensor) -> None:
    torch.div(x, x.abs().add_(1), out=y)


def _softsign_slope(y: Tensor) -> Tensor:
    return y.abs().neg_().add_(1).square_()  # x / (1 + |x|) has the slope (1 − |y|)²


SQUASHES: dict[Activation, Squash] = {
    "tanh": Squash(_tanh_into, _tanh_slope),
    "softsign": Squash(_softsign_into, _softsign_slope),
}


def sigmoid_slope(y: Tensor) -> Tensor:
    """The derivative of σ where its value is y: y (1 − y)."""
    return torch.addcmul(y, y, y, value=-1)


class ScannedCell(Cell):
    """A cell with packed matrices whose loop is ours."""

    def __init__(self, input_size: int, hidden_size: int, activation: Activation) -> None:
        super().__init__(input_size, hidden_size)
        rows = self.gates * hidden_size
        self.squash = SQUASHES[activation]
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.named_parameters())

    def squashed(self, cell: Tensor) -> Tensor:
        """φ(c)."""
        result = torch.empty_like(cell)
        self.squash.into(cell, result)
        return result


def product_type(weight: Tensor) -> torch.dtype:
    """The type in which matrices are multiplied: autocast's where it is on, else the weights' own.

    Everything element-wise, the cell's memory above all, stays in the weights' type.
    """
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def without_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """Inside a scan the types are chosen by hand."""
    return torch.autocast(tensor.device.type, enabled=False)


def add_product(base: Tensor, left: Tensor, right: Tensor, out: Tensor) -> None:
    """out = base + left @ right, which may be base; multiplied in the type of `right`, added in full."""
    if left.dtype == right.dtype:
        torch.addmm(base, left, right, out=out)
    else:
        torch.add(base, left.to(right.dtype) @ right, out=out)


class Run(NamedTuple):
    """What a forward loop computed and the backward loop needs."""

    gates: Tensor
    """(T, B, G·H), after σ and φ."""
    cells: Tensor
    """(T + 1, B, H): the c it began with, then one a step."""
    squashed: Tensor
    """(T, B, H): φ(c)."""
    outputs: Tensor
    """(T + 1, B, H): the h it began with, then one a step."""

    @classmethod
    def beginning(cls, products: Tensor, hidden: Tensor, cell: Tensor) -> Run:
        """Room for T steps from a state; the products (T, B, G·H), nobody else's, become the gates."""
        steps, batch, size = products.shape[0], *hidden.shape
        run = cls(
            gates=products,
            cells=products.new_empty(steps + 1, batch, size),
            squashed=products.new_empty(steps, batch, size),
            outputs=products.new_empty(steps + 1, batch, size),
        )
        run.cells[0] = cell
        run.outputs[0] = hidden
        return run

    @property
    def state(self) -> tuple[Tensor, Tensor]:
        """The last h and c."""
        return self.outputs[-1], self.cells[-1]


_ONE_THREADS_WORK = 1 << 24
"""Multiplications that one thread has done before a second one is awake."""


@contextmanager
def threads_for(run: Run) -> Iterator[None]:
    """Around a loop: all of torch's threads only where a step's product is large enough for them.

    They are woken and waited for at every step. With a small product that takes longer than the product, and
    on a busy machine many times longer.
    """
    threads, (_, batch, rows) = torch.get_num_threads(), run.gates.shape
    work = batch * rows * run.outputs.shape[2]
    if run.gates.device.type != "cpu" or threads == 1 or work > _ONE_THREADS_WORK:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Factors(NamedTuple):
    """What gradients are multiplied by, at each of some steps; dh and dc are those of a step's h and c.

    Blocks are in the packed order, the output gate last.
    """

    of_hidden_in_output: Tensor
    """(steps, B, H): the output gate's error is this times dh."""
    of_hidden_in_cell: Tensor
    """(steps, B, H): dc gains this times dh."""
    of_cell_in_early: Tensor
    """(steps, B, G−1, H): the errors of all gates but the output are this times dc."""
    of_cell_in_cell: Tensor
    """(steps, B, H): dc(t−1) is this times dc(t), and what dh(t−1) adds."""


_STEPS_AT_ONCE = 8
"""Steps whose factors are computed together: few calls, and still in the cache when they are used."""


def backpropagate(
    run: Run,
    to_outputs: Tensor,
    to_cell: Tensor,
    factors: Callable[[slice], Factors],
    recurrent: Callable[[int, Tensor, Tensor, Tensor], None],
) -> tuple[Tensor, Tensor, Tensor]:
    """Go back through time.

    to_outputs, to_cell: gradients of all h (T, B, H) and of the last c (B, H).
    factors: called with steps, the last ones first.
    recurrent: called with (t, errors (B, G·H), dh, out): out = dh + what step t's errors say of h(t−1).
    Returns the errors, which are the gradients of the gates before σ and φ (T, B, G·H), and the state's.
    """
    steps, batch, size = to_outputs.shape
    errors = torch.empty_like(run.gates)
    blocks = errors.view(steps, batch, -1, size)
    d_cell, d_hidden = to_cell.clone(), to_outputs[-1].clone()
    nothing = torch.zeros_like(d_hidden)
    with threads_for(run):
        for end in range(steps, 0, -_STEPS_AT_ONCE):
            start = max(0, end - _STEPS_AT_ONCE)
            of_steps = zip(*(factor.unbind(0) for factor in factors(slice(start, end))), strict=True)
            for t, (in_output, in_cell, in_early, kept) in reversed(list(enumerate(of_steps, start))):
                d_cell.addcmul_(d_hidden, in_cell)
                torch.mul(in_early, d_cell.unsqueeze(1), out=blocks[t, :, :-1])
                torch.mul(in_output, d_hidden, out=blocks[t, :, -1])
                d_cell.mul_(kept)
                recurrent(t, errors[t], to_outputs[t - 1] if t else nothing, d_hidden)
    return errors, d_hidden, d_cell


def weight_gradient(errors: Tensor, seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Σ of error ⊗ seen over all steps and streams: (T, B, rows), (T, B, columns) -> (rows, columns)."""
    product = errors.flatten(0, 1).to(dtype).t() @ seen.flatten(0, 1).to(dtype)
    return product.to(errors.dtype)
