"""Contexts of a neuron, ranges that match, where a prediction came from, what is lost without a neuron."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from rnnscope.analysis.contexts import Context
from rnnscope.app.asking.answers import ContextsFound, MatchesFound, OriginFound
from rnnscope.app.asking.requests import FindContexts
from rnnscope.render.extent import of_text, whole_text
from rnnscope.render.report import (
    Ink,
    Line,
    Place,
    Report,
    bar,
    excerpt,
    sides,
    words,
)
from rnnscope.text.display import safe
from rnnscope.theme.palette import Palette
from rnnscope.tracing.trace import is_gate

_LEAD = 12
_ERROR_LEAD = 24
_MOST_ORIGINS = 24
_BLOCKS = " ▁▂▃▄▅▆▇█"


def contexts(found: ContextsFound) -> Report:
    """Where a neuron is highest and lowest, and some places of each band of values between."""
    request = found.request
    assert isinstance(request, FindContexts)
    gate = is_gate(request.quantity)

    def lines(of: Sequence[Context]) -> list[Line]:
        return [
            excerpt(
                found.texts[one.position],
                one.values,
                one.position - one.start,
                f"{one.value:+.2f}".replace("-", "−"),
                gate=gate,
                choice=Place(one.position),
            )
            for one in of
        ]

    every = [
        _histogram(found.contexts.histogram, gate),
        words("highest", "dim"),
        *lines(found.contexts.highest),
    ]
    every += [words("lowest", "dim"), *lines(found.contexts.lowest)]
    for band in reversed(found.contexts.bands):
        told = f"from {band.low:+.2f} to {band.high:+.2f}".replace("-", "−")
        every += [words(told, "dim"), *lines(band.contexts)]
    subject = f"{request.layer}/{request.unit}, {request.quantity}"
    every[1:1] = whole_text(found.extent)
    return Report(subject, of_text(found.extent, found.contexts.positions), tuple(every))


def _histogram(counts: NDArray[np.int64], gate: bool) -> Line:
    """How often each value is had: one row of bars, on a root scale so that rare ones are seen."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        ends = ("0 ", " 1") if gate else ("−1 ", " +1")
        room = max(1, width - len(ends[0]) - len(ends[1]))
        edges = np.linspace(0, len(counts), room + 1)
        cumulative = np.concatenate(([0.0], np.cumsum(counts)))
        shares = np.diff(np.interp(edges, np.arange(len(counts) + 1), cumulative))
        heights = np.ceil(8 * np.sqrt(shares / max(shares.max(), 1e-12))).astype(int)
        bars = "".join(_BLOCKS[height] for height in heights.tolist())
        return [Segment(ends[0], ink("dim")), Segment(bars, ink("mute")), Segment(ends[1], ink("dim"))]

    return Line(draw)


def matches(found: MatchesFound) -> Report:
    """Other ranges at which the selected neurons are on together, best first."""
    selection, listed = found.matches.selection, found.matches
    units = ", ".join(
        f"{'not ' if sign < 0 else ''}{unit}"
        for unit, sign in zip(selection.units[:12].tolist(), selection.signs[:12].tolist(), strict=True)
    )
    more = f" and {len(selection) - 12} more" if len(selection) > 12 else ""
    lines = [
        words(f"{len(selection)} neurons are on over exactly this: {units}{more}", "text"),
        words("shared, Jaccard, and where they are on together", "dim"),
    ]
    for i, text in enumerate(found.texts):
        start, stop = int(listed.starts[i]), int(listed.stops[i])
        lead = min(_LEAD, start)
        values = np.zeros(len(text), np.float32)
        values[lead : lead + stop - start] = 0.6
        value = f"{listed.shared[i]}  {listed.jaccard[i]:.2f}"
        lines.append(excerpt(text, values, lead, value, gate=False, choice=Place(start)))
    if not len(selection):
        lines = [
            words("no neuron is on over exactly this range", "strong"),
            words("brush another one", "dim"),
        ]
    subject = f"|value| > {selection.threshold:g} over {selection.stop - selection.start} characters"
    lines[1:1] = whole_text(found.extent)
    return Report(subject, of_text(found.extent, listed.positions), tuple(lines))


def origin(found: OriginFound) -> Report:
    """The characters that a prediction came from, strongest first."""
    saliency = found.saliency
    strength = saliency.connectivity
    predicted = safe(found.text[-1:]).replace("\n", "↵").replace(" ", "␣")
    lines = [
        sides(f"why “{predicted}”", f"p {math.exp(saliency.log_probability):.2f}"),
        words("strength of each character before it", "dim"),
    ]
    for place in np.argsort(-strength, kind="stable")[:_MOST_ORIGINS].tolist():
        ago = saliency.position - saliency.start - place
        shown = safe(found.text[place]).replace("\n", "↵").replace(" ", "␣")
        lines.append(
            bar(
                f"{shown}  {ago} before",
                [(float(strength[place]), "violet")],
                f"{strength[place]:.2f}",
                name_width=12,
                value_width=5,
                choice=Place(saliency.start + place),
            )
        )
    return Report("of the character at the cursor", "", tuple(lines))
