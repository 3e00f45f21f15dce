"""Contexts of a neuron, ranges that match, where a prediction came from, what is lost without a neuron."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnscope.app.asking.answers import ContextsFound, MatchesFound, OriginFound
from rnnscope.render import contexts as render_contexts
from rnnscope.render.extent import of_text, whole_text
from rnnscope.render.report import (
    Place,
    Report,
    bar,
    excerpt,
    sides,
    words,
)
from rnnscope.text.display import safe

_LEAD = 12
_ERROR_LEAD = 24
_MOST_ORIGINS = 24


def contexts(found: ContextsFound) -> Report:
    """Where a unit is highest and lowest, and some positions of each band of values between."""
    report = render_contexts.report(found.contexts)
    histogram, *others = report.lines
    legend = of_text(found.extent, found.contexts.positions)
    return replace(report, legend=legend, lines=(histogram, *whole_text(found.extent), *others))


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
