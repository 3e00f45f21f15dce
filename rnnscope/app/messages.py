"""What panels tell the screen; the screen answers with a new View for all of them."""

from __future__ import annotations

from textual.message import Message


class CursorMoved(Message):
    """A character of the passage was chosen."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class NeuronChosen(Message):
    """A neuron was chosen; layer counts from 1, unit from 0."""

    def __init__(self, layer: int, unit: int) -> None:
        super().__init__()
        self.layer = layer
        self.unit = unit


class QuantityChosen(Message):
    """A quantity was chosen, such as `forget`."""

    def __init__(self, quantity: str) -> None:
        super().__init__()
        self.quantity = quantity
