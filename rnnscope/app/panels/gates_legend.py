"""The legend of the gates panel: the scales in the very bars that the rows are made of."""

from __future__ import annotations

from rich.segment import Segment

from rnnscope.app import bars
from rnnscope.app.panels.gates_plan import Plan
from rnnscope.theme.legend import scale
from rnnscope.theme.palette import STEPS, Palette
from rnnscope.theme.segments import coded_segments

_MARKS = 7
"""Cells of the probability's scale."""
_ROOM_TO_SPELL = 60
"""Cells from which on `probability` is written out."""


def legend(palette: Palette, plan: Plan, room: int) -> list[Segment]:
    """The fullest of a few legends that fits into `room` cells."""
    candidates = [_full(palette, plan, spelled) for spelled in (True, False)[room < _ROOM_TO_SPELL :]]
    candidates.append(_signed(palette, "−", "+"))
    fitting = (c for c in candidates if sum(segment.cell_length for segment in c) <= room)
    return next(fitting, [])


def _full(palette: Palette, plan: Plan, spelled: bool) -> list[Segment]:
    dim = palette.ink("dim")
    gap = Segment("  ", dim)
    parts: list[Segment] = []
    if plan.has("predicts"):
        ends = (
            ("probability" if spelled else "p", "") if palette.depth not in ("16", "none") else ("p 0", "1")
        )
        parts += scale(palette, "probability", _MARKS, ends, ("½",), steps=(4, STEPS - 1))
        parts.append(gap)
    if plan.has("gate"):
        points, keys = bars.gate_rows([0.0, 0.5, 1.0])
        parts += [Segment("gate " if plan.has("predicts") else "0 ", dim)]
        parts += coded_segments(points[0], keys[0], bars.styles(palette))
        parts += [gap] if plan.has("predicts") else [Segment(" 1", dim), gap]
    ends = ("−1", "+1") if not plan.has("predicts") else ("−", "+")
    return [*parts, *_signed(palette, *ends)]


def _signed(palette: Palette, low: str, high: str) -> list[Segment]:
    points, keys = bars.signed_rows([-1.0, -0.5, -0.02, 0.02, 0.5, 1.0], 1)
    minus = palette.ink("dim", underline=palette.depth in ("16", "none"))
    dim = palette.ink("dim")
    scale = coded_segments(points[0], keys[0], bars.styles(palette))
    return [Segment(low, minus), Segment(" ", dim), *scale, Segment(f" {high}", dim)]
