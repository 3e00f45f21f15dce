"""The legend of a palette: the values at its two ends and a row of `▄` between them.

−1 ▄▄▄▄▄▄▄▄▄ +1        on 16 colors or none: −1 −½ 0 +½ +1, each number in its own style
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
    """A legend of `marks` cells that covers `steps`, the first and the last step of the palette.

    ends: the labels of these two steps. between: evenly spaced labels, shown on 16 colors or none.
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
    """Each word in the style of its step."""
    styles = getattr(palette, kind)
    gap = Segment(" ", palette.ink("dim"))
    pairs = zip(words, _walk(steps, len(words)), strict=True)
    return tuple(part for word, step in pairs for part in (Segment(word, styles[step]), gap))[:-1]


def _walk(steps: tuple[int, int], count: int) -> list[int]:
    """`count` evenly spaced steps from the first to the last."""
    return [int(step) for step in np.rint(np.linspace(steps[0], steps[1], count))]
