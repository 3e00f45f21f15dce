"""The cell update of a neuron: the kept and the written part of its state at each character.

    LSTM variants      c(t) = f·c(t−1) + i·g           kept f·c, written i·g
    GRU                h(t) = z·h(t−1) + (1−z)·n       kept z·h, written (1−z)·n

The kept part is computed as state − written, so that it is defined at the first character too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import UNBOUNDED
from rnnscope.network.cells import CELLS
from rnnscope.selection import Selection

Float = NDArray[np.float64]


def numbers(selection: Selection, name: str, characters: slice) -> Float:
    """The raw values of a quantity, or of `kept` or `written`, of the chosen neuron at some characters."""

    def values(quantity: str) -> Float:
        recorded = selection.trace[f"{selection.layer}/{quantity}"]
        return recorded[characters, selection.unit].astype(np.float64)

    cell = CELLS[selection.trace.architecture.cell]
    if name in ("kept", "written"):
        written: Float = cell.written(values)
        return written if name == "written" else values("cell" if cell.has_cell else "hidden") - written
    return values(name)


def squashed(selection: Selection, name: str, raw: Float) -> Float:
    """The values mapped to −1..1 for bars: unbounded quantities and parts of a cell state go through φ."""
    architecture = selection.trace.architecture
    has_cell = CELLS[architecture.cell].has_cell
    if name not in UNBOUNDED and not (has_cell and name in ("kept", "written")):
        return raw
    return np.tanh(raw) if architecture.activation == "tanh" else raw / (1 + np.abs(raw))
