"""Rows of bars made of eighths of a cell: gates stand, signed values stand above a midline or hang below it.

gates 0..1        ▁▁▂▄▇▇▇     never blank, for a shut gate is a line; never full, for rows must part
signed −1..1      ▁▃▆         two rows: + stands on the midline between them,
                     ▀▀▔      − hangs from it (a lower block with its two colors swapped)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.style import Style

from rnnscope.theme.palette import STEPS, ZERO, Palette

Points = NDArray[np.uint32]
Keys = NDArray[np.intp]
Float = NDArray[np.float64]

_BLOCKS = np.array([ord(block) for block in " ▁▂▃▄▅▆▇█"], dtype=np.uint32)

# Offsets of the style groups in the table of `styles`; each group is followed by the same with the crosshair.
_GATE, _STANDING, _HANGING, _NOTHING = 0, 2 * STEPS, 4 * STEPS, 6 * STEPS
_CROSSHAIR_LATER = STEPS


def gate_rows(values: ArrayLike, rows: int = 1) -> tuple[Points, Keys]:
    """(rows, C) characters and style keys of bars of values 0..1."""
    v = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float64)), 0.0, 1.0)
    filled = _filled(v, rows)[::-1]
    keys = np.broadcast_to(_GATE + np.rint(8 + 18 * v).astype(np.intp), filled.shape)
    return _BLOCKS[filled], np.where(filled > 0, keys, _NOTHING)


def signed_rows(values: ArrayLike, rows: int = 2) -> tuple[Points, Keys]:
    """(rows, C) of bars of values −1..1; in a single row + stands on its bottom and − hangs from its top."""
    v = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float64)), -1.0, 1.0)
    arm = max(1, rows // 2)
    negative = v < 0
    filled = _filled(np.abs(v), arm)
    depth = np.rint(5 + 8 * np.abs(v)).astype(np.intp)
    up = np.where(negative, 0, filled)[::-1]
    down = np.where(negative, filled, 0)
    standing = np.where(up > 0, _STANDING + ZERO + depth, _NOTHING)
    hanging = np.where(down > 0, _HANGING + ZERO - depth, _NOTHING)
    above, below = _BLOCKS[up], np.where(down > 0, _BLOCKS[8 - down], ord(" ")).astype(np.uint32)
    if rows == 1:
        return np.where(negative, below, above), np.where(negative, hanging, standing)
    return np.concatenate([above, below]), np.concatenate([standing, hanging])


def with_crosshair(keys: Keys, cells: slice) -> Keys:
    """The keys with the cursor's column drawn through these cells."""
    marked = keys.copy()
    marked[..., cells] += np.where(marked[..., cells] == _NOTHING, 1, _CROSSHAIR_LATER)
    return marked


def blank(width: int) -> tuple[Points, Keys]:
    """One row (1, C) without bars."""
    return np.full((1, width), ord(" "), dtype=np.uint32), np.full((1, width), _NOTHING, dtype=np.intp)


@lru_cache(maxsize=16)
def styles(palette: Palette, on: str = "panel") -> tuple[Style, ...]:
    """The table that keys point into, for bars on a fill."""
    table: list[Style] = []
    for swapped, colors, name in (
        (False, palette.gate_colors, "green"),
        (False, palette.diverging_colors, "cyan"),
        (True, palette.diverging_colors, "yellow"),
    ):
        for fill in (on, "crosshair"):
            for color in colors:
                if palette.depth == "none":
                    style = Style(reverse=swapped or None)
                elif palette.depth == "16":
                    style = Style(color=name, reverse=swapped or None)
                elif swapped:
                    style = Style(color=palette.color(fill), bgcolor=color)
                else:
                    style = Style(color=color, bgcolor=palette.color(fill))
                table.append(style)
    return (*table, palette.ink("text", on=on), palette.ink("text", on="crosshair"))


def _filled(strength: Float, rows: int) -> NDArray[np.intp]:
    """(rows, C) eighths filled in each row from the bar's root on: at least one, never all."""
    most = 8 * rows - 1
    eighths = np.clip(np.rint(strength * most), 1, most).astype(np.intp)
    shares: NDArray[np.intp] = np.clip(eighths - 8 * np.arange(rows)[:, None], 0, 8)
    return shares
