"""A window of a passage with one column per character, centered on the cursor.

    cells       |I| |a|m| |a| |漢 |…     a wide character takes two cells, a mark is on a dotted circle
    characters   7 8 9 …      13 13

Near the ends of the passage the window stays full and the cursor is off center. When zoomed out, a column
is several characters, and a ruler replaces the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from rnnscope.export.layout import Shapes
from rnnscope.theme.palette import Palette
from rnnscope.theme.segments import segments
from rnnscope.tracing.trace import Trace

_RULE = 15
"""Columns between two numbers of a ruler."""


@dataclass(frozen=True, eq=False)
class Window:
    """The characters in a row of `width` cells."""

    glyphs: tuple[str, ...]
    """One for each character shown."""
    widths: NDArray[np.intp]
    """(K,) cells of each."""
    indices: NDArray[np.intp]
    """(C,) the character that each cell belongs to; C is at most the width."""
    first: int
    """The index of the first character."""
    cursor: slice
    """The cells of the cursor."""

    @property
    def characters(self) -> slice:
        """The characters shown."""
        return slice(self.first, self.first + len(self.glyphs))

    def at(self, cell: int) -> int | None:
        """The character at a cell; None outside the text."""
        return int(self.indices[cell]) if 0 <= cell < len(self.indices) else None


def text_row(palette: Palette, shown: Window, cursor: int) -> list[Segment]:
    """The text, with the cursor's character inverse."""
    text, dim = palette.ink("text"), palette.ink("dim")
    cells = [(glyph, dim if glyph == "↵" else text) for glyph in shown.glyphs]
    cells[cursor - shown.first] = (shown.glyphs[cursor - shown.first], palette.cursor)
    return segments(cells)


@dataclass(frozen=True)
class Distance:
    """A window with `scale` characters per column, from the character `first`."""

    first: int
    columns: int
    scale: int
    cursor: int
    """The column of the cursor."""

    def at(self, cell: int) -> int | None:
        """The first character of a column; None outside the text."""
        return self.first + cell * self.scale if 0 <= cell < self.columns else None


def distance(length: int, cursor: int, width: int, scale: int) -> Distance:
    """The window of a text of `length` characters around `cursor`, with `scale` characters per column."""
    total = -(-length // scale)
    columns = min(max(width, 1), total)
    here = cursor // scale
    start = max(0, min(here - columns // 2, total - columns))
    return Distance(start * scale, columns, scale, here - start)


def ruler(palette: Palette, shown: Distance) -> list[Segment]:
    """The distance from the cursor, in characters, at each fifteenth column; the cursor's cell is inverse."""
    cells = [" "] * shown.columns
    for column in range(shown.cursor % _RULE, shown.columns, _RULE):
        label = f"{(column - shown.cursor) * shown.scale:+,}".replace("-", "−")
        if column != shown.cursor and column + len(label) <= shown.columns:
            cells[column : column + len(label)] = label
    dim = palette.ink("dim")
    return segments((glyph, palette.cursor if i == shown.cursor else dim) for i, glyph in enumerate(cells))


def window(trace: Trace, cursor: int, width: int) -> Window:
    """The window of a trace's text around `cursor`, at most `width` cells wide."""
    width = max(width, 2)  # a wide character must find room
    symbols, drawn = trace.drawn
    shapes = Shapes.of(symbols)
    # Only characters that can be visible are measured, so that the cost does not depend on the length.
    low, high = max(0, cursor - 2 * width), min(len(trace), cursor + 2 * width + 1)
    ids = drawn[low:high]
    widths = np.maximum(shapes.widths[ids], 1)
    edges = np.concatenate(([0], np.cumsum(widths)))
    here = cursor - low
    start = int(np.searchsorted(edges, edges[here] - (width - int(widths[here])) // 2))
    # Fill the window to the right if there is more text, else to the left.
    start = min(start, int(np.searchsorted(edges, max(0, edges[-1] - width))))
    stop = int(np.searchsorted(edges, edges[start] + width, "right")) - 1
    seated = shapes.seated
    shown = range(start, stop)
    left = int(edges[here] - edges[start])
    return Window(
        glyphs=tuple(seated[ids[i]] for i in shown),
        widths=widths[start:stop],
        indices=np.repeat(np.arange(low + start, low + stop), widths[start:stop]),
        first=low + start,
        cursor=slice(left, left + int(widths[here])),
    )
