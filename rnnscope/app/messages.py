"""What panels tell the screen; the screen answers with a new Selection for all of them."""

from __future__ import annotations

from textual.message import Message


class CursorMoved(Message):
    """A character of the passage was chosen."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class Arrived(Message):
    """Answers wait at the desk."""


class NeuronChosen(Message):
    """A neuron was chosen; layer counts from 1, unit from 0."""

    def __init__(self, layer: int, unit: int) -> None:
        super().__init__()
        self.layer = layer
        self.unit = unit


class FactorChosen(Message):
    """A factor of a crowd of neurons was chosen; the first is 0."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class QuantityChosen(Message):
    """A quantity was chosen, such as `forget`."""

    def __init__(self, quantity: str) -> None:
        super().__init__()
        self.quantity = quantity


class CharactersBrushed(Message):
    """Characters `first` up to before `end` of the passage were drawn over with the mouse, so far."""

    def __init__(self, first: int, end: int, *, is_on: bool) -> None:
        super().__init__()
        self.first = first
        self.end = end
        self.is_on = is_on
        """False with the right button, or with Shift or Ctrl: what is not looked for."""
