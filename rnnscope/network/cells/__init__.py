"""Recurrent cells, one layer each: the recurrence of a network, and all of its gates when asked."""

from __future__ import annotations

from rnnscope.errors import OptionError
from rnnscope.network.architecture import Activation, CellName
from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.cells.coupled import Coupled
from rnnscope.network.cells.fused import GRU, LSTM, RNN
from rnnscope.network.cells.multiplicative import Multiplicative
from rnnscope.network.cells.peephole import Peephole
from rnnscope.network.cells.scan import ScannedCell

__all__ = ["CELLS", "Cell", "LayerState", "ScannedCell", "make_cell"]

CELLS: dict[CellName, type[Cell]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "peephole": Peephole,
    "coupled": Coupled,
    "multiplicative": Multiplicative,
}


def make_cell(name: CellName, input_size: int, hidden_size: int, activation: Activation = "tanh") -> Cell:
    """A layer of the named cell, weights not yet drawn. Raises OptionError where it lacks the activation."""
    kind = CELLS[name]
    if issubclass(kind, ScannedCell):
        return kind(input_size, hidden_size, activation)
    if activation != "tanh":
        raise OptionError(
            f"the cell {name!r} knows only tanh; {activation} needs peephole, coupled or multiplicative"
        )
    return kind(input_size, hidden_size)
