"""Losses at closing characters as pairs of bars, one for each bin of distance; an open bin lists positions.

( … )        98×   network       7-gram
4–7           3×   ▆▆▁▁▁▁▁▁ 0.31 ▆▆▆▁▁▁▁▁ 0.42
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from rnnscope.analysis.brackets import BracketsResult, Closer
from rnnscope.render.report import BLANK, Choice, Ink, Line, Report, Run, words
from rnnscope.render.split import places, split_lines
from rnnscope.theme.palette import Palette

_MOST = 500
_MARK = 0.6
_NAME = 18
_VALUE = 5


def report(result: BracketsResult, opened: str = "") -> Report:
    """opened: the bin to list, as its number and its closing character, such as `3)`."""
    lines: list[Line] = []
    for closer in result.closers:
        lines += [BLANK] if lines else []
        lines += _bins(result, closer, opened)
    if not lines:
        lines = [words("no bracket or quote is closed in the evaluated characters", "strong")]
    lines += [
        BLANK,
        words("characters back and pairs; bars: mean loss (nats) at the closing character", "dim"),
        *split_lines(result.split),
    ]
    subject = "loss by distance to the opening character"
    return Report(subject, f"network and {result.order}-gram", tuple(lines))


def _bins(result: BracketsResult, of: Closer, opened: str) -> list[Line]:
    most = max(float(np.nanmax([*of.network_nats, *of.ngram_nats])), 1e-9)
    title = f"{of.opener} … {of.closer}"
    lines = [_head(_name(title, len(of.positions)), ["network", f"{result.order}-gram"])]
    for number, count in enumerate(of.counts.tolist()):
        if not count:
            continue
        low, high = int(of.edges[number]), int(of.edges[number + 1]) - 1
        name = f"{low:,}" if low == high else f"{low:,}–{high:,}"
        both = float(of.network_nats[number]), float(of.ngram_nats[number])
        choice = Run("bin", f"{number}{of.closer}")
        lines.append(_pair(_name(name, count), [nats / most for nats in both], both, choice))
        if choice.argument == opened:
            lines += places(result.text, result.text_start, of.of_bin(number)[:_MOST].tolist(), _MARK)
    return lines


def _name(name: str, count: int) -> str:
    return f"{name:<11} {count:>5,}×"


def _pair(name: str, shares: Sequence[float], values: Sequence[float], choice: Choice) -> Line:
    """A name and two bars side by side, each with its value."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = _room(width)
        row = [Segment(f"{name:<{_NAME}}", ink("text"))]
        for share, value, color in zip(shares, values, ("azure", "mute"), strict=True):
            cells = round(room * min(1.0, max(0.0, share)))
            row += [
                Segment(" " + "▆" * cells, ink(color)),
                Segment("▁" * (room - cells), ink("faint")),
                Segment(f" {value:.2f}"[:_VALUE], ink("text")),
            ]
        return row

    return Line(draw, choice)


def _head(left: str, names: Sequence[str]) -> Line:
    """The head of two columns of bars."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = _room(width) + _VALUE
        columns = "".join(f" {name[:room]:<{room}}" for name in names)
        return [Segment(f"{left[:_NAME]:<{_NAME}}{columns}"[:width], ink("dim"))]

    return Line(draw)


def _room(width: int) -> int:
    """Cells of each of the two bars."""
    return max(1, (width - _NAME) // 2 - _VALUE - 1)
