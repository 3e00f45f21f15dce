"""The rows of the gates panel at a height: all of them in a high panel, gates and cell in a low one.

When there are too few rows, the cell update goes first, then the predictions, then the least important rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rnnscope.network.cells import CELLS, CellName
from rnnscope.tracing.trace import is_gate

Kind = Literal["text", "predicts", "blank", "margin", "gate", "signed"]


@dataclass(frozen=True)
class Row:
    """One entry of the panel."""

    kind: Kind
    name: str = ""
    """A quantity, or `kept` and `written`; of `predicts`, the rank from 1."""
    height: int = 1
    sign: str = ""
    """What stands before a name of the cell update."""
    formula: str = ""
    label: str = ""
    """What the row is called where that is not its name."""


@dataclass(frozen=True)
class Plan:
    """The rows of a panel below its title."""

    rows: tuple[Row, ...]
    text_in_title: bool = False

    @property
    def height(self) -> int:
        return sum(row.height for row in self.rows)

    def has(self, kind: Kind) -> bool:
        return any(row.kind == kind for row in self.rows)


_LEAST_TELLING = ("factor", "hidden", "candidate", "output", "reset", "input", "forget", "update")
"""The order in which rows are left out; the state itself stays."""
_KEEPS_LONGER = ("output", "input", "forget", "reset", "update")
"""Two-high rows become one high before these go."""
_TALLEST = 4
"""How many times as high bars may become where there is room."""
_TEXT_IN_TITLE_UP_TO = 6
"""Panels of this height have their text in the title's row."""


def plan(cell: CellName, height: int) -> Plan:
    """The rows for a panel `height` rows high, its title included."""
    room = height - 1
    if height <= _TEXT_IN_TITLE_UP_TO:
        rows = next((p.rows for p in _low(cell, ()) if p.height <= room), ())
        return Plan(rows, text_in_title=True)
    best = next(p for p in (*_high(cell), *_low(cell, (Row("text"),))) if p.height <= room)
    if height > 9 and best.height < room:
        return Plan((Row("margin"), *best.rows))
    return best


def _state(cell: CellName) -> str:
    return "cell" if CELLS[cell].has_cell else "hidden"


def _rows(cell: CellName) -> tuple[str, ...]:
    """Gates, other bounded quantities, unbounded ones, hidden."""
    gates, unbounded = CELLS[cell].gates, CELLS[cell].unbounded
    others = [name for name in CELLS[cell].quantities if name not in gates and name != "hidden"]
    return (*gates, *sorted(others, key=unbounded.__contains__), "hidden")


def _high(cell: CellName) -> Iterator[Plan]:
    """Plans with the text's row and more than the quantities alone."""
    predicts = (Row("text", "text"), *(Row("predicts", str(rank)) for rank in range(1, 6)), Row("blank"))
    names = _rows(cell)
    formulas = CELLS[cell].formulas
    if formulas is not None:
        for scale in range(_TALLEST, 0, -1):
            above = [_quantity(n, scale) for n in names if n not in ("cell", "hidden")]
            yield Plan((*predicts, *above, Row("blank"), *_cell_update(_state(cell), formulas, 2 * scale)))
    for scale in range(_TALLEST if formulas is None else 1, 0, -1):
        yield Plan((*predicts, *(_quantity(n, scale) for n in names)))


def _cell_update(state: str, formulas: tuple[str, str], height: int) -> Iterator[Row]:
    """How the state comes about: what is kept and what is written add up to it."""
    yield Row("signed", "kept", height, sign=" ", formula=formulas[0])
    yield Row("signed", "written", height, sign="+", formula=formulas[1])
    yield Row("signed", state, height, sign="=")
    if state != "hidden":
        yield Row("signed", "hidden", height, sign="→", label="hidden")


def _low(cell: CellName, before: tuple[Row, ...]) -> Iterator[Plan]:
    """Plans of quantities alone, fuller ones first."""
    names = list(_rows(cell))
    drops = [name for name in _LEAST_TELLING if name in names and name != _state(cell)]
    scales = range(_TALLEST, 0, -1) if CELLS[cell].formulas is None else (1,)
    for scale in scales:
        yield Plan((*before, *(_quantity(n, scale) for n in names)))
    for name in drops:
        if name not in _KEEPS_LONGER:
            names.remove(name)
            yield Plan((*before, *(_quantity(n, 1) for n in names)))
    yield Plan((*before, *(_quantity(n, 1, one_high=True) for n in names)))
    for name in drops:
        if name in _KEEPS_LONGER:
            names.remove(name)
            yield Plan((*before, *(_quantity(n, 1, one_high=True) for n in names)))


def _quantity(name: str, scale: int, *, one_high: bool = False) -> Row:
    if is_gate(name):
        return Row("gate", name, scale)
    return Row("signed", name, 1 if one_high else 2 * scale)
