"""A neuron search as bars: the best neuron, the linear probe, chance, and the verdict.

best 1/97        ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆  0.91        AUC bars run from 0.5, Spearman's from 0
linear probe     ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆ 0.93
chance           ▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.06
single neuron: 1/97 rises with it
"""

from __future__ import annotations

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import FindResult
from rnnscope.render.report import Choice, Line, Run, Unit, bar, words

NAME = 16
VALUE = 5
"""Columns of the names, and of the scores."""
_GAIN = 11
ORDER = (
    "ranked on the selection half, scored on the held-out half",
    "ranked on one half, scored on the other",
    "ranked on one half",
)
"""How results are ordered and scored, in full and shorter."""


def lines(result: FindResult) -> list[Line]:
    """The best neuron, the linear probe, chance, the verdict, and the number of characters."""
    best = result.results[0] if result.results else None
    name = f"best {best.layer}/{best.unit}" if best is not None else "best neuron"
    unit = Unit(best.layer, best.unit) if best is not None else None
    score = best.held_out if best is not None else 0.0
    positions = f"{result.positions:,} characters"
    read = f"of {positions}"
    if result.positives is not None:
        read = f"positive at {result.positives / max(1, result.positions):.1%} of {positions}"
    verdict = verdict_line(result)
    return [
        scored(name, score, result, "azure", token="strong", bold=True, choice=unit),
        scored("linear probe", result.probe.held_out, result, "probe"),
        scored("chance", result.null, result, "mute", token="mute"),
        words(verdict, "strong", verdict.partition(":")[0], bold=True),
        words(f"{read}; probe uses {result.probe.units_used}", "dim", read, f"of {positions}"),
        words(ORDER[0], "dim", *ORDER[1:]),
    ]


def scored(
    name: str,
    value: float,
    result: FindResult,
    ink: str,
    *,
    token: str = "text",
    bold: bool = False,
    choice: Choice | None = None,
) -> Line:
    """A score of a search as a bar that runs from chance."""
    parts = [(share(value, result), ink)]
    widths = {"name_width": NAME, "value_width": VALUE}
    return bar(name, parts, f"{value:.2f}", **widths, token=token, bold=bold, choice=choice)


def gain(result: FindResult) -> Line:
    """The score of the best neuron, and the gain of a linear probe of all neurons."""
    single = result.results[0].held_out if result.results else 0.0
    probe = max(result.probe.held_out, single)
    return bar(
        result.feature.replace("-", " "),
        [(share(single, result), "azure"), (share(probe, result), "probe")],
        f"{single:.2f} → {probe:.2f}",
        name_width=NAME,
        value_width=_GAIN,
        choice=Run("find", result.feature),
    )


def verdict_line(result: FindResult) -> str:
    """The verdict, with the direction of the best neuron."""
    if result.verdict == "single neuron" and result.results:
        best = result.results[0]
        if result.positives is None:
            moves = "rises with it" if best.direction > 0 else "falls as it grows"
        else:
            moves = "high when on" if best.direction > 0 else "low when on"
        return f"single-neuron detector: {best.layer}/{best.unit}, {moves}"
    if result.verdict == "distributed":
        return "distributed: only a linear probe detects it"
    return "not detected: no better than chance"


def share(score: float, result: FindResult) -> float:
    """The distance of a score from chance, 0..1."""
    return score if result.positives is None else 2 * score - 1


def feature_name(result: FindResult) -> str:
    """The feature as it is displayed, or the pattern."""
    return result.feature.replace("-", " ") if result.feature in FEATURES else result.feature


def subject(result: FindResult) -> str:
    """The feature and its metric."""
    return f"{feature_name(result)}, {'Spearman ρ' if result.positives is None else 'AUC'}"
