"""Contexts of a neuron, ranges that match, where a prediction came from, what is lost without a neuron."""

from __future__ import annotations

from dataclasses import replace

from rnnscope.app.asking.answers import ContextsFound, MatchesFound, OriginFound
from rnnscope.render import contexts as render_contexts
from rnnscope.render import matching, saliency
from rnnscope.render.extent import of_text, whole_text
from rnnscope.render.report import Report


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
    """The characters on which a prediction depends, strongest first."""
    return replace(saliency.report(found.saliency), subject="of the character at the cursor", legend="")
