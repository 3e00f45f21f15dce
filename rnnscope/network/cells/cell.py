"""What every recurrent layer offers.

A layer maps inputs x(1..T) and a state to outputs h(1..T). The inputs of a one-hot layer are the characters'
ids themselves: W_ih x is then a column of W_ih, and no one-hot array is made where it can be avoided.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

LayerState = tuple[Tensor, ...]
"""(hidden,) or (hidden, cell), each (B, H)."""


class Cell(nn.Module, ABC):
    """One recurrent layer: ids (T, B) or vectors (T, B, I) in, hidden (T, B, H) and the last state out."""

    state_parts: int = 2
    """1 for a state of hidden alone, 2 for hidden and cell."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    @abstractmethod
    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Run over `inputs` from `state`. Returns hidden (T, B, H) and the last state."""

    @abstractmethod
    def states(self, inputs: Tensor, state: LayerState) -> LayerState:
        """The state of every step, parts (T, B, H); slower than `forward` where that has a fused kernel."""

    @abstractmethod
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        """Every recorded quantity (T, B, H) by name, and the last state. Computes no gradients.

        hidden: what `forward` returned for the same arguments, where it is known.
        """

    def visible(self, state: LayerState) -> LayerState:
        """The part of a state that outputs depend on: (h, φ(c)), or (h, c) where gates depend on c itself."""
        return state

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """The parameters under their names in a model file, without the prefix `layers.N.`."""

    def initial_state(self, batch_size: int) -> LayerState:
        """Zeros (B, H), one for each part of the state."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch_size, self.hidden_size) for _ in range(self.state_parts))
