"""The biography of a unit: its score for a feature at every snapshot of a run.

A score is that of a search at the snapshot (`analysis.find`): the quantity's direction is chosen on one half
of the text, and the score is that of the other half. The scores of all units are kept, so that the biography
of another unit is there at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnnscope.analysis.find import EveryScore, Find, Metric, every_score
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.replay.film import SEARCHED_CHARACTERS, Film, Settings
from rnnscope.replay.moment import Curve

BORN = 0.9
"""A unit detects a feature from the first snapshot at which its score is at least this."""


@dataclass(frozen=True)
class Score:
    """The score of a unit at a snapshot."""

    step: int
    value: float
    """The area under the ROC curve, or Spearman's correlation for a number."""
    null: float
    """The shuffled baseline."""


@dataclass(frozen=True, eq=False)
class Biographies:
    """The scores of all units for one query, at the snapshots that have been computed so far."""

    query: Find
    settings: Settings
    scores: Mapping[int, EveryScore]

    @classmethod
    def begun(cls, query: Find, settings: Settings) -> Biographies:
        """No snapshot has been computed yet. The query reads the beginning of the film's text."""
        return cls(replace(query, characters=SEARCHED_CHARACTERS), settings, {})

    def with_score(self, step: int, score: EveryScore) -> Biographies:
        """The biographies with one more snapshot."""
        return replace(self, scores={**self.scores, step: score})

    @property
    def metric(self) -> Metric | None:
        """The kind of score; None before the first."""
        return next((score.metric for score in self.scores.values()), None)

    def of(self, layer: int, unit: int, quantity: str) -> tuple[Score, ...]:
        """The biography of a quantity of a unit, sorted by step."""
        return tuple(
            Score(step, score.of(layer, unit, quantity), score.null)
            for step, score in sorted(self.scores.items())
        )

    def missing(self, steps: Sequence[int]) -> tuple[int, ...]:
        """The snapshots that have not been computed: a few from all over the run, then those between."""
        return tuple(step for step in coarse_to_fine(steps) if step not in self.scores)


def births(scores: Curve, value: float = BORN) -> list[int]:
    """The steps at which a score rises from below `value` to it, the first one included."""
    found, was_above = [], False
    for step, score in scores:
        if score >= value and not was_above:
            found.append(step)
        was_above = score >= value
    return found


def coarse_to_fine(steps: Sequence[int]) -> list[int]:
    """The steps in another order: the last and the first, then those halfway between, and so on."""
    if not steps:
        return []
    found = dict.fromkeys((len(steps) - 1, 0))
    stride = 1 << max(0, len(steps) - 1).bit_length()
    while stride := stride // 2:
        found |= dict.fromkeys(range(stride, len(steps), stride))
    return [steps[i] for i in found]


def score_at(
    film: Film, step: int, query: Find, settings: Settings, progress: Progress = NO_PROGRESS
) -> EveryScore:
    """The scores of all units at one snapshot. Raises what `Film.session` and `every_score` raise."""
    return every_score(query, film.session(step, settings, progress).reader, progress)
