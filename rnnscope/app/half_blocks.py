"""Rows of half blocks: two values per cell, the upper one as its foreground, the lower one as its background.

▀▀▄ ▀▀   with 16 colors: the terminal's background below 0.25, then a weak and a strong color
+·=#-·   without color one value per cell: `·` below 0.25, then `+ #`, or `- =` for negative values
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from rnnscope.theme.palette import STEPS, ZERO, Background, Palette
from rnnscope.theme.segments import coded_segments

_UPPER, _LOWER = "▀", "▄"


def per_cell(palette: Palette) -> int:
    """The number of rows of values in a row of cells."""
    return 1 if palette.depth == "none" else 2


def cells(palette: Palette, steps: NDArray[np.intp], *, gates: bool) -> list[Segment]:
    """One row of cells from the (`per_cell`, C) steps of its rows of values."""
    if palette.depth == "none":
        points = signs(gates)[steps[0]]
        return coded_segments(points, np.zeros(len(points), dtype=np.intp), (palette.ink("text"),))
    keys = steps[0] * STEPS + steps[1]
    glyphs, styles = _pairs(palette, gates)
    return coded_segments(glyphs[keys], keys, styles)


def strip(palette: Palette, *, gates: bool) -> tuple[str, tuple[Style, ...]]:
    """The glyph of one value on the panel's background, and its style, per step."""
    if palette.depth == "none":
        return "".join(map(chr, signs(gates).tolist())), (palette.ink("text"),) * STEPS
    background, colors = palette.ink("text").bgcolor, _colors(palette, gates)
    glyphs = "".join(" " if color is None else "▀" for color in colors)
    return glyphs, tuple(Style(color=color, bgcolor=background) for color in colors)


def _colors(palette: Palette, gates: bool) -> tuple[Color | None, ...]:
    """The color of each step; None is the terminal's background."""
    if palette.depth == "16":
        return _sixteen(palette.background, gates)
    return palette.gate_colors if gates else palette.diverging_colors


@lru_cache(maxsize=16)
def _pairs(palette: Palette, gates: bool) -> tuple[NDArray[np.uint32], tuple[Style, ...]]:
    """33 × 33 glyphs and styles: the upper step's color over the lower step's."""
    glyphs, styles = [], []
    for upper, lower in product(_colors(palette, gates), repeat=2):
        glyphs.append(_UPPER if upper is not None else " " if lower is None else _LOWER)
        styles.append(Style(color=lower) if upper is None else Style(color=upper, bgcolor=lower))
    return np.array(list(map(ord, glyphs)), dtype=np.uint32), tuple(styles)


def _sixteen(background: Background, gates: bool) -> tuple[Color | None, ...]:
    positive = ("green", "bright_green") if gates else ("blue", "bright_cyan")
    negative = ("yellow", "bright_yellow")
    if background == "light":
        positive, negative = positive[::-1], negative[::-1]
    scale = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        low, high = positive if strength >= 0 else negative
        scale.append(None if abs(strength) < 0.25 else Color.parse(low if abs(strength) < 0.6 else high))
    return tuple(scale)


@lru_cache(maxsize=2)
def signs(gates: bool) -> NDArray[np.uint32]:
    """(33,) the code point of each step without color."""
    found = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        weak, strong = ("+", "#") if strength >= 0 else ("-", "=")
        found.append("·" if abs(strength) < 0.25 else weak if abs(strength) < 0.6 else strong)
    return np.array([ord(sign) for sign in found], dtype=np.uint32)
