"""The legend of a palette: its two ends as numbers and a row of `▄` between them.

−1 ▄▄▄▄▄▄▄▄▄ +1        with few or no colors: −1 −½ 0 +½ +1, each number in the look that it has
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnscope.theme.palette import STEPS, Palette

Kind = Literal["diverging", "gate", "probability"]


def scale(
    palette: Palette,
    kind: Kind,
    marks: int,
    ends: tuple[str, str],
    between: tuple[str, ...] = (),
    steps: tuple[int, int] = (0, STEPS - 1),
) -> list[Segment]:
    """A legend of `marks` cells from the first to the last of `steps`, which `ends` name.

    With 16 colors or none it is made of words: the ends and what lies evenly `between` them.
    """
    if palette.depth in ("16", "none"):
        return list(_words(palette, kind, (ends[0], *between, ends[1]), steps))
    dim = palette.ink("dim")
    return [Segment(ends[0] + " ", dim), *_bar(palette, kind, marks, steps), Segment(" " + ends[1], dim)]


@lru_cache(maxsize=64)
def _bar(palette: Palette, kind: Kind, marks: int, steps: tuple[int, int]) -> tuple[Segment, ...]:
    colors = getattr(palette, f"{kind}_colors")
    panel = palette.color("panel")
    return tuple(Segment("▄", Style(color=colors[step], bgcolor=panel)) for step in _walk(steps, marks))


@lru_cache(maxsize=64)
def _words(
    palette: Palette, kind: Kind, words: tuple[str, ...], steps: tuple[int, int]
) -> tuple[Segment, ...]:
    """Each word as a cell of its value looks."""
    styles = getattr(palette, kind)
    gap = Segment(" ", palette.ink("dim"))
    pairs = zip(words, _walk(steps, len(words)), strict=True)
    return tuple(part for word, step in pairs for part in (Segment(word, styles[step]), gap))[:-1]


def _walk(steps: tuple[int, int], count: int) -> list[int]:
    """`count` steps evenly from the first to the last."""
    return [int(step) for step in np.rint(np.linspace(steps[0], steps[1], count))]
