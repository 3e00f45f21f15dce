"""Names of neurons: for every unit, the built-in feature that one of its quantities predicts best.

As in a search (find.py), units and quantities are ranked on one half of the text and scored on the other.
The best unit of each feature is named first; the remaining units follow by selectivity. A feature counts less
the better the current character alone predicts it, and the better the median unit does: a digit can be read
off the character, a quotation cannot.

    strength S     0 for chance, 1 for a perfect score: 2·AUC − 1, or |Spearman's ρ|
    selectivity    S (1 − C/2) minus its median over all units; C is the strength of the current character
    contrast       |mean value where the feature is on − mean value where it is off|, as a share of the range

A quantity whose contrast is below 0.1, such as a constant or saturated one, names nothing: its colors would
not show the feature. A number, such as the column, is on where it exceeds its mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

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
    strength,
    unsigned,
)
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.statistics import centered_ranks
from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.tracing.trace import Trace, is_gate

_Halves: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The positions of the selection half, and of the held-out half."""
_Ranks: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

_LEAST = 20
"""A feature must be on, and off, at least at this many positions of each half."""
_SHUFFLES = 4
_LEAST_CONTRAST = 0.1
_NUMBER = 0.5
"""How much less clear a number is than a feature that is on or off."""
_DETERMINED = 0.8
_DISCOUNT = 0.5
"""How much less a feature counts that the current character determines."""
_NAMED_FIRST = 0.3
"""The minimum strength at which the best unit of a feature is named after it."""
_REPLICATED = 0.7
"""A unit has a feature's name if its held-out strength is at least this share of its selection strength."""
_AROUND, _SEEN, _LONG = 80, 10, 150
"""Characters: compared before and after a stretch, of one that is easily seen, and of the longest."""
_DIGITS = 4
"""The decimal places of scores: fewer characters in the cache, and finer than a score's standard error."""


@dataclass(frozen=True)
class NeuronLabel:
    """A unit, and the feature that one of its quantities predicts.

    score: AUC or |Spearman's correlation| on the selection half, by which unit and quantity were chosen.
    held_out: the score on the held-out half. direction: 1 if high values mean that the feature is on (or a
    large number), −1 if low values do.
    """

    layer: int
    unit: int
    quantity: str
    feature: str
    metric: Metric
    score: float
    held_out: float
    direction: int


@dataclass(frozen=True, eq=False)
class FeatureScores:
    """Scores of every unit for one feature; N = layers · H units, one layer after another.

    character: the held-out score of the current character alone. score: (N,) the selection-half score of the
    best quantity of each unit; 0.5 (AUC) or 0 (Spearman) if none exceeds the shuffled baseline. held_out:
    (N,) its held-out score. quantity: (N,) its index among the cell's quantities. direction: (N,) 1 or −1.
    """

    feature: str
    metric: Metric
    character: float
    score: NDArray[np.float64]
    held_out: NDArray[np.float64]
    quantity: NDArray[np.int8]
    direction: NDArray[np.int8]

    @property
    def needs_memory(self) -> bool:
        """Whether the current character alone predicts the feature with a strength below 0.8 only."""
        return strength(self.character, self.metric) < _DETERMINED

    @property
    def strength(self) -> NDArray[np.float64]:
        """(N,) the strength on the selection half, from 0, chance, to 1, perfect prediction."""
        return _strength(self.score, self.metric)

    @property
    def selectivity(self) -> NDArray[np.float64]:
        """(N,) `strength`, less if the current character predicts the feature, above the median; else 0."""
        reduced = self.strength * (1 - _DISCOUNT * max(0.0, strength(self.character, self.metric)))
        found: NDArray[np.float64] = np.maximum(reduced - np.median(reduced), 0.0)
        return found

    def label(self, architecture: Architecture, unit: int) -> NeuronLabel:
        """The unit with index `unit` (0..N−1), labeled with this feature."""
        layer, within = divmod(unit, architecture.hidden_size)
        return NeuronLabel(
            layer + 1,
            within,
            Columns.of(architecture).keys[int(self.quantity[unit])][1],
            self.feature,
            self.metric,
            float(self.score[unit]),
            float(self.held_out[unit]),
            int(self.direction[unit]),
        )


@dataclass(frozen=True, eq=False)
class NamesResult(Result):
    """Names of units; the best units of features come first, the clearest of them before the others.

    characters: the number of characters read. labels: at most one for each unit. scores: for every feature
    that occurs often enough, every unit's score, by the feature's name. place: a position at which the
    feature of the first label switches on, see `opening_place`; None without a label.
    """

    characters: int
    labels: tuple[NeuronLabel, ...]
    scores: Mapping[str, FeatureScores]
    place: int | None


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
    kept_as = NamesResult

    characters: int = 20_000
    """Read the first N characters of the text."""
    seed: int = 0
    """Seed of the shuffled baseline."""

    def check(self, architecture: Architecture) -> None:
        check_range("characters", self.characters, 200)
        check_range("seed", self.seed, 0)

    def run(self, context: Context) -> NamesResult:
        reader, progress = context.reader, context.progress
        return name_neurons(
            reader.trace(0, self.characters, progress.part(0, 0.3)), progress.part(0.3, 1), seed=self.seed
        )


def name_neurons(trace: Trace, progress: Progress = NO_PROGRESS, *, seed: int = 0) -> NamesResult:
    """Names of the units of a trace, from all built-in features. Raises TextError, Cancelled."""
    if len(trace) < 8 * _LEAST:
        raise TextError(f"{len(trace)} characters are too few to name neurons: give a longer text")
    scores = _feature_scores(trace, progress, seed=seed)
    chosen = _best_of_each(scores)
    selectivity = {name: _selectivity_of_names(each) for name, each in scores.items()}
    rest: dict[int, str] = {}
    for unit in range(trace.architecture.layers * trace.architecture.hidden_size):
        if unit not in chosen and scores:
            best = max(scores, key=lambda name: selectivity[name][unit])
            if selectivity[best][unit] > 0:
                rest[unit] = best
    units = [*chosen.items(), *sorted(rest.items(), key=lambda item: -selectivity[item[1]][item[0]])]
    labels = [scores[name].label(trace.architecture, unit) for unit, name in units]
    if not labels:
        return NamesResult(len(trace), (), scores, None)

    def clearness(label: NeuronLabel) -> tuple[bool, float]:
        each, unit = scores[label.feature], trace.architecture.hidden_size * (label.layer - 1) + label.unit
        found = float(each.selectivity[unit]) * _Switches.of(trace, label).typical_contrast
        return each.needs_memory, found * (_NUMBER if each.metric == "spearman" else 1)

    first = max(labels[: max(1, len(chosen))], key=clearness)
    labels.remove(first)
    return NamesResult(len(trace), (first, *labels), scores, opening_place(trace, first))


def _best_of_each(scores: Mapping[str, FeatureScores]) -> dict[int, str]:
    """The index of the best unit of each feature, with the feature, in order.

    Pairs of a unit and a feature are taken in descending order of selectivity, each unit and each feature
    once. Features that need memory are listed first.
    """
    names = list(scores)
    pairs = np.array([_selectivity_of_names(scores[name], _NAMED_FIRST) for name in names])  # (F, N)
    chosen: dict[int, str] = {}
    while pairs.any():
        feature, unit = np.unravel_index(pairs.argmax(), pairs.shape)
        chosen[int(unit)] = names[feature]
        pairs[feature], pairs[:, unit] = 0, 0
    return dict(sorted(chosen.items(), key=lambda item: not scores[item[1]].needs_memory))


def _selectivity_of_names(scores: FeatureScores, least: float = 0.0) -> NDArray[np.float64]:
    """(N,) the selectivity of each unit that may have the feature's name; 0 for others.

    least: the minimum strength. The held-out half must confirm what the selection half has shown.
    """
    is_confirmed = _strength(scores.held_out, scores.metric) >= _REPLICATED * scores.strength
    found: NDArray[np.float64] = np.where(is_confirmed & (scores.strength >= least), scores.selectivity, 0.0)
    return found


def opening_place(trace: Trace, label: NeuronLabel) -> int | None:
    """A position of the trace at which the label's feature switches on, and the unit with it.

    Of all positions at which it switches on, and if possible off again soon, the one with the greatest
    contrast; None if it never switches on.
    """
    switches = _Switches.of(trace, label)
    return int(switches.begins[switches.contrast.argmax()]) if len(switches.begins) else None


@dataclass(frozen=True, eq=False)
class _Switches:
    """The positions at which the feature of a label switches on: only those of short stretches, if any.

    begins: (K,) the positions. contrast: (K,) by how much the unit's mean value in the stretch differs from
    those before and after, the nearer of both, as a share of its range; negative in the other direction. A
    stretch of fewer than 10 characters has less.
    """

    begins: NDArray[np.intp]
    contrast: NDArray[np.float64]

    @classmethod
    def of(cls, trace: Trace, label: NeuronLabel) -> _Switches:
        answers = feature_values("".join(trace.characters), [label.feature])[label.feature]
        is_on = _on(answers.astype(np.float64), FEATURES[label.feature].kind)
        edges = np.diff(is_on.astype(np.int8))
        begins, ends = np.flatnonzero(edges > 0) + 1, np.flatnonzero(edges < 0) + 1
        ended = np.append(ends, len(trace))[np.searchsorted(ends, begins)]
        is_short = (ended - begins < _LONG) & (ended < len(trace))
        if is_short.any():
            begins, ended = begins[is_short], ended[is_short]
        values = label.direction * trace.shown(label.layer, label.quantity, label.unit).astype(np.float64)
        stop = np.minimum(ended, begins + _LONG)
        inside = _means(values, np.ones(len(trace), np.bool_), begins, stop)
        before = _means(values, ~is_on, np.maximum(begins - _AROUND, 0), begins)
        after = _means(values, ~is_on, stop, np.minimum(stop + _AROUND, len(trace)))
        contrast = (inside - np.fmax(before, after)) / (1 if is_gate(label.quantity) else 2)
        return cls(begins, np.nan_to_num(contrast) * np.minimum(1.0, (stop - begins) / _SEEN))

    @property
    def typical_contrast(self) -> float:
        """The median; 0 without a position."""
        return float(np.median(self.contrast)) if len(self.contrast) else 0.0


def _means(
    values: NDArray[np.float64], counts: NDArray[np.bool_], first: NDArray[np.intp], stop: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(K,) the means of values[first:stop] where they count; NaN where none does."""
    sums = np.concatenate(([0.0], np.cumsum(values * counts)))
    totals = np.concatenate(([0], np.cumsum(counts)))
    n = (totals[stop] - totals[first]).astype(np.float64)
    found: NDArray[np.float64] = np.divide(
        sums[stop] - sums[first], n, out=np.full(len(n), np.nan), where=n > 0
    )
    return found


class _Group:
    """The features of one kind (F), and the scores of all columns (C) for them, filled quantity by quantity.

    answers: (T, F). selected, held_out, contrast: (F, C). null: (F,) the best score that a column which could
    be chosen has for the shuffled feature.
    """

    def __init__(
        self, kind: Kind, answers: Mapping[str, NDArray[np.float32]], columns: int, halves: _Halves, seed: int
    ) -> None:
        generator = np.random.default_rng(seed)
        self.kind, self.names = kind, tuple(answers)
        self.answers = np.column_stack(list(answers.values()))
        self.selected, self.held_out, self.contrast = np.zeros((3, len(self.names), columns))
        self.null = np.zeros(len(self.names))
        self._halves = halves
        selection = self.answers[halves[0]]
        baselines = [shuffled(each, _SHUFFLES, generator) for each in selection.T]
        self._selection = np.column_stack((selection, *baselines))
        self._held_out = self.answers[halves[1]]
        self._is_on = np.column_stack([_on(each, kind) for each in self.answers.T])[halves[0]]

    def score(self, at: slice, values: NDArray[np.float32], ranks: _Ranks, reach: float) -> None:
        """Fill in the columns `at`: values (T, H), their ranks in each half, and their range."""
        scores, count = signed_scores(ranks[0], self._selection, self.kind), len(self.names)
        self.selected[:, at] = scores[:, :count].T
        self.held_out[:, at] = signed_scores(ranks[1], self._held_out, self.kind).T
        self.contrast[:, at] = _contrast(values[self._halves[0]], self._is_on) / reach
        baseline = unsigned(scores[:, count:], self.kind).reshape(len(scores), count, _SHUFFLES).max(axis=2)
        is_visible = self.contrast[:, at] >= _LEAST_CONTRAST
        self.null = np.maximum(self.null, np.where(is_visible, baseline.T, 0).max(axis=1))


def _feature_scores(trace: Trace, progress: Progress, *, seed: int) -> dict[str, FeatureScores]:
    """Every unit's scores for every built-in feature that is on and off often enough. Raises Cancelled."""
    columns = Columns.of(trace.architecture)
    blocks = grouped(np.zeros(len(trace), np.float32), "number")
    selection, held_out = (np.flatnonzero((blocks != IGNORED) & (blocks % 2 == half)) for half in (0, 1))
    halves = selection, held_out
    answers = {
        name: found.astype(np.float32) for name, found in feature_values("".join(trace.characters)).items()
    }
    kinds: tuple[Kind, ...] = ("boolean", "number")
    groups = [
        _Group(kind, found, len(columns), halves, seed)
        for kind in kinds
        if (
            found := {
                name: each
                for name, each in answers.items()
                if FEATURES[name].kind == kind and _is_frequent(each, kind, halves)
            }
        )
    ]
    for number, (layer, quantity) in enumerate(columns.keys):
        progress(number / len(columns.keys))
        values = trace.shown(layer, quantity)
        ranks = _ranks(values[selection]), _ranks(values[held_out])
        for group in groups:
            group.score(columns.slice(number), values, ranks, 1.0 if is_gate(quantity) else 2.0)
    best = {name: _best(group, i, trace, halves) for group in groups for i, name in enumerate(group.names)}
    return {name: best[name] for name in answers if name in best}


def _best(group: _Group, index: int, trace: Trace, halves: _Halves) -> FeatureScores:
    """The scores of one feature: those of the best quantity of each unit, chosen on the selection half."""
    architecture, kind = trace.architecture, group.kind
    metric: Metric = "auc" if kind == "boolean" else "spearman"
    middle = 0.5 if kind == "boolean" else 0.0
    shape = architecture.layers, -1, architecture.hidden_size
    selected, held_out, contrast = (
        each[index].reshape(shape) for each in (group.selected, group.held_out, group.contrast)
    )
    scores = np.where(contrast >= _LEAST_CONTRAST, unsigned(selected, kind), middle)
    signs = np.where(selected >= middle, 1, -1)
    best = scores.argmax(axis=1)[:, None]  # (layers, 1, H)

    def of_best(values: NDArray[Any]) -> NDArray[Any]:
        found: NDArray[Any] = np.take_along_axis(values, best, axis=1)[:, 0].ravel()
        return found

    is_known = of_best(scores) > group.null[index]
    return FeatureScores(
        group.names[index],
        metric,
        round(_character_score(group.answers[:, index], kind, trace, halves), _DIGITS),
        np.where(is_known, of_best(scores), middle).round(_DIGITS),
        np.where(is_known, of_best(middle + signs * (held_out - middle)), middle).round(_DIGITS),
        best.ravel().astype(np.int8),
        of_best(signs).astype(np.int8),
    )


def _character_score(answers: NDArray[np.float32], kind: Kind, trace: Trace, halves: _Halves) -> float:
    """The held-out score of a prediction: the feature's mean in the selection half at the same character."""
    selected, ids = answers[halves[0]].astype(np.float64), trace.ids[halves[0]]
    counts = np.bincount(ids, minlength=len(trace.symbols))
    sums = np.bincount(ids, weights=selected, minlength=len(trace.symbols))
    means = np.where(counts > 0, sums / np.maximum(counts, 1), selected.mean())
    ranks = centered_ranks(means[trace.ids[halves[1]]][None])
    return float(signed_scores(ranks, answers[halves[1], None], kind)[0, 0])


def _contrast(values: NDArray[np.float32], is_on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(F, H) |mean where on − mean where off| of values (n, H), for features (n, F)."""
    on = is_on.T.astype(np.float32)
    n_on = on.sum(axis=1, keepdims=True)
    sums = on @ values
    off = (values.sum(axis=0) - sums) / (len(values) - n_on)
    found: NDArray[np.float64] = np.abs(sums / n_on - off).astype(np.float64)
    return found


def _on(answers: NDArray[np.floating], kind: Kind) -> NDArray[np.bool_]:
    """(T,) where a feature is on; for a number, where it exceeds its mean."""
    found: NDArray[np.bool_] = answers > (0.5 if kind == "boolean" else answers.mean())
    return found


def _strength(scores: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """Scores (N,) rescaled to 0, chance or worse, … 1."""
    found: NDArray[np.float64] = (2 * scores - 1 if metric == "auc" else scores).clip(0, 1)
    return found


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, n) centered ranks of values (n, H)."""
    return centered_ranks(np.ascontiguousarray(values.T))


def _is_frequent(answers: NDArray[np.float32], kind: Kind, halves: _Halves) -> bool:
    if kind == "number":
        return all(np.ptp(answers[half]) > 0 for half in halves)
    counts = [(int((answers[half] == 1).sum()), len(half)) for half in halves]
    return all(_LEAST <= on <= n - _LEAST for on, n in counts)
