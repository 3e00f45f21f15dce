"""What a network is made of: the few numbers from which its tensors' shapes follow.

This module knows neither torch nor a screen, so that both may read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CellName = Literal["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"]
Activation = Literal["tanh", "softsign"]

_LSTM = ("input", "forget", "candidate", "output", "cell", "hidden")

QUANTITIES: dict[CellName, tuple[str, ...]] = {
    "rnn": ("hidden",),
    "lstm": _LSTM,
    "gru": ("reset", "update", "candidate", "hidden"),
    "peephole": _LSTM,
    "coupled": _LSTM,
    "multiplicative": ("factor", *_LSTM),
}
"""What is recorded of every unit, per cell, in the order in which the screens offer it."""

GATES = frozenset({"input", "forget", "output", "reset", "update"})
"""The quantities within 0..1; all others are signed."""

UNBOUNDED = frozenset({"cell", "factor"})
"""The quantities without bounds. They are shown through the network's activation, within −1..1."""

DISPLAY_NAMES: dict[CellName, str] = {
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "peephole": "peephole LSTM",
    "coupled": "coupled LSTM",
    "multiplicative": "multiplicative LSTM",
}


@dataclass(frozen=True)
class Architecture:
    """The shape of a character-level recurrent network."""

    cell: CellName = "lstm"
    vocabulary_size: int = 0
    hidden_size: int = 256
    layers: int = 1
    embedding_size: int = 0
    """E, the size of a learned embedding; 0 feeds characters one-hot."""
    activation: Activation = "tanh"
    """What squashes candidate and cell; softsign is for the scanned cells alone."""
    tied: bool = False
    """Whether the read-out shares the embedding's weights (needs E = H)."""

    @property
    def input_size(self) -> int:
        """The width of the first layer's input: E, or V when characters are one-hot."""
        return self.embedding_size or self.vocabulary_size

    @property
    def traced_bytes(self) -> int:
        """What one character of a trace takes in memory."""
        return 4 * (self.vocabulary_size + self.layers * len(QUANTITIES[self.cell]) * self.hidden_size)

    @property
    def title(self) -> str:
        """Such as `LSTM 1×256`."""
        return f"{DISPLAY_NAMES[self.cell]} {self.layers}×{self.hidden_size}"
