"""Recurrent cells. This file is their registry; `equations.py` says what a cell's module defines.

Neither this file nor a cell's module imports torch, so that screens can list cells and quantities without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Literal, get_args

from rnnscope.network.cells.equations import Equations

Activation = Literal["tanh", "softsign"]
"""φ in the cells' equations."""

CellName = Literal["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"]
"""The cells. Each is the module of that name in this package, which defines `CELL`."""

CELLS: dict[CellName, Equations] = {
    name: import_module(f"{__name__}.{name}").CELL for name in get_args(CellName)
}
