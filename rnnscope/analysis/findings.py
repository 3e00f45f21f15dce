"""What a search found: the units that know a feature best, how far chance gets, and what all know together.

From three numbers, each made to run from 0 (nothing) to 1 (everything), follows a word:

    single   what the best unit knows of the half of the text that did not choose it
    probe    what a linear probe of all units knows of that half
    knowledge is 2·AUC − 1, or Spearman's correlation; what does not pass the null counts for nothing

    one neuron knows     single ≥ 0.5 and single ≥ 0.9 · probe
    many know together   otherwise, where probe ≥ 0.5, or ≥ 0.8 of a number
    nobody knows         neither

A number asks more of the probe, since a network that has learnt nothing still fades: how long ago a character
was read can be told, up to a correlation of 0.78, from 512 units of a random LSTM on shuffled text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rnnscope.analysis.features import Kind
from rnnscope.analysis.probe import Probe

Metric = Literal["auc", "spearman"]
Verdict = Literal["one neuron knows", "many know together", "nobody knows"]

METRICS: dict[Kind, Metric] = {"boolean": "auc", "number": "spearman"}

_KNOWN = 0.5
_KNOWN_TOGETHER: dict[Metric, float] = {"auc": 0.5, "spearman": 0.8}
_ALONE = 0.9


def knowledge(score: float, metric: Metric) -> float:
    """From chance, 0, to certainty, 1."""
    return 2 * score - 1 if metric == "auc" else score


@dataclass(frozen=True)
class Finding:
    """A quantity of a unit that tells the feature.

    score: on the half that chooses, max(AUC, 1 − AUC) or |Spearman|. direction: 1 where high values are for
    on (or for great numbers), −1 where low ones are. held_out: the same in that direction on the other half.
    average_precision: on the other half, where the feature is rare.
    """

    layer: int
    unit: int
    quantity: str
    metric: Metric
    score: float
    held_out: float
    direction: int
    average_precision: float | None = None


@dataclass(frozen=True, repr=False)
class Findings:
    """The best units first.

    positions: how many were asked about. positives: at how many of them the feature is on; None of numbers.
    null: the best score that any unit reaches when the feature is shuffled in blocks.
    is_exact: false where histograms of 256 bins stand for the values, as they do over a long text.
    """

    feature: str
    positions: int
    positives: int | None
    results: tuple[Finding, ...]
    null: float
    probe: Probe
    is_exact: bool

    @property
    def verdict(self) -> Verdict:
        """One neuron, many together, or nobody: the rule is the module's."""
        if not self.results:
            return "nobody knows"
        best = self.results[0]
        single = knowledge(best.held_out, best.metric) if best.score > self.null else 0.0
        together = knowledge(self.probe.held_out, best.metric) if self.probe.held_out > self.null else 0.0
        if single >= _KNOWN and single >= _ALONE * together:
            return "one neuron knows"
        return "many know together" if together >= _KNOWN_TOGETHER[best.metric] else "nobody knows"

    def __repr__(self) -> str:
        best = self.results[0] if self.results else None
        told = (
            f", best {best.layer}/{best.unit} {best.quantity} {best.held_out:.3f}" if best is not None else ""
        )
        return f"<{self.feature}: {self.verdict}{told}, all together {self.probe.held_out:.3f}>"

    def to_json(self) -> dict[str, Any]:
        """What `rnnscope find --json` prints."""
        names = ("layer", "unit", "quantity", "metric", "score", "held_out", "direction")
        return {
            "feature": self.feature,
            "positions": self.positions,
            "positives": self.positives,
            "results": [{name: getattr(found, name) for name in names} for found in self.results],
            "null": self.null,
            "probe": {"held_out": self.probe.held_out, "units_used": self.probe.units_used},
        }


@dataclass(frozen=True)
class Name:
    """What a unit is called: the feature that one of its quantities tells best, better than chance does."""

    layer: int
    unit: int
    feature: str
    finding: Finding
