"""A histogram as one row of bars."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnscope.analysis.histogram import HistogramResult
from rnnscope.render.report import Ink, Line, Report, table
from rnnscope.render.text import signed
from rnnscope.text.display import counted
from rnnscope.theme.palette import Palette

_BLOCKS = " ▁▂▃▄▅▆▇█"


def report(result: HistogramResult) -> Report:
    """The bars, and below them the bins with their shares."""
    rows = [
        (f"{signed(low)} to {signed(high)}", f"{count:,}", f"{count / max(1, result.positions):.1%}")
        for low, high, count in zip(result.edges[:-1], result.edges[1:], result.counts.tolist(), strict=True)
        if count
    ]
    lines = (bars(result), *table(("value", "positions", "share"), rows))
    subject = f"{result.layer}/{result.unit}, {result.quantity}"
    return Report(subject, counted(result.positions, "character"), lines)


def bars(result: HistogramResult) -> Line:
    """The counts of all bins, on a square-root scale, so that rare values are visible."""
    ends = f"{signed(result.edges[0], 0)} ", f" {signed(result.edges[-1], 0)}"

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = max(1, width - len(ends[0]) - len(ends[1]))
        edges = np.linspace(0, len(result.counts), room + 1)
        cumulative = np.concatenate(([0.0], np.cumsum(result.counts)))
        shares = np.diff(np.interp(edges, np.arange(len(result.counts) + 1), cumulative))
        heights = np.ceil(8 * np.sqrt(shares / max(shares.max(), 1e-12))).astype(int)
        blocks = "".join(_BLOCKS[height] for height in heights.tolist())
        return [Segment(ends[0], ink("dim")), Segment(blocks, ink("mute")), Segment(ends[1], ink("dim"))]

    return Line(draw)
