"""Top contexts as excerpts of the text, colored by the unit, below a histogram of all its values."""

from __future__ import annotations

from collections.abc import Iterable

from rnnscope.analysis.contexts import ContextsResult, Excerpt
from rnnscope.render import histogram
from rnnscope.render.report import Line, Place, Report, excerpt, words
from rnnscope.render.text import signed
from rnnscope.text.display import counted, label
from rnnscope.tracing.trace import is_gate


def report(result: ContextsResult) -> Report:
    """The highest, the lowest, and some of each band between, from high to low."""
    gate = is_gate(result.quantity)
    lines = [
        histogram.bars(result.histogram),
        words("highest", "dim"),
        *_excerpts(result.highest, gate),
        words("lowest", "dim"),
        *_excerpts(result.lowest, gate),
    ]
    for band in reversed(result.bands):
        lines.append(words(f"from {signed(band.low)} to {signed(band.high)}", "dim"))
        lines += _excerpts(band.excerpts, gate)
    subject = f"{result.layer}/{result.unit}, {result.quantity}"
    return Report(subject, counted(result.positions, "character"), tuple(lines))


def _excerpts(excerpts: Iterable[Excerpt], gate: bool) -> list[Line]:
    listed = tuple(excerpts)
    digits = max((len(f"{one.position:,}") for one in listed), default=0)
    return [
        excerpt(
            one.text,
            one.values,
            one.position - one.start,
            signed(one.value),
            gate=gate,
            choice=Place(one.position),
            note=f"{label(one.text[one.position - one.start])} at {one.position:>{digits},}",
        )
        for one in listed
    ]
