"""From characters to cells: which glyph each has, how wide it is, and on which line and column it stands.

    characters   e  ́  漢  \\t  \\n        a combining mark sits in its base's cell, a wide character has two
    cells       |é |漢 |→ |↵ |

Lines end after line breaks and, where a width is given, after spaces or wide characters. What is done for
each character is done by arrays, so that long texts are laid out in milliseconds.
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
    """What is drawn; for a mark that sits on its base, what is drawn after the base."""
    labels: tuple[str, ...]
    """What names the symbol where it stands alone, such as `␣`."""
    widths: Index
    """(V,) cells: 0 for marks, 1 or 2."""
    ends_line: NDArray[np.bool_]
    """(V,) whether it is a line break."""
    lets_break: NDArray[np.bool_]
    """(V,) whether a line may be wrapped after it."""

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
        return Shapes(glyphs, labels, widths, ends_line, spaces | (widths == 2))

    @cached_property
    def seated(self) -> tuple[str, ...]:
        """The glyphs as they are drawn alone: marks on a dotted circle, so that all have a cell."""
        return tuple(
            _DOTTED_CIRCLE + glyph if width == 0 else glyph
            for glyph, width in zip(self.glyphs, self.widths.tolist(), strict=True)
        )


def _attached(glyph: str) -> str:
    """The glyph, or a stand-in where terminals would fuse it with its neighbors into another width."""
    code = ord(glyph) if len(glyph) == 1 else 0
    if 0x1F1E6 <= code <= 0x1F1FF:  # two regional indicators become one flag
        return chr(0x24B6 + code - 0x1F1E6)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x1F3FB <= code <= 0x1F3FF:
        return ""  # variation selectors and skin tones widen what stands before them
    return glyph


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the T characters of a text stand.

    starts: L+1 indices; line n is the characters starts[n] .. starts[n+1]−1.
    """

    ids: NDArray[np.int32]
    shapes: Shapes
    widths: Index
    """(T,) cells of each character; a mark without a base has one of its own."""
    edges: Index
    """(T+1,) cells before each character, counted from the beginning of the text."""
    bases: Index
    """(T,) the character in whose cell each one stands: itself, or the base of a mark."""
    starts: list[int]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def span(self, line: int) -> tuple[int, int]:
        """The first character of a line, and the first of the next."""
        return self.starts[line], self.starts[line + 1]

    def line_of(self, index: int) -> int:
        """The line on which a character stands."""
        return min(bisect_right(self.starts, index), len(self)) - 1

    def column_of(self, index: int) -> int:
        """The column of a character's cell on its line."""
        return int(self.edges[self.bases[index]] - self.edges[self.starts[self.line_of(index)]])

    def index_at(self, line: int, column: int) -> int:
        """The character at a column of a line; its last one when the line is shorter."""
        start, end = self.span(max(0, min(line, len(self) - 1)))
        column = max(0, column)
        found = start + int(np.searchsorted(self.edges[start + 1 : end], self.edges[start] + column, "right"))
        return int(self.bases[min(found, end - 1)])

    def pieces(self, start: int, end: int) -> list[str]:
        """The glyphs of some characters of one line."""
        glyphs = self.shapes.glyphs
        pieces = [glyphs[i] for i in self.ids[start:end].tolist()]
        if pieces and self.bases[start] == start and self.shapes.widths[self.ids[start]] == 0:
            pieces[0] = _DOTTED_CIRCLE + pieces[0]
        return pieces


def lay_out(ids: NDArray[np.int32], shapes: Shapes, width: int | None) -> Layout:
    """Break a text into lines of at most `width` cells; None breaks at line breaks alone.

    A space or line break may stand in the last column, other characters end before it.
    """
    length = len(ids)
    widths = shapes.widths[ids]
    line_ends = np.flatnonzero(shapes.ends_line[ids]) + 1
    begins = np.concatenate(([0], line_ends)).astype(np.intp)
    begins = begins[begins < length]
    widths[begins] = np.maximum(widths[begins], 1)  # no base stands before the first of a line
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
    """Where each line begins, and the text's length."""
    length = len(ids)
    at_base = np.maximum.accumulate(np.where(widths > 0, np.arange(length), 0))
    before_cell = np.append(widths[1:] > 0, True)
    may_break = shapes.lets_break[ids][at_base] & before_cell
    hangs = (widths == 1) & (shapes.lets_break | shapes.ends_line)[ids] & before_cell
    # the last position up to each one at which a line may begin
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
    """The beginning of the word after a position, or the last position."""
    last = len(text) - 1
    while index < last and not text[index].isspace():
        index += 1
    while index < last and text[index].isspace():
        index += 1
    return index


def previous_word(text: Sequence[str], index: int) -> int:
    """The beginning of the word before a position, or 0."""
    while index > 0 and text[index - 1].isspace():
        index -= 1
    while index > 0 and not text[index - 1].isspace():
        index -= 1
    return index


def paint(pieces: Sequence[str], codes: Sequence[int], styles: Sequence[Style]) -> list[Segment]:
    """Segments of pieces in the styles of their codes; equal neighbors are one segment."""
    segments = []
    start = 0
    for end in range(1, len(pieces) + 1):
        if end == len(pieces) or codes[end] != codes[start]:
            segments.append(Segment("".join(pieces[start:end]), styles[codes[start]]))
            start = end
    return segments


def first_equal(styles: Sequence[Style]) -> Index:
    """For each style the first one that looks the same, so that fewer colors make longer segments."""
    seen: dict[Style, int] = {}
    return np.array([seen.setdefault(style, i) for i, style in enumerate(styles)], dtype=np.intp)
