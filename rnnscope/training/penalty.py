"""Penalties that make units easier to read."""

from __future__ import annotations

from torch import Tensor

from rnnscope.network.cells.cell import LayerState
from rnnscope.training.options import TrainOptions


class Penalty:
    """λₐ · mean |h(t)| + λ꜀ · mean |s(t) − s(t−1)|; an observer of a model's forward pass.

    The means are over steps, streams and the units of all layers. s is the cell state, or the hidden state
    of a cell that has no other.

    The first term favors units that are silent most of the time. The second favors units that keep a value
    for long and change it rarely, such as at both ends of a quotation; a feature that two units share costs
    twice as much as in one unit. They are the activation regularization and the temporal activation
    regularization of Merity, McCann & Socher 2017 (arXiv:1708.01009), with absolute values in place of
    squares, and the latter for the cell state.
    """

    def __init__(self, activity: float, change: float) -> None:
        """The weights λₐ and λ꜀."""
        self._activity, self._change = activity, change
        self._sums: list[Tensor] = []
        self._count = 0

    @classmethod
    def of(cls, options: TrainOptions) -> Penalty | None:
        """The penalty of a run; None if both weights are 0."""
        weights = options.activity_penalty, options.change_penalty
        return cls(*weights) if any(weights) else None

    @property
    def needs_cell_states(self) -> bool:
        return self._change > 0

    def observe(self, before: LayerState, states: LayerState) -> None:
        if self._activity > 0:
            self._sums.append(self._activity * states[0].float().abs().sum())
        if self._change > 0:
            first, following = before[-1], states[-1].float()
            changes = (following[0] - first).abs().sum() + following.diff(dim=0).abs().sum()
            self._sums.append(self._change * changes)
        self._count += states[0].numel()

    def value(self) -> Tensor:
        """A differentiable scalar, of all states observed."""
        total: Tensor = sum(self._sums[1:], self._sums[0])
        return total / self._count
