"""The top five predictions after each character, as in Karpathy's essay, one column per character.

text        of Verona        column t has the predictions after character t; the background is the step of
predicts    f tiron a        p^0.8, and the true character is bold. A space is a blank cell.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnscope.export.layout import Layout, first_equal, paint
from rnnscope.theme.palette import STEPS, Palette, unit_steps
from rnnscope.tracing.trace import Trace

ROWS = 5

_EXPONENT = 0.8
_FAINT_STEPS = 6
"""Predicted characters on steps below this are dim, unless they are the true ones."""
_TOO_WIDE = "▯"


def expected_rows(
    trace: Trace, layout: Layout, start: int, end: int, palette: Palette
) -> list[list[Segment]]:
    """Five rows for the characters `start` to `end` of one line, the most probable first."""
    cells = np.flatnonzero(layout.bases[start:end] == np.arange(start, end)) + start
    if not len(cells):
        return [[] for _ in range(ROWS)]
    read = np.append(cells[1:], end) - 1  # what follows a cell follows its last mark
    ids, log_probabilities = _most_probable(trace.log_probabilities[read])
    came_true = ids == np.append(trace.ids, -1)[read + 1][:, None]
    styles, canonical = _styles(palette)
    codes = canonical[unit_steps(np.exp(_EXPONENT * log_probabilities)) + STEPS * came_true]
    glyphs, widths = layout.shapes.seated, layout.widths[cells].tolist()
    rows = []
    for rank in range(ids.shape[1]):
        pieces = [_fitted(glyphs[i], width) for i, width in zip(ids[:, rank].tolist(), widths, strict=True)]
        rows.append(paint(pieces, codes[:, rank].tolist(), styles))
    return rows + [[] for _ in range(ROWS - len(rows))]


def _most_probable(log_probabilities: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """(n, 5) ids of the most probable symbols of (n, V) rows, best first, and their log-probabilities."""
    count = min(ROWS, log_probabilities.shape[1])
    ids = np.argpartition(-log_probabilities, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(log_probabilities, ids, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(values, order, axis=1)


def _fitted(glyph: str, cells: int) -> str:
    """The glyph, padded or replaced so that it takes exactly `cells` cells."""
    width = cell_len(glyph)
    return _TOO_WIDE if width > cells else glyph + " " * (cells - width)


@lru_cache(maxsize=16)
def _styles(palette: Palette) -> tuple[tuple[Style, ...], NDArray[np.intp]]:
    """The steps' styles, dim where the probability is low; the same in bold for what came true."""
    dim = Style(color=palette.ink("dim").color)
    cells = palette.probability
    misses = tuple(style + dim if step < _FAINT_STEPS else style for step, style in enumerate(cells))
    styles = (*misses, *(style + Style(bold=True) for style in cells))
    return styles, first_equal(styles)
