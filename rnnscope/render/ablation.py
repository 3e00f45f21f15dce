"""Ablation: the change in loss, where it is largest, and two samples side by side.

clamp             −1 ▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁ +1   0.00    a click clamps at another value
Δ loss per character                  +0.0123 nats
intact model          │ ablated                           bright from where they differ
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnscope.analysis.ablation import AblateResult, LossChange
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
from rnnscope.render.text import signed
from rnnscope.text.display import label, safe
from rnnscope.theme.palette import Palette

_GAP = 3
_NARROWEST = 12
"""The minimum number of columns of a sample."""
_NARROW = 40
"""The width that determines the number of rows; wider panels leave some empty."""
_ENDS = ("−1 ", " +1")
_VALUE_WIDTH = 7


def report(result: AblateResult) -> Report:
    """The clamps, the change in loss, the samples, and the characters whose loss rises most."""
    clamps = ", ".join(f"{each.layer}/{each.unit} at {_short(each.value)}" for each in result.clamps)
    lines = []
    values = {each.value for each in result.clamps}
    if len(values) == 1 and -1 <= min(values) <= 1:
        lines.append(slider(min(values)))
    interval = result.interval
    lines += [
        sides("loss per character, intact model", f"{result.loss_nats:.4f} nats"),
        sides("Δ loss per character", f"{signed(result.mean_nats, 4)} nats"),
        sides("95 % CI", f"{signed(interval[0], 4)} … {signed(interval[1], 4)}")
        if interval
        else sides("95 % CI", "needs 50 characters"),
    ]
    if result.samples is not None:
        lines += [BLANK, *_side_by_side(*result.samples)]
    digits = max((len(f"{each.position:,}") for each in result.rises), default=0)
    lines += [BLANK, words("loss rises most (nats)", "dim"), *(_rise(each, digits) for each in result.rises)]
    legend = f"characters {result.start:,}–{result.stop:,}   above 0: loss rises"
    return Report(f"clamped: {clamps}", legend, tuple(lines))


def slider(value: float) -> Line:
    """A value on a scale from −1 to 1; a click sets the clamped value, Enter prompts for one."""

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
            Segment(f"{value:.2f}".replace("-", "−").rjust(_VALUE_WIDTH), ink("strong", bold=True)),
        ]

    def pointed(column: int, width: int) -> Choice:
        share = (column - len(_ENDS[0])) / max(1, _room(width) - 1)
        return Run("hold", f"{2 * min(1.0, max(0.0, share)) - 1:.2f}")

    return Line(draw, Run("ablate"), pointed)


def _room(width: int) -> int:
    return max(2, width - len(_ENDS[0]) - len(_ENDS[1]) - _VALUE_WIDTH)


def _side_by_side(intact: str, ablated: str) -> list[Line]:
    """Two samples from one seed in two columns; their common beginning is dim."""
    texts = safe(intact), safe(ablated)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))

    def row(number: int) -> Line:
        def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
            room = max(_NARROWEST, (width - _GAP) // 2)
            cells: list[Segment] = []
            for text, gap in zip(texts, (_GAP, 0), strict=True):
                rows = wrapped(text, room)
                start, part = rows[number] if number < len(rows) else (0, "")
                common = max(0, min(len(part), shared - start))
                blank = " " * (room - cell_len(part) + gap)
                cells += [Segment(part[:common], ink("dim")), Segment(part[common:] + blank, ink("text"))]
            return cells

        return Line(draw)

    def titles(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = max(_NARROWEST, (width - _GAP) // 2) + _GAP
        return [Segment(f"{'intact model':<{room}}ablated", ink("dim"))]

    rows = max(len(wrapped(text, (_NARROW - _GAP) // 2)) for text in texts)
    return [Line(titles), *(row(number) for number in range(rows))]


@lru_cache(maxsize=64)
def wrapped(text: str, width: int) -> list[tuple[int, str]]:
    """The rows of a text in a column: the index at which each starts, and its characters.

    A row ends after a word; a word that is too long is cut.
    """
    rows, at = [], 0
    for line in text.split("\n"):
        start = 0
        while True:
            stop = start + _fitting(line[start:], width)
            space = line.rfind(" ", start, stop + 1)
            if stop < len(line) and space > start and line[start:space].strip():
                rows.append((at + start, line[start:space]))
                start = space + 1
            else:
                rows.append((at + start, line[start:stop]))
                start = stop
            if start >= len(line):
                break
        at += len(line) + 1
    return rows


def _fitting(text: str, width: int) -> int:
    """How many characters of a text fit into so many cells."""
    used = 0
    for count, symbol in enumerate(text):
        used += cell_len(symbol)
        if used > width:
            return max(1, count)
    return len(text)


def _rise(change: LossChange, digits: int) -> Line:
    at = change.position - change.start
    return excerpt(
        change.text,
        np.clip(change.deltas_nats, -1, 1),
        at,
        signed(change.delta_nats),
        gate=False,
        choice=Place(change.position),
        note=f"{label(change.text[at])} at {change.position:>{digits},}",
    )


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
