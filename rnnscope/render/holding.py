"""What is lost without a neuron: the loss, where it is missed most, and two samples side by side.

hold 1/37 at        −1 ▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁ +1   0.00    a click slides it
Δ loss, nats per character                      +0.0123
writes with it        │ writes without it                  from where they part, in full ink
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment

from rnnscope.app.asking.answers import AblationFound
from rnnscope.render.report import (
    BLANK,
    Choice,
    Ink,
    Line,
    Place,
    Report,
    Run,
    excerpt,
    sides,
    words,
)
from rnnscope.text.display import safe
from rnnscope.theme.palette import Palette

_AROUND = 24
_MISSED = 8
_GAP = 3
_NARROWEST = 12
"""Columns that a sample has at least."""
_NARROW = 40
"""Columns of a narrow panel: there are as many rows as samples need there; in a wider one some stay empty."""
_ENDS = ("−1 ", " +1")
_VALUE_WIDTH = 7


def ablation(found: AblationFound) -> Report:
    """What the model loses, where it loses most, and how it writes then."""
    result = found.ablation
    held = ", ".join(f"{c.layer}/{c.unit} at {_told(c.value)}" for c in result.clamps)
    low, high = result.interval or (math.nan, math.nan)
    delta = result.delta_nats
    lines = [
        slider(result.clamps[0].value),
        sides("Δ loss, nats per character", _signed(result.mean_nats)),
        sides("95 % between", f"{_signed(low)} and {_signed(high)}"),
        words("on the passage: blue where it is missed", "dim"),
    ]
    if found.samples is not None:
        lines += [BLANK, *_side_by_side(*found.samples)]
    lines += [BLANK, words("missed most", "dim")]
    for place in np.argsort(-delta, kind="stable")[:_MISSED].tolist():
        lines.append(_missed(found, place, delta))
    return Report(held, "", tuple(lines))


def slider(value: float) -> Line:
    """A value from −1 to 1 on its scale; a click there holds at another, Enter asks for one."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = _room(width)
        at = round((value + 1) / 2 * (room - 1))
        track = ["▁"] * room
        return [
            Segment(_ENDS[0], ink("dim")),
            Segment("".join(track[:at]), ink("mute")),
            Segment("█", ink("azure")),
            Segment("".join(track[at + 1 :]), ink("mute")),
            Segment(_ENDS[1], ink("dim")),
            Segment(f"{_told(value, '.2f'):>{_VALUE_WIDTH}}", ink("strong", bold=True)),
        ]

    def pointed(column: int, width: int) -> Choice:
        share = (column - len(_ENDS[0])) / max(1, _room(width) - 1)
        return Run("hold", f"{2 * min(1.0, max(0.0, share)) - 1:.2f}")

    return Line(draw, Run("ablate"), pointed)


def _room(width: int) -> int:
    return max(2, width - len(_ENDS[0]) - len(_ENDS[1]) - _VALUE_WIDTH)


def _side_by_side(without: str, held: str) -> list[Line]:
    """Two samples from one seed in two columns; what they have in common is dim."""
    texts = safe(without), safe(held)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))

    def row(number: int) -> Line:
        def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
            room = max(_NARROWEST, (width - _GAP) // 2)
            cells: list[Segment] = []
            for text in texts:
                wrapped = _wrapped(text, room)
                start, part = wrapped[number] if number < len(wrapped) else (0, "")
                common = max(0, min(len(part), shared - start))
                blank = " " * (room - cell_len(part) + _GAP)
                cells += [Segment(part[:common], ink("dim")), Segment(part[common:] + blank, ink("text"))]
            return cells

        return Line(draw)

    def titles(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = max(_NARROWEST, (width - _GAP) // 2) + _GAP
        return [Segment(f"{'writes with it':<{room}}writes when held", ink("dim"))]

    rows = max(len(_wrapped(text, (_NARROW - _GAP) // 2)) for text in texts)
    return [Line(titles), *(row(number) for number in range(rows))]


@lru_cache(maxsize=64)
def _wrapped(text: str, width: int) -> list[tuple[int, str]]:
    """The rows of a text in a column: where each begins, and what it says."""
    rows, at = [], 0
    for line in text.split("\n"):
        part, begin, used = "", at, 0
        for i, symbol in enumerate(line):
            cells = cell_len(symbol)
            if used + cells > width:
                rows.append((begin, part))
                part, begin, used = "", at + i, 0
            part, used = part + symbol, used + cells
        rows.append((begin, part))
        at += len(line) + 1
    return rows


def _missed(found: AblationFound, place: int, delta: NDArray[np.floating]) -> Line:
    """A character that was expected less, in its place: prediction `place` is of the character after it."""
    first = max(0, place + 1 - _AROUND)
    stop = place + 1 + _AROUND
    values = np.concatenate(([0.0], delta))[first:stop]
    return excerpt(
        found.text[first:stop],
        values,
        place + 1 - first,
        _signed(float(delta[place]))[:6],
        gate=False,
        choice=Place(found.start + place + 1),
    )


def _told(value: float, form: str = "g") -> str:
    return f"{value:{form}}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
