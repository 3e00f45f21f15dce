"""Rows of half blocks: two values per cell, the upper one as its foreground, the lower one as its background.

▀▀▀▀▀▀   with 16 colors: the background below 0.25, then a weak and a strong color
+·=#-·   without color one value per cell: `·` below 0.25, then `+ #`, or `- =` for negative values
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from rnnscope.theme.palette import STEPS, ZERO, Palette, Theme
from rnnscope.theme.segments import coded_segments

_HALF = ord("▀")


def per_cell(palette: Palette) -> int:
    """The number of rows of values in a row of cells."""
    return 1 if palette.depth == "none" else 2


def cells(palette: Palette, steps: NDArray[np.intp], *, gates: bool) -> list[Segment]:
    """One row of cells from the (`per_cell`, C) steps of its rows of values."""
    if palette.depth == "none":
        points = signs(gates)[steps[0]]
        return coded_segments(points, np.zeros(len(points), dtype=np.intp), (palette.ink("text"),))
    keys = steps[0] * STEPS + steps[1]
    points = np.full(len(keys), _HALF, dtype=np.uint32)
    return coded_segments(points, keys, _pairs(palette, gates))


def strip(palette: Palette, *, gates: bool) -> tuple[str, tuple[Style, ...]]:
    """The glyph of one value on the panel's background, and its style per step; no glyph without color."""
    if palette.depth == "none":
        return "", (palette.ink("text"),) * STEPS
    background = palette.ink("text").bgcolor
    return "▀", tuple(Style(color=color, bgcolor=background) for color in _colors(palette, gates))


def _colors(palette: Palette, gates: bool) -> tuple[Color, ...]:
    if palette.depth == "16":
        return _sixteen(palette.theme, gates)
    return palette.gate_colors if gates else palette.diverging_colors


@lru_cache(maxsize=16)
def _pairs(palette: Palette, gates: bool) -> tuple[Style, ...]:
    """33 × 33 styles: the upper step's color on the lower step's."""
    colors = _colors(palette, gates)
    return tuple(Style(color=upper, bgcolor=lower) for upper in colors for lower in colors)


def _sixteen(theme: Theme, gates: bool) -> tuple[Color, ...]:
    nothing = "black" if theme == "dark" else "bright_white"
    positive = ("green", "bright_green") if gates else ("blue", "bright_cyan")
    negative = ("yellow", "bright_yellow")
    if theme == "light":
        positive, negative = positive[::-1], negative[::-1]
    scale = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        low, high = positive if strength >= 0 else negative
        scale.append(nothing if abs(strength) < 0.25 else low if abs(strength) < 0.6 else high)
    return tuple(Color.parse(name) for name in scale)


@lru_cache(maxsize=2)
def signs(gates: bool) -> NDArray[np.uint32]:
    """(33,) the code point of each step without color."""
    found = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        weak, strong = ("+", "#") if strength >= 0 else ("-", "=")
        found.append("·" if abs(strength) < 0.25 else weak if abs(strength) < 0.6 else strong)
    return np.array([ord(sign) for sign in found], dtype=np.uint32)
