"""Penalties that make units easier to read."""

from __future__ import annotations

from torch import Tensor

from rnnscope.network.cells.cell import LayerState


class MeanChange:
    """The mean of |s(t) − s(t−1)| over steps, streams and units; an observer of a model's forward pass.

    s is the cell state, or the hidden state of a cell that has no other. The penalty favors units that keep a
    value for long and change it rarely, such as at both ends of a quotation. A feature that two units share
    costs twice as much as in one unit. It is the temporal activation regularization of Merity, McCann &
    Socher 2017 (arXiv:1708.01009), but of the cell state, and with the absolute value in place of the square.
    """

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._count = 0

    def __call__(self, before: LayerState, states: LayerState) -> None:
        first, following = before[-1], states[-1].float()
        self._sums += [(following[0] - first).abs().sum(), following.diff(dim=0).abs().sum()]
        self._count += following.numel()

    def mean(self) -> Tensor:
        """A differentiable scalar."""
        total: Tensor = sum(self._sums[1:], self._sums[0])
        return total / self._count
