"""Gate saturation as a table: per gate the mean shares, and the units with the largest."""

from __future__ import annotations

import numpy as np

from rnnscope.analysis.saturation import GateSaturation, SaturationResult
from rnnscope.render.report import Line, Report, Unit, table, words
from rnnscope.text.display import counted

_MOSTLY = 0.9
"""A gate is mostly shut, or open, if it is at more than this share of positions."""
_LISTED = 8


def report(result: SaturationResult) -> Report:
    """One row per gate, then the units that are open longest."""
    if not result.gates:
        return Report("gate saturation", lines=(words("a plain RNN has no gates"),))
    header = ("gate", f"shut < {result.low:g}", f"open > {result.high:g}", "mostly shut", "mostly open")
    rows = [
        (
            f"{gate.layer} {gate.gate}",
            f"{gate.left.mean():.1%}",
            f"{gate.right.mean():.1%}",
            f"{(gate.left > _MOSTLY).sum()} of {len(gate.left)}",
            f"{(gate.right > _MOSTLY).sum()} of {len(gate.right)}",
        )
        for gate in result.gates
    ]
    lines = [*table(header, rows), *(line for gate in result.gates for line in _most_open(gate))]
    return Report("gate saturation", counted(result.positions, "character"), tuple(lines))


def _most_open(gate: GateSaturation) -> list[Line]:
    order = np.argsort(-gate.right, kind="stable")[:_LISTED]
    units = [int(unit) for unit in order if gate.right[unit] > 0]
    if not units:
        return []
    named = "  ".join(f"{gate.layer}/{unit} {gate.right[unit]:.0%}" for unit in units)
    return [words(f"{gate.gate}, open longest: {named}", "dim", choice=Unit(gate.layer, units[0]))]
