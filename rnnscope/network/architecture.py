"""The architecture of a network: the sizes that determine the shapes of its tensors.

Does not import torch, so that screens can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnscope.network.cells import CELLS, Activation, CellName

__all__ = ["GATES", "QUANTITIES", "UNBOUNDED", "Activation", "Architecture", "CellName"]

QUANTITIES: dict[CellName, tuple[str, ...]] = {name: cell.quantities for name, cell in CELLS.items()}
"""The recorded quantities of every unit, by cell type, in display order."""

GATES = frozenset(gate for cell in CELLS.values() for gate in cell.gates)
"""The quantities in the range 0..1; all others are signed."""

UNBOUNDED = frozenset(quantity for cell in CELLS.values() for quantity in cell.unbounded)
"""The quantities without bounds. They are displayed through the activation of the network, within −1..1."""


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
    """φ in the cell's equations: of the candidate, of c, and of the plain network's h."""
    tied: bool = False
    """Whether the read-out shares the embedding's weights (needs E = H)."""

    @property
    def input_size(self) -> int:
        """The width of the first layer's input: E, or V when characters are one-hot."""
        return self.embedding_size or self.vocabulary_size

    @property
    def traced_bytes(self) -> int:
        """Bytes of memory that one character of a trace takes."""
        return 4 * (self.vocabulary_size + self.layers * len(QUANTITIES[self.cell]) * self.hidden_size)

    @property
    def title(self) -> str:
        """Such as `LSTM 1×256`."""
        return f"{CELLS[self.cell].title} {self.layers}×{self.hidden_size}"
