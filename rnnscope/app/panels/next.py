"""The most probable characters after the cursor, one bar each, the true one marked.

    ▎ next  after “…gentleman of Ver”
    ▎
    ▎▸ o  ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆     53.9 %
    ▎  a  ▆▆▆▆▆▆                       14.1 %
    ▎
    ▎▸ true o   surprisal 0.89 bits   rank 1

Bars are scaled to 60 % or to the largest, whichever is more; below one cell they are drawn in eighths (▏▎▍…).
Surprisal is −log2 of the true character's probability, entropy −Σ p log2 p is its expectation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment

from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.export.layout import Shapes
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace

Facts = list[tuple[str, str]]
"""Names and values, such as `rank`, `1`."""

_LEAST_SCALE = 0.6
_INDENT = 1
_GAP = 2
_PERCENT = 6
_CONTEXT = 18
"""The most cells of context that the title shows."""
_LEAST_CONTEXT = 8
_EIGHTHS = ("", *"▏▎▍▌▋▊▉", "▆")
_BLANK_FROM = 8
"""Bodies this high have a blank row above the last one."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predictions at one position, and the true next character."""

    probabilities: NDArray[np.float64]
    """(V,)"""
    order: NDArray[np.intp]
    """(V,) ids, the most probable first."""
    truth: int | None
    """The id of the true next character; None after the last one."""

    @classmethod
    def at(cls, trace: Trace, position: int) -> Prediction:
        """The predictions after a position of a trace."""
        probabilities = np.exp(trace.log_probabilities[position].astype(np.float64))
        truth = int(trace.ids[position + 1]) if position + 1 < len(trace) else None
        return cls(probabilities, np.argsort(-probabilities, kind="stable"), truth)

    def best(self, count: int) -> list[int]:
        """The most probable ids; the last gives way to the one that came when it is not among them."""
        ids: list[int] = self.order[:count].tolist()
        if ids and self.truth is not None and self.truth not in ids:
            ids[-1] = self.truth
        return ids

    def rank(self, id: int) -> int:
        """The place of an id among all, from 1."""
        return int(np.flatnonzero(self.order == id)[0]) + 1

    @property
    def entropy_bits(self) -> float:
        seen = self.probabilities[self.probabilities > 0]
        return max(0.0, float(-(seen * np.log2(seen)).sum()))


class Next(Panel):
    """The most probable next characters at the cursor."""

    heading = "next"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._selection: Selection | None = None
        self._prediction: Prediction | None = None

    def show(self, selection: Selection) -> None:
        """Show the predictions after the selection's cursor."""
        old, self._selection = self._selection, selection
        if old is None or old.trace is not selection.trace or old.cursor != selection.cursor:
            self._prediction = Prediction.at(selection.trace, selection.cursor)
            self.redraw()

    # -- the title -----------------------------------------------------------------------------------------

    def subject(self) -> str:
        if self._selection is None:
            return ""
        legend = sum(part.cell_length for part in self.legend())
        room = self.size.width - self._title_cells - (legend + PADDING if legend else 0)
        return (
            f"after “{_context(self._selection.trace, self._selection.cursor, max(2, min(room, _CONTEXT)))}”"
        )

    def legend(self) -> list[Segment]:
        """The entropy, when the last row has no room for it and the title has."""
        if self._prediction is None or any(name == "entropy" for name, _ in self._facts()):
            return []
        value = f"{self._prediction.entropy_bits:.1f} bits"
        if self._title_cells + _LEAST_CONTEXT + PADDING + len(f"entropy {value}") > self.size.width:
            return []
        return [
            Segment("entropy ", self.palette.ink("dim")),
            Segment(value, self.palette.ink("strong")),
        ]

    @property
    def _title_cells(self) -> int:
        """What the title needs besides the context and the legend."""
        return self.name_width + len("after “”") + 3 * PADDING - 1

    # -- the body ------------------------------------------------------------------------------------------

    def mark(self, row: int) -> Segment | None:
        found = self._prediction
        if found is None or found.truth is None:
            return None
        ids = self._shown()
        is_marked = row == self.body_height - 1 or (row < len(ids) and ids[row] == found.truth)
        return Segment("▸", self.palette.ink("text")) if is_marked else None

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        if self._prediction is None:
            return []
        indent = Segment(" " * _INDENT, self.fill)
        if row == height - 1:
            return [indent, *self._last_row()]
        ids = self._shown()
        return [indent, *self._bar(ids[row], width)] if row < len(ids) else []

    def _shown(self) -> list[int]:
        """The ids that have a bar, best first."""
        assert self._prediction is not None
        height = self.body_height
        return self._prediction.best(max(0, height - (2 if height >= _BLANK_FROM else 1)))

    def _bar(self, id: int, width: int) -> list[Segment]:
        """Label, bar and percentage of one candidate."""
        assert self._selection is not None
        assert self._prediction is not None
        ink, found = self.palette.ink, self._prediction
        is_true = id == found.truth
        names = Shapes.of(self._selection.trace.symbols).labels
        label_cells = max(cell_len(name) for name in names)
        room = max(0, width - _INDENT - label_cells - 2 * _GAP - _PERCENT)
        probability = float(found.probabilities[id])
        largest = float(found.probabilities[found.order[0]])
        bar = _drawn(room * probability / max(_LEAST_SCALE, largest))
        rank = found.rank(id)
        note = f" rank {rank}" if rank > len(self._shown()) else ""
        rest = max(0, room - len(bar))
        label = names[id] + " " * (label_cells - cell_len(names[id]) + _GAP)
        return [
            Segment(label, ink("strong", bold=True) if is_true else ink("text")),
            Segment(bar[:room], ink("violet" if is_true else "bar_dim")),
            Segment((note if len(note) <= rest else "").ljust(rest + _GAP), ink("dim")),
            Segment(_percent(probability), ink("strong", bold=True) if is_true else ink("dim")),
        ]

    def _last_row(self) -> list[Segment]:
        """The true character, its surprisal and its rank."""
        ink = self.palette.ink
        facts = self._facts()
        if not facts:
            return [Segment("end of the passage", ink("dim"))]
        row: list[Segment] = []
        for name, value in facts:
            gap = "   " if row else ""
            row.append(Segment(f"{gap}{name} " if name else gap, ink("dim")))
            row.append(Segment(value, ink("strong", bold=name == "true")))
        return row

    def _facts(self) -> Facts:
        """The facts that fit in the last row for any values; none after the last character."""
        selection, found = self._selection, self._prediction
        if selection is None or found is None or found.truth is None:
            return []
        names = Shapes.of(selection.trace.symbols).labels
        true = ("true", names[found.truth])
        surprisal = ("surprisal", f"{float(selection.trace.surprise_bits[selection.cursor]):.2f} bits")
        rank = ("rank", f"{found.rank(found.truth):,}")
        entropy = ("entropy", f"{found.entropy_bits:.1f} bits")
        room = self.body_width - _INDENT - len("true ") - max(map(cell_len, names))
        ranks = len(f"{len(names):,}")
        for facts, cells in (  # the same choice for every value, so that nothing jumps
            ([surprisal, rank, entropy], len("   surprisal 00.00 bits   rank    entropy 0.0 bits") + ranks),
            ([surprisal, rank], len("   surprisal 00.00 bits   rank ") + ranks),
            ([surprisal], len("   surprisal 00.00 bits")),
        ):
            if cells <= room:
                return [true, *facts]
        return [true, ("", surprisal[1])]


def _drawn(cells: float) -> str:
    """A bar of `cells` cells; below one cell in eighths, rounded up."""
    return "▆" * round(cells) if cells >= 1 else _EIGHTHS[math.ceil(8 * cells)]


def _percent(probability: float) -> str:
    """A percentage in six cells; a value that rounds to 0 is shown apart from 0."""
    if 0.0 < probability < 0.0005:
        return "<0.1 %"
    text = f"{100 * probability:.1f} %"
    return (text if len(text) <= _PERCENT else f"{100 * probability:.0f} %").rjust(_PERCENT)


def _context(trace: Trace, cursor: int, room: int) -> str:
    """The text up to the cursor in `room` cells, from the beginning of a word where that costs little."""
    symbols, drawn = trace.drawn
    glyphs = Shapes.of(symbols).glyphs
    ids = drawn[max(0, cursor - room) : cursor + 1].tolist()
    pieces = [glyphs[i] for i in ids]
    if len(ids) == cursor + 1 and cell_len("".join(pieces)) <= room:
        return "".join(pieces)
    is_blank = [symbols[i].isspace() for i in ids]
    start = len(pieces) - 1
    while start > 1 and cell_len("".join(pieces[start - 1 :])) < room:
        start -= 1
    for first in range(start, len(pieces)):
        if is_blank[first - 1] and not is_blank[first]:
            text = "".join(pieces[first:])
            if 2 * cell_len(text) >= room:
                return "…" + text
            break
    return "…" + "".join(pieces[start:])
