"""Names of neurons: for every unit, the built-in feature that one of its quantities predicts best.

As in a search (find.py), the quantity for a feature is selected on one half of the text and scored on the
other half. Features that need memory, such as quotes or the column, take precedence over those that depend on
the current character alone, such as a digit. The best unit of each feature is named first; the remaining
units are then named after their best feature. Quantities that are nearly constant are not considered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import FEATURES, Kind
from rnnscope.analysis.features import values as feature_values
from rnnscope.analysis.find import (
    IGNORED,
    Columns,
    Metric,
    grouped,
    shuffled,
    signed_scores,
    unsigned,
)
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.statistics import centered_ranks
from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.tracing.trace import Trace

_LEAST = 20
"""A feature must be on, and off, at least at this many positions of each half."""
_SHUFFLES = 4
_STEADY = 0.02
"""A quantity is not considered if its displayed values have a smaller standard deviation."""
_MEMORY = 0.25
"""A bonus on the strength of features that need memory, when the best feature of a unit is chosen."""
_NAMED_FIRST = 0.3
"""The minimum strength at which the best unit of a feature is named after it."""


@dataclass(frozen=True)
class NeuronLabel:
    """A unit, and the feature that one of its quantities predicts.

    held_out: AUC or Spearman's correlation on the held-out half. direction: 1 if high values mean that the
    feature is on (or a large number), −1 if low values do.
    """

    layer: int
    unit: int
    quantity: str
    feature: str
    metric: Metric
    held_out: float
    direction: int


@dataclass(frozen=True)
class FeatureScores:
    """Scores of every unit for one feature; N = layers · H units, one layer after another.

    held_out: (N,) the held-out score of the best quantity of each unit; 0.5 (AUC) or 0 (Spearman) if it has
    none.
    quantity: (N,) the index of that quantity among the cell's. direction: (N,) 1 or −1.
    """

    feature: str
    metric: Metric
    held_out: NDArray[np.float32]
    quantity: NDArray[np.int8]
    direction: NDArray[np.int8]

    @property
    def strength(self) -> NDArray[np.float32]:
        """(N,) from 0, chance, to 1, perfect prediction."""
        scores = 2 * self.held_out - 1 if self.metric == "auc" else self.held_out
        found: NDArray[np.float32] = scores.clip(0, 1)
        return found


@dataclass(frozen=True, eq=False)
class NamesResult(Result):
    """Names of units; the best units of features come first.

    characters: the number of characters read. labels: at most one for each unit. scores: for every feature
    that occurs often enough, every unit's score, by the feature's name.
    """

    characters: int
    labels: tuple[NeuronLabel, ...]
    scores: Mapping[str, FeatureScores]


@dataclass(frozen=True)
class Names(Query[NamesResult]):
    """Name each neuron after the feature that it predicts best.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-gru"), "one (two) three, four\\n" * 60)
        >>> len(session.ask(rnnscope.Names()).scores["column"].held_out)
        256
    """

    name = "names"
    activity = "naming neurons"
    example = "--characters 50000"

    characters: int = 20_000
    """Read the first N characters of the text."""
    seed: int = 0
    """Seed of the shuffled baseline."""

    def check(self, architecture: Architecture) -> None:
        check_range("characters", self.characters, 200)

    def run(self, context: Context) -> NamesResult:
        reader, progress = context.reader, context.progress
        return name_neurons(
            reader.trace(0, self.characters, progress.part(0, 0.3)), progress.part(0.3, 1), seed=self.seed
        )


def name_neurons(trace: Trace, progress: Progress = NO_PROGRESS, *, seed: int = 0) -> NamesResult:
    """Names of the units of a trace, from all built-in features. Raises TextError, Cancelled."""
    if len(trace) < 8 * _LEAST:
        raise TextError(f"{len(trace)} characters are too few to name neurons: give a longer text")
    architecture = trace.architecture
    scores = feature_scores(trace, progress, seed=seed)
    strengths = {name: each.strength for name, each in scores.items()}
    order = sorted(scores, key=lambda name: (not FEATURES[name].needs_memory, -float(strengths[name].max())))
    chosen: dict[int, str] = {}
    for name in order:
        unnamed = strengths[name].copy()
        unnamed[list(chosen)] = 0
        best = int(unnamed.argmax())
        if unnamed[best] >= _NAMED_FIRST:
            chosen[best] = name
    for unit in range(architecture.layers * architecture.hidden_size):
        if unit not in chosen and (known := [name for name in order if strengths[name][unit] > 0]):
            chosen[unit] = max(
                known, key=lambda name: strengths[name][unit] + _MEMORY * FEATURES[name].needs_memory
            )
    labels = tuple(_label(architecture, unit, scores[name]) for unit, name in chosen.items())
    return NamesResult(len(trace), labels, scores)


def feature_scores(
    trace: Trace, progress: Progress = NO_PROGRESS, *, seed: int = 0
) -> dict[str, FeatureScores]:
    """Every unit's held-out score for every built-in feature that is on and off often enough.

    A quantity scores chance if it does not exceed the shuffled baseline on the selection half. Raises
    Cancelled.
    """
    columns = Columns.of(trace.architecture)
    answers = {
        name: found.astype(np.float32) for name, found in feature_values("".join(trace.characters)).items()
    }
    groups = grouped(np.zeros(len(trace), np.float32), "number")
    halves = [np.flatnonzero((groups != IGNORED) & (groups % 2 == half)) for half in (0, 1)]
    names = [name for name, found in answers.items() if _is_frequent(found, FEATURES[name].kind, halves)]
    generator = np.random.default_rng(seed)
    kinds: tuple[Kind, ...] = ("boolean", "number")
    by_kind = {kind: [name for name in names if FEATURES[name].kind == kind] for kind in kinds}
    selection = {
        kind: np.column_stack(
            [answers[name][halves[0]] for name in of_kind]
            + [shuffled(answers[name][halves[0]], _SHUFFLES, generator) for name in of_kind]
        )
        for kind, of_kind in by_kind.items()
        if of_kind
    }
    held = {
        kind: np.column_stack([answers[name][halves[1]] for name in of_kind])
        for kind, of_kind in by_kind.items()
        if of_kind
    }
    signed = {name: np.zeros((2, len(columns))) for name in names}
    nulls = dict.fromkeys(names, 0.0)
    for number, (layer, quantity) in enumerate(columns.keys):
        progress(number / len(columns.keys))
        values, at = trace.shown(layer, quantity), columns.slice(number)
        is_steady = values.std(axis=0) < _STEADY
        ranks = [_ranks(values[half]) for half in halves]
        for kind in selection:
            of_kind = by_kind[kind]
            chosen = signed_scores(ranks[0], selection[kind], kind)
            reported = signed_scores(ranks[1], held[kind], kind)
            chance = 0.5 if kind == "boolean" else 0.0
            chosen[is_steady], reported[is_steady] = chance, chance
            for index, name in enumerate(of_kind):
                signed[name][:, at] = chosen[:, index], reported[:, index]
                first = len(of_kind) + index * _SHUFFLES
                baseline = unsigned(chosen[:, first : first + _SHUFFLES], kind).max()
                nulls[name] = max(nulls[name], float(baseline))
    return {
        name: _scores(name, signed[name][0], signed[name][1], nulls[name], trace.architecture, columns)
        for name in names
    }


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, n) centered ranks of values (n, H)."""
    return centered_ranks(np.ascontiguousarray(values.T))


def _scores(
    name: str,
    chosen: NDArray[np.float64],
    reported: NDArray[np.float64],
    null: float,
    architecture: Architecture,
    columns: Columns,
) -> FeatureScores:
    kind = FEATURES[name].kind
    metric: Metric = "auc" if kind == "boolean" else "spearman"
    middle = 0.5 if kind == "boolean" else 0.0
    shape = architecture.layers, len(columns.keys) // architecture.layers, architecture.hidden_size
    scores = unsigned(chosen, kind).reshape(shape)
    best = scores.argmax(axis=1)  # (layers, H)
    signs = np.where(chosen >= middle, 1, -1).reshape(shape)
    aligned = middle + signs * (reported.reshape(shape) - middle)

    def of_best(values: NDArray[Any]) -> NDArray[Any]:
        found: NDArray[Any] = np.take_along_axis(values, best[:, None], axis=1)[:, 0].ravel()
        return found

    held_out = np.where(of_best(scores) > null, of_best(aligned), middle).astype(np.float32)
    return FeatureScores(name, metric, held_out, best.ravel().astype(np.int8), of_best(signs).astype(np.int8))


def _label(architecture: Architecture, unit: int, scores: FeatureScores) -> NeuronLabel:
    layer, within = divmod(unit, architecture.hidden_size)
    quantity = Columns.of(architecture).keys[int(scores.quantity[unit])][1]
    return NeuronLabel(
        layer + 1,
        within,
        quantity,
        scores.feature,
        scores.metric,
        float(scores.held_out[unit]),
        int(scores.direction[unit]),
    )


def _is_frequent(answers: NDArray[np.float32], kind: Kind, halves: list[NDArray[np.intp]]) -> bool:
    if kind == "number":
        return all(np.ptp(answers[half]) > 0 for half in halves)
    counts = [(int((answers[half] == 1).sum()), len(half)) for half in halves]
    return all(_LEAST <= on <= n - _LEAST for on, n in counts)
