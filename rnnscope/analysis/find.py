"""Neuron search: which unit, in which quantity, predicts a feature of the text.

The score of a unit is the area under the ROC curve for a feature that is on or off, and Spearman's
correlation for a number. The text is cut into 16 blocks. Units are ranked on every other block, the selection
half, and reported with their score on the rest, the held-out half. For comparison there are

    shuffled baseline   the best score that any unit reaches for the feature shuffled in blocks
    linear probe        the score of all units together: L1 logistic regression, or ridge regression

A text whose activations fit in 256 MB is searched exactly. A longer one is read as streams side by side: all
units are ranked on a sample from the whole text, then the best of them are counted at every position, in
histograms of some 2,000 bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import Kind, feature
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.statistics import (
    Probe,
    auc_of_counts,
    auc_of_ranks,
    average_precision,
    average_precision_of_counts,
    centered_ranks,
    correlation,
    spearman_of_counts,
)
from rnnscope.analysis.targets import (
    PIECE,
    Labels,
    Spans,
    Target,
    Where,
    of_feature,
    of_labels,
    of_pattern,
    of_spans,
    room,
)
from rnnscope.errors import OptionError, TextError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.tracing.reader import TextReader
    from rnnscope.tracing.streams import Batch, Streams
    from rnnscope.tracing.trace import Trace

Metric: TypeAlias = Literal["auc", "spearman"]
Verdict: TypeAlias = Literal["single neuron", "distributed", "not encoded"]
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = NDArray[np.uint8]
Positions: TypeAlias = NDArray[np.int64]

EXACT_BYTES = 1 << 28
"""Texts with activations up to this size are searched exactly."""
_GROUPS = 16
IGNORED = 255
_RARE = 0.1
"""Average precision is reported for features that are on at a smaller share of positions."""
_SHUFFLES = 8
_SHUFFLED_BLOCKS = 24
_LEARN_FROM, _JUDGED_BY = 2048, 4096
"""The number of positions that the probe is fitted to, and scored on."""

_SAMPLE, _SAMPLE_BYTES = 8192, 96 << 20
"""The number of positions of each half on which all units are ranked for a long text."""
_REGION = 1 << 16
_LARGEST_REGION = 1 << 20
_ENOUGH = 1024
"""The sample is from the first 65,536 positions of all streams, or from more, to have this many positives."""
_MORE = 12
"""The number of units counted at every position, in addition to those reported."""
_BINS = 2048
_BUFFER = 1 << 18
"""The number of positions counted at once."""

_ENCODED = 0.5
_ENCODED_TOGETHER: dict[Metric, float] = {"auc": 0.5, "spearman": 0.8}
_ALONE = 0.9


@dataclass(frozen=True)
class FoundNeuron:
    """A quantity of a unit that predicts the feature.

    score: on the selection half, max(AUC, 1 − AUC) or |Spearman's correlation|. direction: 1 if high values
    mean that the feature is on (or a large number), −1 if low values do. held_out: the score in that
    direction on the held-out half. standard_error: of held_out, by the jackknife over the blocks of the
    held-out half: how much the score varies between parts of the text. None if the feature is on in a single
    block.
    average_precision: on the held-out half; None unless the feature is on at fewer than 10 % of positions.
    """

    layer: int
    unit: int
    quantity: str
    metric: Metric
    score: float
    held_out: float
    direction: int
    average_precision: float | None
    standard_error: float | None


@dataclass(frozen=True)
class FindResult(Result):
    """The best units, best first, and what to compare them with.

    feature: its name. positions: the number of scored characters. positives: the number of them at which the
    feature is on; None for a number. null: the shuffled baseline, the best score any unit reaches for the
    feature shuffled in blocks. probe: the linear probe's score on the held-out half, and the units it uses.
    verdict: "single neuron" if one unit predicts the feature (see `verdict_of`), "distributed" if only the
    probe does, "not encoded" if neither does. is_exact: whether scores are computed from all values, rather
    than from histograms of them. characters: the number of characters read.
    """

    feature: str
    positions: int
    positives: int | None
    results: tuple[FoundNeuron, ...]
    null: float
    probe: Probe
    verdict: Verdict
    is_exact: bool
    characters: int


@dataclass(frozen=True)
class Find(Query[FindResult]):
    """Find the neurons that predict a feature of the text: selected on one half, scored on the other.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-gru"), "a line of text, then\\n" * 60)
        >>> found = session.ask(rnnscope.Find(pattern="line", limit=3))
        >>> len(found.results), found.positions, found.is_exact
        (3, 1260, True)
    """

    name = "find"
    activity = "searching"
    kept_as = FindResult

    feature: str | None = None
    """A built-in feature, such as quotes."""
    pattern: str | None = None
    """A regular expression: find the neurons that predict where it matches."""
    where: Where = "inside"
    """Inside the pattern's matches, at the character just before one, or just after."""
    labels: Labels | None = None
    """One label for each character, as `Labels.of(array)`."""
    spans: Spans = ()
    """Marked spans (start, stop, is on); if some are off, only marked positions are compared."""
    quantity: str | None = None
    """Search one quantity, such as cell; by default all quantities of the network."""
    limit: int = 20
    """The number of neurons to report."""
    characters: int = 0
    """Read only the first N characters of the text; 0 reads all."""
    seed: int = 0
    """Seed of the shuffled baseline, and of the sample from a long text."""

    def check(self, architecture: Architecture) -> None:
        given = [
            self.feature is not None,
            self.pattern is not None,
            self.labels is not None,
            bool(self.spans),
        ]
        if sum(given) != 1:
            raise OptionError("give exactly one of a feature, a pattern, labels and marked spans")
        known = QUANTITIES[architecture.cell]
        if self.quantity is not None and self.quantity not in known:
            raise OptionError(
                f"there is no quantity {self.quantity!r} in this network: it has {', '.join(known)}"
            )
        check_range("limit", self.limit, 1)
        check_range("seed", self.seed, 0)
        check_range("characters", self.characters, 0)
        self.target()

    def target(self) -> Target:
        """The target of the search. Raises OptionError for an unknown feature or an invalid pattern."""
        if self.feature is not None:
            return of_feature(feature(self.feature).name)
        if self.pattern is not None:
            return of_pattern(self.pattern, self.where)
        return of_labels(self.labels) if self.labels is not None else of_spans(self.spans)

    def accepts(self, result: FindResult, architecture: Architecture) -> bool:
        shares = [result.null, abs(result.probe.held_out)]
        for each in result.results:
            shares += [each.score, abs(each.held_out), each.average_precision or 0.0]
            fits = 1 <= each.layer <= architecture.layers and 0 <= each.unit < architecture.hidden_size
            if not fits or each.quantity not in QUANTITIES[architecture.cell]:
                return False
            if each.direction not in (-1, 1) or (each.standard_error or 0.0) < 0:
                return False
        counts = [result.positions, result.positives or 0, result.characters, result.probe.units_used]
        is_of_query = len(result.results) <= self.limit and result.feature == self.target().name
        return is_of_query and min(counts) >= 0 and all(0 <= share <= 1 + 1e-6 for share in shares)

    def run(self, context: Context) -> FindResult:
        return find(self, context.reader, context.progress)


def find(
    query: Find, reader: TextReader, progress: Progress = NO_PROGRESS, *, exact_bytes: int = EXACT_BYTES
) -> FindResult:
    """The answer to a query about a text.

    exact_bytes: the size of a trace up to which the search is exact. Raises OptionError, TextError,
    Cancelled.
    """
    target = query.target()
    values = _targeted(query, target, reader, progress)
    length = len(values)
    positions, positives = _counted(values, target)
    groups = grouped(values, target.kind)
    model = reader.model
    search: _Search
    if model is None or length * model.architecture.traced_bytes <= exact_bytes:
        search = _ExactSearch(query, target, values, groups, reader.trace(0, length, progress))
    else:
        if target.kind == "number":
            _rank(values, groups)
        streams = reader.streams(0, length, progress.part(0.05, 0.1))
        search = _LongSearch(query, target, values, groups, streams, progress.part(0.1, 0.95))
    results = tuple(search.results())
    probe = search.probed(progress)
    progress(1.0)
    return FindResult(
        target.name,
        positions,
        positives,
        results,
        search.null,
        probe,
        verdict_of(results, search.null, probe),
        search.is_exact,
        length,
    )


@dataclass(frozen=True, eq=False)
class EveryScore:
    """The score of every quantity of every unit, as a search reports it for the best.

    score, held_out: (C,) float64, as those of `FoundNeuron`. direction: (C,) int8, 1 or −1. null: the
    shuffled baseline.
    """

    columns: Columns
    metric: Metric
    score: Doubles
    held_out: Doubles
    direction: NDArray[np.int8]
    null: float

    def best_first(self) -> list[int]:
        """The columns in the order of a search's results."""
        return self.columns.best_first(self.score)

    def of(self, layer: int, unit: int, quantity: str) -> float:
        """The score of one quantity of a unit."""
        return float(self.held_out[self.columns.column(layer, unit, quantity)])


def every_score(query: Find, reader: TextReader, progress: Progress = NO_PROGRESS) -> EveryScore:
    """The scores of all units for the target of a query, computed as `find` does, without its linear probe.

    The activations of the whole text are in memory. Raises OptionError, TextError, Cancelled.
    """
    target = query.target()
    values = _targeted(query, target, reader, progress)
    _counted(values, target)
    groups = grouped(values, target.kind)
    search = _ExactSearch(query, target, values, groups, reader.trace(0, len(values), progress))
    return search.everywhere(progress)


class Scorer:
    """Scores single units for the target of a query on one text, as `find` does on a trace of it."""

    def __init__(self, query: Find, reader: TextReader, progress: Progress = NO_PROGRESS) -> None:
        """Raises OptionError, TextError, Cancelled."""
        target = query.target()
        values = _targeted(query, target, reader, progress)
        _counted(values, target)
        groups = grouped(values, target.kind)
        self.metric: Metric = "auc" if target.kind == "boolean" else "spearman"
        self._kind: Kind = target.kind
        self._halves = [np.flatnonzero(_of_half(groups, half)) for half in (0, 1)]
        self._answers = [values[half, None] for half in self._halves]

    def held_out(self, values: NDArray[np.floating]) -> float:
        """The held-out score of one quantity of a unit. values: (T,) along the text."""
        selected, held_out = (
            float(signed_scores(centered_ranks(values[None, half]), answers, self._kind)[0, 0])
            for half, answers in zip(self._halves, self._answers, strict=True)
        )
        middle = 0.5 if self._kind == "boolean" else 0.0
        return held_out if selected >= middle else 2 * middle - held_out


def _targeted(query: Find, target: Target, reader: TextReader, progress: Progress) -> Floats:
    """(T,) the target at every position that the query reads."""
    length = reader.length(progress.part(0.0, 0.0))
    length = min(length, query.characters) if query.characters else length
    return target.values(reader.read, length, progress.part(0.0, 0.05))


def strength(score: float, metric: Metric) -> float:
    """A score rescaled to 0 (chance) .. 1 (perfect prediction): 2·AUC − 1, or the correlation."""
    return 2 * score - 1 if metric == "auc" else score


def verdict_of(results: Sequence[FoundNeuron], null: float, probe: Probe) -> Verdict:
    """Return whether one neuron encodes the feature, all of them together, or none.

    Strength is 0 for chance and 1 for a perfect score; a score below the shuffled baseline has strength 0.

        single neuron   the best unit's held-out strength is at least 0.5, and 0.9 of the probe's
        distributed     otherwise, if the probe's strength is at least 0.5, or 0.8 for a number
        not encoded     otherwise

    The threshold for numbers is higher because the state of an untrained network decays, too: the time since
    a character was read can be predicted with a correlation of 0.78 from 512 units of a random LSTM on
    shuffled text.
    """
    if not results:
        return "not encoded"
    best = results[0]
    single = strength(best.held_out, best.metric) if best.score > null else 0.0
    together = strength(probe.held_out, best.metric) if probe.held_out > null else 0.0
    if single >= _ENCODED and single >= _ALONE * together:
        return "single neuron"
    return "distributed" if together >= _ENCODED_TOGETHER[best.metric] else "not encoded"


@dataclass(frozen=True)
class Columns:
    """The quantities of all units that are searched: C = keys × hidden size columns."""

    keys: tuple[tuple[int, str], ...]
    """Layer and quantity."""
    hidden_size: int

    @classmethod
    def of(cls, architecture: Architecture, quantity: str | None = None) -> Columns:
        """All quantities, or one."""
        quantities = QUANTITIES[architecture.cell] if quantity is None else (quantity,)
        keys = ((layer, each) for layer in range(1, architecture.layers + 1) for each in quantities)
        return cls(tuple(keys), architecture.hidden_size)

    def __len__(self) -> int:
        return len(self.keys) * self.hidden_size

    def __getitem__(self, column: int) -> tuple[int, int, str]:
        """Layer, unit and quantity of a column."""
        layer, quantity = self.keys[column // self.hidden_size]
        return layer, column % self.hidden_size, quantity

    def column(self, layer: int, unit: int, quantity: str) -> int:
        """The column of a quantity of a unit."""
        return self.keys.index((layer, quantity)) * self.hidden_size + unit

    def slice(self, number: int) -> slice:
        """The columns of the key with index `number`."""
        return slice(number * self.hidden_size, (number + 1) * self.hidden_size)

    def best_first(self, scores: Doubles) -> list[int]:
        """Columns in descending order of score (C,); among equals, hidden and cell come before the gates."""
        preference = np.repeat([_PREFERENCE.get(quantity, 2) for _, quantity in self.keys], self.hidden_size)
        order: list[int] = np.lexsort((np.arange(len(self)), preference, -np.round(scores, 9))).tolist()
        return order


_PREFERENCE = {"hidden": 0, "cell": 1}


def signed_scores(ranks: NDArray[np.floating], answers: Floats, kind: Kind) -> Doubles:
    """(C, F): AUC or Spearman's correlation of centered ranks (C, n) with answers (n, F)."""
    if kind == "boolean":
        return auc_of_ranks(ranks, answers > 0)
    return correlation(ranks, centered_ranks(answers.T.astype(np.float64)).T)


def unsigned(signed: Doubles, kind: Kind) -> Doubles:
    """max(AUC, 1 − AUC), or |Spearman's correlation|."""
    return np.maximum(signed, 1 - signed) if kind == "boolean" else np.abs(signed)


def shuffled(answers: Floats, times: int, generator: np.random.Generator) -> Floats:
    """(n, times): answers (n,) with shuffled blocks, of uneven length to break any period."""
    n = len(answers)
    size = max(2, n // _SHUFFLED_BLOCKS)
    found = np.empty((n, times), np.float32)
    for number in range(times):
        lengths = generator.integers(size // 2 + 1, size + size // 2 + 1, size=2 * n // size + 2)
        borders = np.minimum(np.cumsum(lengths), n)
        blocks = np.split(answers, borders[borders < n])
        found[:, number] = np.concatenate([blocks[i] for i in generator.permutation(len(blocks))])
    return found


def _counted(values: Floats, target: Target) -> tuple[int, int | None]:
    """The number of scored positions, and of those that are on. Raises TextError if there are too few."""
    positions = positives = 0
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        positions += int((~np.isnan(piece)).sum())
        positives += int((piece == 1).sum())
    if positions < 8:
        raise TextError(f"{positions} positions are too few for a search: give a longer text")
    if target.kind == "number":
        return positions, None
    if not 2 <= positives <= positions - 2:
        where = {0: "nowhere", 1: "only once", positions: "everywhere"}.get(positives, "all but everywhere")
        raise TextError(
            f"{target.name} is {where} in the {positions:,} characters that were read: "
            "a search needs it on twice, and off twice"
        )
    return positions, positives


def grouped(values: Floats, kind: Kind) -> Groups:
    """(T,) the block of every position, 0 … 15, of which the even ones are the selection half; 255 ignored.

    If one half has no position at which a feature is on, or off, blocks are halved (every 16th has the same
    number) until both halves have both. Raises TextError if that is impossible.
    """
    asked = sum(
        int((~np.isnan(values[start : start + PIECE])).sum()) for start in range(0, len(values), PIECE)
    )
    groups: Groups = room(len(values), np.uint8)
    block = max(1, -(-asked // _GROUPS))
    while block:
        at, both = 0, np.zeros((2, 2), np.int64)
        for start in range(0, len(values), PIECE):
            piece = values[start : start + PIECE]
            is_asked = ~np.isnan(piece)
            numbers = at + np.cumsum(is_asked) - 1
            numbers = numbers // block % _GROUPS
            groups[start : start + PIECE] = np.where(is_asked, numbers, IGNORED)
            for half in (0, 1):
                of_half = is_asked & (numbers % 2 == half)
                both[half] += int((piece[of_half] == 1).sum()), int((piece[of_half] != 1).sum())
            at += int(is_asked.sum())
        if kind == "number" or both.all():
            return groups
        block //= 2
    raise TextError(
        "the feature is on, or off, at too few positions: to select on one half of the text and report on "
        "the other, both halves need some of both"
    )


def _rank(values: Floats, groups: Groups) -> None:
    """Replace numbers (T,) by their centered ranks among those of the same half."""
    for half in (0, 1):
        levels, counts = np.empty(0, np.float32), np.empty(0, np.int64)
        for start in range(0, len(values), PIECE):
            part = slice(start, start + PIECE)
            seen, times = np.unique(values[part][_of_half(groups[part], half)], return_counts=True)
            merged = np.union1d(levels, seen)
            summed = np.zeros(len(merged), np.int64)
            summed[np.searchsorted(merged, levels)] += counts
            summed[np.searchsorted(merged, seen)] += times
            levels, counts = merged, summed
        ranks = (np.cumsum(counts) - counts / 2) / max(1, counts.sum()) - 0.5
        for start in range(0, len(values), PIECE):
            part = slice(start, start + PIECE)
            at = np.flatnonzero(_of_half(groups[part], half))
            values[part][at] = ranks[np.searchsorted(levels, values[part][at])]


def _of_half(groups: Groups, half: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (groups != IGNORED) & (groups % 2 == half)
    return found


class _Search:
    """Base of exact and long searches: computes results from the scores of columns."""

    is_exact: bool
    null: float

    def __init__(self, query: Find, target: Target, architecture: Architecture) -> None:
        self.kind = target.kind
        self.metric: Metric = "auc" if target.kind == "boolean" else "spearman"
        self.limit, self.seed = query.limit, query.seed
        self.columns = Columns.of(architecture, query.quantity)
        self.remembered = tuple(
            (layer, each)
            for each in ("hidden", "cell")
            if each in QUANTITIES[architecture.cell]
            for layer in range(1, architecture.layers + 1)
        )
        """Layer and quantity of the state, which the probe reads."""
        self.units = architecture.layers * architecture.hidden_size

    @staticmethod
    def _varies(answers: Floats) -> bool:
        return len(answers) > 1 and bool((answers != answers[0]).any())

    def results(self) -> list[FoundNeuron]:
        raise NotImplementedError

    def probed(self, progress: Progress) -> Probe:
        raise NotImplementedError

    def fitted(
        self, states: Floats, answers: Floats, held: tuple[Floats, Floats], progress: Progress
    ) -> Probe:
        """The probe of states (n, D) and answers (n,), scored on others."""
        from rnnscope.analysis.probe import probe

        return probe(states, answers, *held, self.kind, self.units, progress=progress)

    def neuron(
        self, column: int, selected: float, held_out: float, without: Doubles, precision: float | None
    ) -> FoundNeuron:
        """The result of a column, from its signed scores.

        without: (8,) the held-out scores without one block each, NaN if nothing is left to compare.
        """
        middle = 0.5 if self.kind == "boolean" else 0.0
        direction = 1 if selected >= middle else -1
        n = len(without)
        spread = (n - 1) / n * ((without - without.mean()) ** 2).sum()
        error = float(np.sqrt(spread)) if np.isfinite(spread) else None
        layer, unit, quantity = self.columns[column]
        return FoundNeuron(
            layer,
            unit,
            quantity,
            self.metric,
            middle + abs(selected - middle),
            middle + direction * (held_out - middle),
            direction,
            precision,
            error,
        )


class _ExactSearch(_Search):
    """A search of a trace: every value of every unit is ranked."""

    is_exact = True

    def __init__(self, query: Find, target: Target, values: Floats, groups: Groups, trace: Trace) -> None:
        super().__init__(query, target, trace.architecture)
        self._trace, self._values, self._groups = trace, values, groups
        self._selection = np.flatnonzero(_of_half(groups, 0))
        self._held_out = np.flatnonzero(_of_half(groups, 1))
        answers = values[self._selection]
        others = shuffled(answers, _SHUFFLES, np.random.default_rng(query.seed))
        every = np.column_stack([answers, others])
        found = []
        for layer, quantity in self.columns.keys:
            ranks = centered_ranks(trace[f"{layer}/{quantity}"][self._selection].T)
            found.append(signed_scores(ranks.astype(np.float64), every, self.kind))
        signed = np.concatenate(found)
        self._signed = signed[:, 0]
        self.null = float(unsigned(signed[:, 1:], self.kind).max())
        self._is_rare = _is_rare(values[groups != IGNORED], self.kind)

    def results(self) -> list[FoundNeuron]:
        order = self.columns.best_first(unsigned(self._signed, self.kind))[: self.limit]
        return [self._result(column) for column in order]

    def everywhere(self, progress: Progress) -> EveryScore:
        """The scores of all columns."""
        answers = self._values[self._held_out, None]
        found = []
        for layer, quantity in self.columns.keys:
            progress.check()
            ranks = centered_ranks(self._trace[f"{layer}/{quantity}"][self._held_out].T)
            found.append(signed_scores(ranks.astype(np.float64), answers, self.kind)[:, 0])
        middle = 0.5 if self.kind == "boolean" else 0.0
        direction = np.where(self._signed >= middle, 1, -1).astype(np.int8)
        return EveryScore(
            self.columns,
            self.metric,
            unsigned(self._signed, self.kind),
            middle + direction * (np.concatenate(found) - middle),
            direction,
            self.null,
        )

    def _result(self, column: int) -> FoundNeuron:
        layer, unit, quantity = self.columns[column]
        values = self._trace[f"{layer}/{quantity}"][self._held_out, unit]
        answers, groups = self._values[self._held_out], self._groups[self._held_out]

        def score(some: NDArray[np.bool_] | slice) -> float:
            ranks = centered_ranks(values[None, some].astype(np.float64))
            return float(signed_scores(ranks, answers[some, None], self.kind)[0, 0])

        selected = float(self._signed[column])
        precision = None
        if self._is_rare:
            precision = average_precision(values if selected >= 0.5 else -values, answers == 1)
        without = np.array(
            [
                score(groups != group) if self._varies(answers[groups != group]) else np.nan
                for group in np.unique(groups)
            ]
        )
        return self.neuron(column, selected, score(slice(None)), without, precision)

    def probed(self, progress: Progress) -> Probe:
        learned = _thinned(self._selection, self._values, self.kind, _LEARN_FROM)
        judged = _thinned(self._held_out, self._values, self.kind, _JUDGED_BY)
        parts = [
            np.concatenate([self._trace.shown(layer, each)[at] for layer, each in self.remembered], axis=1)
            for at in (learned, judged)
        ]
        held = parts[1], self._values[judged]
        return self.fitted(parts[0], self._values[learned], held, progress)


class _LongSearch(_Search):
    """A search of a long text in streams: all units are ranked on a sample, the best counted everywhere."""

    is_exact = False

    def __init__(
        self,
        query: Find,
        target: Target,
        values: Floats,
        groups: Groups,
        streams: Streams,
        progress: Progress,
    ) -> None:
        super().__init__(query, target, streams.model.architecture)
        self._values, self._groups = values, groups
        self._activation = streams.model.architecture.activation
        generator = np.random.default_rng(query.seed)
        steps, selection, held_out = self._draw_sample(streams, generator)
        share = 0.9 * steps / (steps + streams.steps)
        self._read_sample(streams, steps, selection, held_out, progress.part(0.0, share))
        answers = values[selection]
        self.null = self._ranked(answers, shuffled(answers, _SHUFFLES, generator))
        best = self.columns.best_first(unsigned(self._signed, self.kind))
        self._chosen = np.array(best[: self.limit + _MORE])
        self._counts = _Histograms(self._sample[:, self._chosen], answers, self.kind)
        del self._sample
        self._count(streams, progress.part(share, 1.0))

    def results(self) -> list[FoundNeuron]:
        signed = self._counts.scores([group for group in range(_GROUPS) if group % 2 == 0])
        scores = unsigned(signed, self.kind)
        everywhere = np.full(len(self.columns), -1.0)
        everywhere[self._chosen] = scores
        order = self.columns.best_first(everywhere)[: min(self.limit, len(self._chosen))]
        rows = [int(np.flatnonzero(self._chosen == column)[0]) for column in order]
        odd = [group for group in range(_GROUPS) if group % 2]
        held = self._counts.scores(odd)
        without = np.stack([self._counts.scores([each for each in odd if each != group]) for group in odd])
        is_rare = self._counts.is_rare
        return [
            self.neuron(
                column,
                float(signed[row]),
                float(held[row]),
                without[:, row],
                self._counts.precision(row, odd, rising=signed[row] >= 0.5) if is_rare else None,
            )
            for column, row in zip(order, rows, strict=True)
        ]

    def probed(self, progress: Progress) -> Probe:
        (states, answers), held = self._states
        return self.fitted(states, answers, held, progress)

    def _draw_sample(
        self, streams: Streams, generator: np.random.Generator
    ) -> tuple[int, Positions, Positions]:
        """How many steps of every stream to sample from, and the positions of each half, in text order."""
        most = min(streams.steps, _LARGEST_REGION // len(streams))
        steps = min(_REGION // len(streams), most)
        while True:
            region = (streams.starts[:, None] + np.arange(steps)).ravel()
            groups = self._groups[region]
            halves = [region[_of_half(groups, half)] for half in (0, 1)]
            fewest = [min((self._values[half] == on).sum() for on in (0, 1)) for half in halves]
            enough = min(fewest) >= _ENOUGH if self.kind == "boolean" else min(map(len, halves)) >= _ENOUGH
            if enough or steps == most:
                break
            steps = min(most, 2 * steps)
        if (self.kind == "boolean" and min(fewest) < 2) or min(map(len, halves)) < 8:
            raise TextError(
                f"the feature is on, or off, at too few of {len(region):,} positions across the text: "
                "search fewer characters"
            )
        limit = min(_SAMPLE, _SAMPLE_BYTES // (4 * len(self.columns)))
        selection, held_out = (
            _drawn(half, self._values, self.kind, size, generator)
            for half, size in zip(halves, (limit, _JUDGED_BY), strict=True)
        )
        return steps, selection, held_out

    def _read_sample(
        self, streams: Streams, steps: int, selection: Positions, held_out: Positions, progress: Progress
    ) -> None:
        """Read all columns at the positions of the selection half, and states at those of both."""
        self._sample = np.empty((len(selection), len(self.columns)), np.float32)
        learned = _thinned(np.arange(len(selection)), self._values[selection], self.kind, _LEARN_FROM)
        places = [
            _Places(selection, streams, len(self.columns.keys), self._sample),
            _Places(selection[learned], streams, len(self.remembered)),
            _Places(held_out, streams, len(self.remembered)),
        ]
        for batch in streams.batches(steps, progress):
            places[0].take(batch, self.columns.keys)
            for place in places[1:]:
                place.take(batch, self.remembered)
        states = [self._shown(place.values) for place in places[1:]]
        self._states = (states[0], self._values[selection[learned]]), (states[1], self._values[held_out])

    def _shown(self, states: Floats) -> Floats:
        """States (n, D), with cell states through the activation."""
        size = self.units
        if states.shape[1] > size:
            cells = states[:, size:]
            states[:, size:] = (
                cells / (1 + np.abs(cells)) if self._activation == "softsign" else np.tanh(cells)
            )
        return states

    def _ranked(self, answers: Floats, others: Floats) -> float:
        """Score all columns on the sample. Returns the best score for shuffled answers."""
        every = np.column_stack([answers, others])
        found = []
        for number in range(len(self.columns.keys)):
            ranks = centered_ranks(np.ascontiguousarray(self._sample[:, self.columns.slice(number)].T))
            found.append(signed_scores(ranks, every, self.kind))
        signed = np.concatenate(found)
        self._signed = signed[:, 0]
        return float(unsigned(signed[:, 1:], self.kind).max())

    def _count(self, streams: Streams, progress: Progress) -> None:
        """Count the chosen columns at every position."""
        import torch

        size = self.columns.hidden_size
        wanted = []
        for number, (layer, quantity) in enumerate(self.columns.keys):
            rows = np.flatnonzero(self._chosen // size == number)
            if len(rows):
                units = torch.from_numpy(self._chosen[rows] % size)
                wanted.append((f"{layer}/{quantity}", rows, units))
        buffer = np.empty((len(self._chosen), _BUFFER), np.float32)
        positions = np.empty(_BUFFER, np.int64)
        filled = 0

        def flush() -> None:
            at = positions[:filled]
            self._counts.add(buffer[:, :filled], self._values[at], self._groups[at])

        for batch in streams.batches(progress=progress):
            n = batch.positions.size
            if filled + n > _BUFFER:
                flush()
                filled = 0
            positions[filled : filled + n] = batch.positions.ravel()
            for key, rows, units in wanted:
                values = batch.activations[key].flatten(0, 1)
                part = values.index_select(1, units.to(values.device)).t()
                buffer[rows, filled : filled + n] = part.float().cpu().numpy()
            filled += n
        flush()


class _Places:
    """The values of some columns at some positions of streams, filled batch by batch.

    values: (n, keys × H) float32, in the order of the positions.
    """

    def __init__(self, positions: Positions, streams: Streams, keys: int, room: Floats | None = None) -> None:
        size = streams.model.architecture.hidden_size
        self.values = np.empty((len(positions), keys * size), np.float32) if room is None else room
        stream, step = np.divmod(positions - streams.starts[0], streams.steps)
        self._order = np.argsort(step, kind="stable")
        self._step, self._stream = step[self._order], stream[self._order]
        self._read = 0

    def take(self, batch: Batch, keys: Sequence[tuple[int, str]]) -> None:
        """Copy the values of the next steps. Batches must come in order, from the first step on."""
        steps = len(batch.positions)
        first, last = np.searchsorted(self._step, [self._read, self._read + steps])
        if first < last:
            step, stream = self._step[first:last] - self._read, self._stream[first:last]
            rows = self._order[first:last]
            for number, (layer, quantity) in enumerate(keys):
                values = batch.activations[f"{layer}/{quantity}"]
                size = values.shape[2]
                part = values[step, stream].float().cpu().numpy()
                self.values[rows, number * size : (number + 1) * size] = part
        self._read += steps


class _Histograms:
    """Histograms of some columns, by block of the text: the number of positions, and the sum of the answers.

    Bin edges are quantiles of a sample. For a boolean feature, half of them are quantiles of the values where
    it is on and half where it is off, so that a rare feature has enough bins.
    """

    def __init__(self, sample: Floats, answers: Floats, kind: Kind) -> None:
        """sample: (n, K) values. answers: (n,); numbers are centered ranks."""
        self._kind = kind
        parts = [sample[answers == on] for on in (0, 1)] if kind == "boolean" else [sample]
        shares = np.linspace(0, 1, _BINS // len(parts))
        # Edges: (K, bins − 1), ascending.
        borders = [np.quantile(part, shares, axis=0, method="nearest") for part in parts]
        self._borders = np.sort(np.concatenate(borders), axis=0).T.astype(np.float32)
        shape = (len(self._borders), _GROUPS, self._borders.shape[1] + 1)
        self._counts = np.zeros(shape, np.int64)
        self._sums = np.zeros(shape, np.float64)
        self._squares = np.zeros(_GROUPS)

    @property
    def is_rare(self) -> bool:
        return self._kind == "boolean" and self._sums[0].sum() < _RARE * self._counts[0].sum()

    def add(self, values: Floats, answers: Floats, groups: Groups) -> None:
        """Count values (K, n) with their answers (n,) and blocks (n,)."""
        for group in np.unique(groups[groups != IGNORED]).tolist():
            at = np.flatnonzero(groups == group)
            self._squares[group] += float((answers[at].astype(np.float64) ** 2).sum())
            if self._kind == "boolean":
                is_on = answers[at] == 1
                on, off = (self._binned(np.sort(values[:, some], axis=1)) for some in (at[is_on], at[~is_on]))
                self._counts[:, group] += on + off
                self._sums[:, group] += on
                continue
            part = values[:, at]
            order = np.argsort(part, axis=1)
            ordered = np.take_along_axis(part, order, axis=1)
            sums = np.zeros((len(part), len(at) + 1))
            np.cumsum(answers[at][order], axis=1, dtype=np.float64, out=sums[:, 1:])
            below = self._below(ordered)
            self._counts[:, group] += np.diff(below, axis=1)
            self._sums[:, group] += np.diff(np.take_along_axis(sums, below, axis=1), axis=1)

    def scores(self, groups: Sequence[int]) -> Doubles:
        """(K,) the signed score of every column over the blocks `groups`."""
        counts, sums = (each[:, list(groups)].sum(axis=1) for each in (self._counts, self._sums))
        if self._kind == "boolean":
            if not 0 < sums[0].sum() < counts[0].sum():
                return np.full(len(counts), np.nan)
            return auc_of_counts(sums, counts - sums)
        n = max(1, int(counts[0].sum()))
        variance = self._squares[list(groups)].sum() / n - (sums[0].sum() / n) ** 2
        return spearman_of_counts(counts, sums, float(variance))

    def precision(self, row: int, groups: Sequence[int], *, rising: bool) -> float:
        """The average precision of one column over the blocks `groups`; rising: high values mean on."""
        counts, on = (each[row, list(groups)].sum(axis=0) for each in (self._counts, self._sums))
        step = 1 if rising else -1
        return average_precision_of_counts(on[::step], (counts - on)[::step])

    def _below(self, ordered: Floats) -> NDArray[np.int64]:
        """(K, bins + 1): the number of sorted values (K, n) below each bin edge, with 0 and n at the ends."""
        n = ordered.shape[1]
        found = np.zeros((len(ordered), self._borders.shape[1] + 2), np.int64)
        found[:, -1] = n
        for row, (values, borders) in enumerate(zip(ordered, self._borders, strict=True)):
            found[row, 1:-1] = np.searchsorted(values, borders)
        return found

    def _binned(self, ordered: Floats) -> NDArray[np.int64]:
        return np.diff(self._below(ordered), axis=1)


def _is_rare(asked: Floats, kind: Kind) -> bool:
    return kind == "boolean" and bool((asked == 1).sum() < _RARE * len(asked))


def _thinned(positions: Positions, values: Floats, kind: Kind, most: int) -> Positions:
    """At most `most` positions, evenly spaced; for a boolean as many on as off, if there are enough."""
    if kind == "number":
        return _evenly(positions, most)
    parts = [positions[values[positions] == on] for on in (0, 1)]
    share = max(most // 2, most - min(len(part) for part in parts))
    return np.sort(np.concatenate([_evenly(part, share) for part in parts]))


def _evenly(positions: Positions, most: int) -> Positions:
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(np.int64)]


def _drawn(
    positions: Positions, values: Floats, kind: Kind, most: int, generator: np.random.Generator
) -> Positions:
    """At most `most` random positions, sorted; for a boolean as many on as off, if there are enough."""
    parts = [positions] if kind == "number" else [positions[values[positions] == on] for on in (0, 1)]
    share = most // len(parts)
    if len(parts) == 2:
        share = max(share, most - min(len(part) for part in parts))
    return np.sort(
        np.concatenate([generator.choice(part, min(share, len(part)), replace=False) for part in parts])
    )
