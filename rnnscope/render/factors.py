"""Factors: the strongest units of each, and the text where it is strongest."""

from __future__ import annotations

from rnnscope.analysis.factors import FactorsResult
from rnnscope.render.report import Line, Place, Report, Unit, excerpt, words
from rnnscope.text.display import counted, label

_NAMED = 10


def report(result: FactorsResult) -> Report:
    """Two lines per factor: its units, and an excerpt colored by its strength."""
    lines: list[Line] = []
    factors = result.factors
    digits = max((len(f"{peak.position:,}") for peak in result.peaks), default=0)
    for number, peak in enumerate(result.peaks):
        units = factors.strongest(number, _NAMED).tolist()
        names = " ".join(f"{result.layer}/{unit}" for unit in units)
        lines += [
            words(f"factor {number + 1}: {names}", choice=Unit(result.layer, units[0])),
            excerpt(
                peak.text,
                peak.values,
                peak.position - peak.start,
                f"{peak.value:.2f}",
                gate=True,
                choice=Place(peak.position),
                note=f"{label(peak.text[peak.position - peak.start])} at {peak.position:>{digits},}",
            ),
        ]
    subject = f"layer {result.layer} as {len(result.peaks)} factors, relative error {factors.errors[-1]:.2f}"
    return Report(subject, counted(result.positions, "character"), tuple(lines))
