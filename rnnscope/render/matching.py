"""Select and match: the selected units, and excerpts of the ranges at which they are on together."""

from __future__ import annotations

import numpy as np

from rnnscope.analysis.matching import MatchedRange, MatchResult
from rnnscope.render.report import Line, Place, Report, excerpt, sides, words
from rnnscope.render.text import visible
from rnnscope.text.display import counted

_NAMED = 12
_STRENGTH = 0.6
"""The value that colors a matched range, −1..1."""


def report(result: MatchResult) -> Report:
    """The units and the range, then the matches, best first."""
    subject = f"|{result.quantity}| > {result.threshold:g} over “{visible(result.text)}”"
    legend = counted(result.positions, "character")
    if not result.units:
        nothing = words("no unit is active exactly here", "strong")
        return Report(subject, "", (nothing, words("mark another span, or lower the threshold", "dim")))
    lines = [_units(result)]
    if not result.matches:
        return Report(subject, legend, (*lines, words("no other range has any of them active", "dim")))
    digits = max(len(_span(each)) for each in result.matches)
    lines += [sides("match", "shared, Jaccard", "dim"), *(_match(each, digits) for each in result.matches)]
    return Report(subject, legend, tuple(lines))


def _units(result: MatchResult) -> Line:
    def name(layer: int, unit: int) -> str:
        return f"{unit}" if result.layer else f"{layer}/{unit}"

    names = ", ".join(
        f"{'−' if each.sign < 0 else ''}{name(each.layer, each.unit)}" for each in result.units[:_NAMED]
    )
    count = len(result.units)
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    noun = "neuron is" if count == 1 else "neurons are"
    where = f" of layer {result.layer}" if result.layer else ""
    return words(
        f"{count} {noun.replace(' ', where + ' ')} active exactly here: {names}{more}",
        "text",
        f"{count} {noun} active exactly here: {names}{more}",
        f"{count} {noun} active exactly here",
        f"{count} active exactly here",
    )


def _match(match: MatchedRange, digits: int) -> Line:
    lead = match.start - match.excerpt_start
    values = np.zeros(len(match.text), np.float32)
    values[lead : lead + match.stop - match.start] = _STRENGTH
    return excerpt(
        match.text,
        values,
        lead,
        f"{match.shared:>3}  {match.jaccard:.2f}",
        gate=False,
        choice=Place(match.start),
        note=f"{_span(match):>{digits}}",
    )


def _span(match: MatchedRange) -> str:
    return f"{match.start:,}:{match.stop:,}"
