"""Dots on braille cells: every cell of the terminal is two dots wide and four dots high.

dots (4 rows, 2 columns) of a cell      their bits in U+2800 + code
    ⠁ ⠈                                      1    8
    ⠂ ⠐                                      2   16
    ⠄ ⠠                                      4   32
    ⡀ ⢀                                     64  128
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLANK = 0x2800
"""The code point of the cell without dots."""

DOTS_WIDE = 2
DOTS_HIGH = 4

_BITS = np.array([[1, 8], [2, 16], [4, 32], [64, 128]], dtype=np.uint8)

Dots = NDArray[np.bool_]
Float = NDArray[np.float64]


def cells(dots: Dots) -> NDArray[np.uint8]:
    """(R, C) codes 0..255 of (4 R, 2 C) dots; the character is chr(BLANK + code)."""
    rows, columns = dots.shape[0] // DOTS_HIGH, dots.shape[1] // DOTS_WIDE
    grouped = dots.reshape(rows, DOTS_HIGH, columns, DOTS_WIDE)
    codes: NDArray[np.uint8] = np.einsum("rhcw,hw->rc", grouped.astype(np.uint8), _BITS)
    return codes


def between(top: Float, bottom: Float, height: int) -> Dots:
    """(height, C) dots filled in every column from `top` to `bottom` inclusive, counted from above.

    Values are rounded to dots and clipped to the canvas; a column with a NaN stays empty.
    """
    rows = np.arange(height)[:, None]
    return (rows >= np.rint(top)) & (rows <= np.rint(bottom))


def line(places: Float, height: int) -> Dots:
    """(height, C) dots of one connected curve; `places` (C,) counts dots from above, NaN for a gap.

    The dots between two neighboring values are divided between their columns, so that steep parts stay
    connected and flat parts stay one dot thin.
    """
    nearest = np.rint(places)
    jump = np.nan_to_num(np.diff(nearest))
    skipped = np.maximum(np.abs(jump) - 1, 0)
    to_next = np.sign(jump) * np.ceil(skipped / 2)
    to_previous = -np.sign(jump) * np.floor(skipped / 2)
    after, before = nearest.copy(), nearest.copy()
    after[:-1] += to_next
    before[1:] += to_previous
    top = np.minimum(np.minimum(before, after), nearest)
    bottom = np.maximum(np.maximum(before, after), nearest)
    return between(top, bottom, height)
