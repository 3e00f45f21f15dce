"""Contexts of a neuron, ranges that match, where a prediction came from, what is lost without a neuron."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnscope.app.asking.answers import ContextsFound, MatchesFound, OriginFound
from rnnscope.render import contexts as render_contexts
from rnnscope.render import matching
from rnnscope.render.extent import of_text, whole_text
from rnnscope.render.report import (
    Place,
    Report,
    bar,
    sides,
    words,
)
from rnnscope.text.display import safe

_MOST_ORIGINS = 24


def contexts(found: ContextsFound) -> Report:
    """Where a unit is highest and lowest, and some positions of each band of values between."""
    report = render_contexts.report(found.contexts)
    histogram, *others = report.lines
    legend = of_text(found.extent, found.contexts.positions)
    return replace(report, legend=legend, lines=(histogram, *whole_text(found.extent), *others))


def matches(found: MatchesFound) -> Report:
    """Other ranges at which the selected units are on together, best first."""
    report = matching.report(found.matches)
    first, *others = report.lines
    legend = of_text(found.extent, found.matches.positions)
    return replace(report, legend=legend, lines=(first, *whole_text(found.extent), *others))


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
