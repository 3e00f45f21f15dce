"""The layout of a text in terminal cells: the glyph, width, line and column of each character.

    characters   e  ́  漢  \\t  \\n        a combining mark shares its base's cell, a wide character has two
    cells       |é |漢 |→ |↵ |

Lines end after line breaks and, for a given width, after spaces and wide characters. Per-character work is
vectorized, so that long texts are laid out in milliseconds.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnscope.text import display

Index = NDArray[np.intp]

_DOTTED_CIRCLE = "\u25cc"
_NARROWEST = 3
"""Cells a line must have, so that a wide character fits before the column in which spaces hang."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """How each symbol of a vocabulary is drawn, by id."""

    glyphs: tuple[str, ...]
    """The string that draws each symbol; a combining mark's follows that of its base."""
    labels: tuple[str, ...]
    """The name of each symbol where it stands alone, such as `␣`."""
    widths: Index
    """(V,) width in cells: 0 for combining marks, else 1 or 2."""
    ends_line: NDArray[np.bool_]
    """(V,) whether it is a line break."""
    lets_break: NDArray[np.bool_]
    """(V,) whether a line may be wrapped after it."""
    right_to_left: NDArray[np.bool_]
    """(V,) whether it belongs to a right-to-left script, such as Hebrew or Arabic."""

    @staticmethod
    @lru_cache(maxsize=16)
    def of(symbols: tuple[str, ...]) -> Shapes:
        """The shapes of a vocabulary's symbols."""
        glyphs = tuple(_attached(glyph) for glyph in display.glyphs(symbols))
        widths = np.array([cell_len(glyph) for glyph in glyphs], dtype=np.intp)
        ends_line = np.array([symbol == "\n" for symbol in symbols])
        spaces = np.array([unicodedata.category(symbol) == "Zs" for symbol in symbols])
        labels = tuple(
            label if glyph else f"U+{ord(symbol):04X}"
            for symbol, glyph, label in zip(
                symbols, glyphs, map(_attached, display.labels(symbols)), strict=True
            )
        )
        right_to_left = np.array([is_right_to_left(glyph) for glyph in glyphs], np.bool_)
        return Shapes(glyphs, labels, widths, ends_line, spaces | (widths == 2), right_to_left)

    @cached_property
    def seated(self) -> tuple[str, ...]:
        """The glyphs drawn alone: a combining mark on a dotted circle, so that each has a cell."""
        return tuple(
            _DOTTED_CIRCLE + glyph if width == 0 else glyph
            for glyph, width in zip(self.glyphs, self.widths.tolist(), strict=True)
        )


def is_right_to_left(glyph: str) -> bool:
    """Whether any character of the glyph belongs to a right-to-left script (bidirectional class R or AL)."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in glyph)


def _attached(glyph: str) -> str:
    """The glyph, or a replacement where terminals would join it with its neighbors into another width."""
    code = ord(glyph) if len(glyph) == 1 else 0
    if 0x1F1E6 <= code <= 0x1F1FF:  # two regional indicators become one flag
        return chr(0x24B6 + code - 0x1F1E6)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x1F3FB <= code <= 0x1F3FF:
        return ""  # variation selectors and skin tones widen the preceding character
    return glyph


@dataclass(frozen=True, eq=False)
class Layout:
    """The positions of the T characters of a text in L lines of cells."""

    ids: NDArray[np.int32]
    shapes: Shapes
    widths: Index
    """(T,) the width of each character in cells; a combining mark without a base has width 1."""
    edges: Index
    """(T+1,) the number of cells before each character, from the beginning of the text."""
    bases: Index
    """(T,) the index of the character that owns the cell: its own, or that of a combining mark's base."""
    starts: list[int]
    """L+1 indices; line n holds the characters starts[n] .. starts[n+1]−1."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def span(self, line: int) -> tuple[int, int]:
        """The first character of a line and the first of the next line."""
        return self.starts[line], self.starts[line + 1]

    def line_of(self, index: int) -> int:
        """The line of a character."""
        return min(bisect_right(self.starts, index), len(self)) - 1

    def column_of(self, index: int) -> int:
        """The column of a character's cell on its line."""
        return int(self.edges[self.bases[index]] - self.edges[self.starts[self.line_of(index)]])

    def index_at(self, line: int, column: int) -> int:
        """The character at a column of a line; the last one where the line is shorter."""
        start, end = self.span(max(0, min(line, len(self) - 1)))
        column = max(0, column)
        found = start + int(np.searchsorted(self.edges[start + 1 : end], self.edges[start] + column, "right"))
        return int(self.bases[min(found, end - 1)])

    def pieces(self, start: int, end: int) -> list[str]:
        """The glyphs of the characters start .. end−1, which are on one line."""
        glyphs = self.shapes.glyphs
        pieces = [glyphs[i] for i in self.ids[start:end].tolist()]
        if pieces and self.bases[start] == start and self.shapes.widths[self.ids[start]] == 0:
            pieces[0] = _DOTTED_CIRCLE + pieces[0]
        return pieces


def lay_out(ids: NDArray[np.int32], shapes: Shapes, width: int | None) -> Layout:
    """Break a text into lines of at most `width` cells; None breaks at line breaks alone.

    ids: (T,) int32. Only a space or a line break may occupy the last column.
    """
    length = len(ids)
    widths = shapes.widths[ids]
    line_ends = np.flatnonzero(shapes.ends_line[ids]) + 1
    begins = np.concatenate(([0], line_ends)).astype(np.intp)
    begins = begins[begins < length]
    widths[begins] = np.maximum(widths[begins], 1)  # the first character of a line has no base
    edges = np.concatenate(([0], np.cumsum(widths))).astype(np.intp)
    bases = np.maximum.accumulate(np.where(widths > 0, np.arange(length), 0)) if length else widths
    if width is None or not length:
        starts = [*begins.tolist(), length] if length else [0, 0]
    else:
        starts = _wrapped(ids, shapes, widths, edges, line_ends.tolist(), max(_NARROWEST, width))
    return Layout(ids, shapes, widths, edges, bases, starts)


def _wrapped(
    ids: NDArray[np.int32], shapes: Shapes, widths: Index, edges: Index, line_ends: list[int], width: int
) -> list[int]:
    """The index of the first character of each line, then T."""
    length = len(ids)
    at_base = np.maximum.accumulate(np.where(widths > 0, np.arange(length), 0))
    before_cell = np.append(widths[1:] > 0, True)
    may_break = shapes.lets_break[ids][at_base] & before_cell
    hangs = (widths == 1) & (shapes.lets_break | shapes.ends_line)[ids] & before_cell
    # for each position, the last position before or at it where a line may begin
    seams = np.concatenate(([0], np.maximum.accumulate(np.where(may_break, np.arange(1, length + 1), 0))))
    starts = [0]
    while starts[-1] < length:
        start = starts[-1]
        hard = bisect_right(line_ends, start)
        stop = line_ends[hard] if hard < len(line_ends) else length
        fit = int(np.searchsorted(edges, edges[start] + width - 1, "right")) - 1
        if fit < length and hangs[fit]:
            fit += 1
        seam = int(seams[min(fit, length)])
        starts.append(stop if fit >= stop else seam if seam > start else fit)
    return starts


def next_word(text: Sequence[str], index: int) -> int:
    """The first position of the next word, or the last position of the text."""
    last = len(text) - 1
    while index < last and not text[index].isspace():
        index += 1
    while index < last and text[index].isspace():
        index += 1
    return index


def previous_word(text: Sequence[str], index: int) -> int:
    """The first position of the previous word, or 0."""
    while index > 0 and text[index - 1].isspace():
        index -= 1
    while index > 0 and not text[index - 1].isspace():
        index -= 1
    return index


def paint(pieces: Sequence[str], codes: Sequence[int], styles: Sequence[Style]) -> list[Segment]:
    """Segments of `pieces` in the styles `styles[code]`; neighbors of equal code are merged."""
    segments = []
    start = 0
    for end in range(1, len(pieces) + 1):
        if end == len(pieces) or codes[end] != codes[start]:
            segments.append(Segment("".join(pieces[start:end]), styles[codes[start]]))
            start = end
    return segments


def first_equal(styles: Sequence[Style]) -> Index:
    """For each style, the index of the first equal one: fewer codes make longer segments."""
    seen: dict[Style, int] = {}
    return np.array([seen.setdefault(style, i) for i, style in enumerate(styles)], dtype=np.intp)
