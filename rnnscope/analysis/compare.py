"""Two models on one text: their losses, where each is better, and which of their units correspond.

    difference    ln p of the own model − ln p of the other, in nats, for every character; above 0 the own
                  model gave it the higher probability
    match         the unit of the other model whose hidden state has the largest absolute correlation
                  (Pearson) with that of a unit along the text

Characters that one of the vocabularies lacks are not compared. The second model may be an earlier step of the
same run, such as `runs/NAME@1000`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.other_model import open_other, reader_of
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import OptionError, TextError

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.network.model import CharRNN
    from rnnscope.progress import Progress
    from rnnscope.tracing.reader import TextReader
    from rnnscope.tracing.trace import Trace

Float = NDArray[np.float32]

CORRELATED = 20_000
"""Units are correlated along the first characters of a text, at most this many."""
_AROUND = 60
_OF_ONE_RUN = ("text", "run", "resume", "rescue")
"""Options that name files, and are not compared."""


@dataclass(frozen=True, eq=False)
class ComparedCharacter:
    """One character and its probabilities under the two models.

    position: of the character. before, character, after: the text around it, up to 60 characters each way.
    own, other: its probability under each model. nats: ln own − ln other.
    around: (n,) float32, the differences of `before`, the character and `after`; 0 where there is none.
    """

    position: int
    before: str
    character: str
    after: str
    own: float
    other: float
    nats: float
    around: Float


@dataclass(frozen=True)
class UnitMatch:
    """A unit of the own model, and the unit of the other model that correlates with it most.

    correlation: Pearson's, −1..1, of the hidden states along the text.
    """

    layer: int
    unit: int
    other_layer: int
    other_unit: int
    correlation: float


@dataclass(frozen=True)
class OptionDifference:
    """A training option that differs. own, other: its values; None if it is not recorded."""

    name: str
    own: Any
    other: Any


@dataclass(frozen=True, eq=False)
class CompareResult(Result):
    """Two models on the same characters.

    names, titles: of the own and the other model. characters: how many were compared. losses_nats: the mean
    loss of each, nats per character. standard_error: of the difference of the losses, by batch means.
    own_better: the share of characters with a higher probability under the own model.
    ahead: the characters with the largest difference in favor of the own model; behind: in favor of the
    other. matches: units of the own model by descending correlation. mean_correlation: of all its units.
    samples: what each model writes from one seed. options: training options that differ.
    unknown_share: the share of characters that one of the vocabularies lacks.
    """

    names: tuple[str, str]
    titles: tuple[str, str]
    characters: int
    losses_nats: tuple[float, float]
    standard_error: float
    own_better: float
    ahead: tuple[ComparedCharacter, ...]
    behind: tuple[ComparedCharacter, ...]
    matches: tuple[UnitMatch, ...]
    mean_correlation: float
    samples: tuple[str, str]
    options: tuple[OptionDifference, ...]
    unknown_share: float

    @property
    def ahead_nats(self) -> float:
        """The loss of the other model − the loss of the own one, nats per character."""
        return self.losses_nats[1] - self.losses_nats[0]


@dataclass(frozen=True)
class Compare(Query[CompareResult]):
    """Two models compared: losses per character, units that correspond, samples, and options.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "The ledger of the harbor.\\n" * 40)
        >>> result = session.ask(rnnscope.Compare(other="archive-gru", limit=3, sample=10))
        >>> result.titles, len(result.ahead), len(result.matches)
        (('LSTM 1×256', 'GRU 1×256'), 3, 3)
    """

    name = "compare"
    activity = "comparing models"
    example = "--other archive-gru"

    other: str
    """The model to compare with: a file, a run, RUN@STEP or a sample model."""
    characters: int = 20_000
    """Read only the first N characters of the text; 0 reads all."""
    limit: int = 20
    """The number of characters to list in favor of each model, and of units."""
    sample: int = 240
    """Characters of each sample; 0 writes none."""
    temperature: float = 0.8
    """Sampling temperature; 0 is greedy."""
    seed: int = 0
    """Seed of both samples."""

    def check(self, architecture: Architecture) -> None:
        check_range("characters", self.characters, 0)
        check_range("seed", self.seed, 0)
        check_range("limit", self.limit, 0, 1000)
        check_range("sample", self.sample, 0, 100_000)
        check_range("temperature", self.temperature, 0)

    def run(self, context: Context) -> CompareResult:
        progress, reader = context.progress, context.reader
        found = open_other(self.other)
        other = found.network
        other_reader = _reader(context, other)
        length = reader.length(progress.part(0.0, 0.05))
        stop = min(self.characters or length, length)
        if stop < 2:
            raise TextError("the text is too short: two models are compared on at least 2 characters")
        own_nats, own_states = _read(reader, stop, progress.part(0.05, 0.4))
        other_nats, other_states = _read(other_reader, stop, progress.part(0.4, 0.75))
        text = reader.read(0, stop)
        is_known = _known(text, context.model, other)
        own_nats[~is_known] = np.nan
        nats = own_nats - other_nats
        is_compared = np.isfinite(nats)
        if not is_compared.any():
            raise TextError("no character of this text is in both vocabularies")
        order = np.argsort(-np.where(is_compared, nats, 0), kind="stable")
        ahead = [at for at in order[: self.limit].tolist() if nats[at] > 0]
        behind = [at for at in order[::-1][: self.limit].tolist() if nats[at] < 0]
        matches = unit_matches(own_states, other_states, context.architecture, other.architecture)
        progress(0.9)
        return CompareResult(
            (context.model_name, found.name),
            (context.architecture.title, other.architecture.title),
            int(is_compared.sum()),
            (-float(own_nats[is_compared].mean()), -float(other_nats[is_compared].mean())),
            _standard_error(nats[is_compared]),
            float((nats[is_compared] > 0).mean()),
            _described(text, ahead, own_nats, other_nats),
            _described(text, behind, own_nats, other_nats),
            matches[: self.limit],
            float(np.mean([abs(each.correlation) for each in matches])),
            (self._sampled(context.model), self._sampled(other)),
            differing(context.options, found.options),
            1 - float(is_known[1:].mean()),
        )

    def _sampled(self, model: CharRNN) -> str:
        from rnnscope.network.sampling import Sampler

        sampler = Sampler(model)
        sampler.feed([model.vocabulary.opening])
        stream = sampler.stream(self.sample, temperature=self.temperature, seed=self.seed)
        return model.vocabulary.decode([symbol for symbol, _ in stream])


@dataclass(frozen=True, eq=False)
class ComparePageResult(Result):
    """The difference at every character of a page.

    start: the position of the first character. nats: (T,) float32, ln p own − ln p other; 0 where a character
    is not compared.
    """

    start: int
    nats: Float


@dataclass(frozen=True)
class ComparePage(Query[ComparePageResult]):
    """The difference between two models at every character of a page.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "The ledger of the harbor.\\n" * 40)
        >>> session.ask(rnnscope.ComparePage("archive-gru", 100, 200)).nats.shape
        (100,)
    """

    name = "compare-page"
    activity = "comparing models"

    other: str
    """The model to compare with."""
    start: int
    """The position of the first character."""
    stop: int
    """The position after the last character."""

    def check(self, architecture: Architecture) -> None:
        check_range("start", self.start, 0)
        if self.stop <= self.start:
            raise OptionError(f"--stop is {self.stop:,}, but must be above --start {self.start:,}")

    def run(self, context: Context) -> ComparePageResult:
        other = open_other(self.other).network
        first, stop = max(0, self.start - 1), min(self.stop, context.reader.length(context.progress))
        nats = np.zeros(max(0, stop - self.start), np.float32)
        if stop - first > 1:
            parts = [
                _nats_of_truth(reader.trace(first, stop, context.progress))
                for reader in (context.reader, _reader(context, other))
            ]
            known = _known(context.reader.read(first, stop), context.model, other)
            found = np.where(known[1:], parts[0] - parts[1], 0)
            nats[first + 1 - self.start :] = found
        return ComparePageResult(self.start, nats)


def unit_matches(
    own: Float, other: Float, architecture: Architecture, other_architecture: Architecture
) -> tuple[UnitMatch, ...]:
    """For each unit, the unit of the other model with the largest absolute correlation; the best first.

    own, other: (T, layers · H) float32 along the same text. A constant unit has correlation 0.
    """
    correlation = _standardized(own).T @ _standardized(other)  # (units, units of the other)
    best = np.abs(correlation).argmax(axis=1)
    found = correlation[np.arange(len(best)), best]
    sizes = architecture.hidden_size, other_architecture.hidden_size
    return tuple(
        UnitMatch(
            unit // sizes[0] + 1,
            unit % sizes[0],
            int(best[unit]) // sizes[1] + 1,
            int(best[unit]) % sizes[1],
            float(found[unit]),
        )
        for unit in np.argsort(-np.abs(found), kind="stable").tolist()
    )


def differing(own: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[OptionDifference, ...]:
    """The recorded training options that differ, in alphabetical order, without those that name files."""
    names = sorted((own.keys() | other.keys()) - {*_OF_ONE_RUN})
    return tuple(
        OptionDifference(name, own.get(name), other.get(name))
        for name in names
        if own.get(name) != other.get(name)
    )


def _reader(context: Context, other: CharRNN) -> TextReader:
    """The session's text under the other model. Raises OptionError for bytes compared with characters."""
    kinds = context.model.vocabulary.kind, other.vocabulary.kind
    if kinds[0] != kinds[1]:
        raise OptionError(
            f"one model reads {kinds[0]}, the other {kinds[1]}: their losses are not comparable"
        )
    return reader_of(context, other)


def _read(reader: TextReader, stop: int, progress: Progress) -> tuple[Float, Float]:
    """ln p of the first `stop` characters (T,), NaN for the first; hidden states (≤ 20,000, layers · H)."""
    nats = np.full(stop, np.nan, np.float32)
    states = []
    at, last = 0, None
    for trace in reader.traces(0, stop, progress):
        if last is not None:
            nats[at] = last[trace.ids[0]]
        nats[at + 1 : at + len(trace)] = _nats_of_truth(trace)
        if at < CORRELATED:
            layers = range(1, trace.architecture.layers + 1)
            hidden = [trace[f"{layer}/hidden"][: CORRELATED - at] for layer in layers]
            states.append(np.concatenate(hidden, axis=1))
        at, last = at + len(trace), trace.log_probabilities[-1].copy()
    return nats, np.concatenate(states)


def _nats_of_truth(trace: Trace) -> Float:
    """(T − 1,) ln p of every character of a trace but the first."""
    rows: Float = trace.log_probabilities[np.arange(len(trace) - 1), trace.ids[1:]]
    return rows


def _known(text: str, *models: CharRNN) -> NDArray[np.bool_]:
    """(T,) whether all models have a character in their vocabularies."""
    shared = set.intersection(*(set(model.vocabulary.symbols) for model in models))
    return np.fromiter((symbol in shared for symbol in text), np.bool_, len(text))


def _standardized(values: Float) -> Float:
    """(T, H) columns with mean 0 and length 1; constant ones are 0."""
    centered = values - values.mean(axis=0)
    lengths = np.sqrt((centered**2).sum(axis=0))
    found: Float = np.divide(centered, lengths, out=np.zeros_like(centered), where=lengths > 1e-6)
    return found


def _standard_error(differences: Float) -> float:
    """The standard error of the mean of a series (n,), by batch means: neighbors are correlated."""
    batches = min(30, len(differences) // 10)
    if batches < 2:
        return float("nan")
    means = [part.mean() for part in np.array_split(differences.astype(np.float64), batches)]
    return float(np.std(means, ddof=1) / batches**0.5)


def _described(
    text: str, positions: Iterable[int], own_nats: Float, other_nats: Float
) -> tuple[ComparedCharacter, ...]:
    """The characters at these positions."""
    found = []
    for at in positions:
        first, stop = max(0, at - _AROUND), min(len(text), at + 1 + _AROUND)
        around = np.nan_to_num((own_nats - other_nats)[first:stop])
        own, other = float(np.exp(own_nats[at])), float(np.exp(other_nats[at]))
        nats = float(own_nats[at] - other_nats[at])
        before, after = text[first:at], text[at + 1 : stop]
        found.append(ComparedCharacter(at, before, text[at], after, own, other, nats, around))
    return tuple(found)
