"""The network and n-gram models of every order on the same characters, for errors, n-grams and brackets.

    training text available    n-grams learn it; the first characters of the text are evaluated or, if the
                               text begins with the training text, the first characters after it
    no training text           n-grams learn the first nine tenths of the text; the rest is evaluated

Both models read everything before the evaluated characters. If the network is reset for a new document, the
context of n-gram models begins there, too. n-gram models memorize their training text, so copies of the
evaluated characters are removed from it first.

The n-gram models are interpolated modified Kneser–Ney models (`rnnscope.text.ngram`), as in Karpathy, Johnson
& Fei-Fei (arXiv 1506.02078), section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import OptionError, RnnscopeError, TextError
from rnnscope.progress import Progress
from rnnscope.text.display import counted
from rnnscope.text.ngram import MOST_CHARACTERS, log_probabilities_by_order
from rnnscope.text.overlap import common_prefix, copied, without
from rnnscope.text.reading import STANDARD_INPUT
from rnnscope.text.vocabulary import Vocabulary, symbols_of

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.tracing.reader import TextReader

Double = NDArray[np.float64]

CHARACTERS = 20_000
"""Default number of evaluated characters."""
ORDERS = tuple(range(1, 10))
OWN_TRAINING_TEXT = "the model's training text"
CONTEXT = 5000
"""Number of characters before the evaluated ones that a result includes, and that are searched for words."""

_FEWEST_EVALUATED = 100
_FEWEST_LEARNED = 2000
_FEWEST_NEW = 1000
"""A text that begins with the training text is evaluated after it if at least this many characters follow."""
_LEARNED_SHARE = 0.9
_PIECE = 1 << 16


@dataclass(frozen=True)
class Split:
    """The evaluated characters, and the text that n-gram models learned.

    start: the position of the first evaluated character. characters: how many were evaluated.
    training_text: a description of the learned text. training_characters: the number of learned characters.
    removed_characters: the number of characters removed because they are copies of the evaluated ones.
    """

    start: int
    characters: int
    training_text: str
    training_characters: int
    removed_characters: int


@dataclass(frozen=True, eq=False)
class ComparisonResult(Result):
    """Log-probabilities of N consecutive characters under the network and the best n-gram model.

    before: up to 5,000 characters before the evaluated ones. text: the N evaluated characters.
    network_log_probabilities: (N,) float64, ln p of each. by_order: the mean loss of each order, nats.
    order: the order with the lowest mean loss. ngram_log_probabilities: (N,) float64,
    ln p of each.
    sufficient_order: (N,) the lowest order with a probability above 0.5; 0 if there is none.
    training: the learned characters, as the network reads them.
    """

    split: Split
    before: str
    text: str
    network_log_probabilities: Double
    by_order: Mapping[int, float]
    order: int
    ngram_log_probabilities: Double
    sufficient_order: NDArray[np.uint8]
    training: str

    @property
    def network_nats(self) -> float:
        """The network's mean loss."""
        return -float(self.network_log_probabilities.mean())

    @property
    def differences(self) -> Double:
        """(N,) ln p of the network − ln p of the best n-gram model."""
        return self.network_log_probabilities - self.ngram_log_probabilities


@dataclass(frozen=True)
class Comparison(Query[ComparisonResult]):
    """The network and n-gram models of orders 1 to 9 on the same characters."""

    name = "comparison"
    activity = "counting n-grams"

    characters: int = CHARACTERS
    """The number of characters to evaluate; 0 evaluates all."""
    train: str = ""
    """The text that n-grams learn; empty for the text that the model was trained on."""

    def check(self, architecture: Architecture) -> None:
        if self.characters != 0:
            check_range("characters", self.characters, _FEWEST_EVALUATED)
        if self.train == STANDARD_INPUT:
            raise OptionError("--train - : standard input is for TEXT; name a file to learn from")

    def run(self, context: Context) -> ComparisonResult:
        reader = context.reader
        length = reader.length(context.progress.part(0.0, 0.1))
        source = _source(context, self.train, length)
        stop = min(length, source.start + self.characters) if self.characters else length
        learned = _learned(context, source, source.start, stop)
        split = Split(source.start, stop - source.start, source.name, len(learned.ids), learned.removed)
        network = _network(reader, source.start, stop, context.progress.part(0.1, 0.5))

        vocabulary = context.model.vocabulary
        means: dict[int, float] = {}
        best: tuple[int, Double] | None = None
        sufficient = np.zeros(stop - source.start, np.uint8)
        progress = context.progress.part(0.5, 1.0)
        first = max(0, source.start - ORDERS[-1])
        by_order = log_probabilities_by_order(
            learned.ids, reader.ids(first, stop), len(vocabulary), ORDERS, progress
        )
        for order, expected in _within_documents(by_order, _context_lengths(reader, first, stop)):
            evaluated = expected[source.start - first :]
            means[order] = -float(evaluated.mean())
            sufficient[(sufficient == 0) & (evaluated > np.log(0.5))] = order
            if best is None or means[order] < means[best[0]]:
                best = order, evaluated
        assert best is not None, "there are ids to learn from"
        return ComparisonResult(
            split,
            reader.read(max(0, source.start - CONTEXT), source.start),
            reader.read(source.start, stop),
            network,
            means,
            best[0],
            best[1],
            sufficient,
            symbols_of(vocabulary, learned.ids),
        )


def differences(context: Context, comparison: ComparisonResult, train: str, start: int, stop: int) -> Double:
    """(T,) ln p of the network − ln p of the n-gram model of the best order.

    The first character of a text is not predicted and has 0. For characters that `comparison` did not
    evaluate, an n-gram model is trained without copies of them.
    """
    split = comparison.split
    if split.start <= start and stop <= split.start + split.characters:
        return comparison.differences[start - split.start : stop - split.start]
    vocabulary = context.model.vocabulary
    begin = max(1, start)
    first = max(0, begin - comparison.order)
    source = _source(context, train, context.reader.length())
    learned = _learned(context, source, start, stop)
    ids = context.reader.ids(first, stop)
    by_order = log_probabilities_by_order(
        learned.ids, ids, len(vocabulary), ORDERS[: comparison.order], context.progress.part(0.5, 0.9)
    )
    *_, (_, expected) = _within_documents(by_order, _context_lengths(context.reader, first, stop))
    network = _network(context.reader, begin, stop, context.progress.part(0.9, 1.0))
    return np.concatenate((np.zeros(begin - start), network - expected[begin - first :]))


@dataclass(frozen=True)
class _Source:
    """The training text of n-gram models before copies are removed, and where evaluation starts.

    ids: one per character. first: the position in the text at which they begin, if they are a part of it.
    """

    name: str
    ids: NDArray[np.int32]
    start: int
    first: int | None = None


@dataclass(frozen=True)
class _Learned:
    ids: NDArray[np.int32]
    removed: int


def _source(context: Context, train: str, length: int) -> _Source:
    """Raises TextError if there is too little text to learn from or to evaluate."""
    from rnnscope.tracing.reader import substituting

    reader, vocabulary = context.reader, substituting(context.model.vocabulary)
    if length <= _FEWEST_EVALUATED:
        raise TextError(
            f"the text has {counted(length, 'character')}, but more than {_FEWEST_EVALUATED} are needed"
        )
    training = _read(train, vocabulary) if train else context.training_text()
    if training is not None:
        ids = vocabulary.encode(training)
        known = _beginning_in(reader, vocabulary, ids)
        start = known if length - known >= _FEWEST_NEW else 0
        name = Path(train).name if train else OWN_TRAINING_TEXT
        return _Source(name, ids[-MOST_CHARACTERS:], max(1, start))
    start = int(length * _LEARNED_SHARE)
    if start < _FEWEST_LEARNED:
        raise TextError(
            f"n-grams need {_FEWEST_LEARNED / _LEARNED_SHARE:,.0f} characters to learn from, and the text "
            f"has {length:,}; the model's training text is not available: name a text with --train"
        )
    first = max(0, start - MOST_CHARACTERS)
    return _Source("the first nine tenths of the text", reader.ids(first, start), start, first)


def _learned(context: Context, source: _Source, start: int, stop: int) -> _Learned:
    """The text that n-gram models learn if the characters start .. stop−1 are evaluated. Raises TextError."""
    ids = source.ids
    if source.first is not None:
        own = [(max(0, start - source.first), max(0, stop - source.first))]
        ids = without(ids, own)
    ids = without(ids, copied(ids, context.reader.ids(start, stop)))
    if len(ids) < _FEWEST_LEARNED:
        raise TextError(
            f"{source.name} has {counted(len(ids), 'character')} that are not evaluated, but n-grams need "
            f"{_FEWEST_LEARNED:,} to learn from; name a longer text with --train"
        )
    return _Learned(ids, len(source.ids) - len(ids))


def _read(path: str, vocabulary: Vocabulary) -> str | bytes:
    """A file as the vocabulary reads it. Raises TextError."""
    from rnnscope.text.long import LongText

    text = LongText.open(path, vocabulary.kind)
    content = text.read(0, text.count())
    return content.encode("latin-1") if vocabulary.kind == "bytes" else content


def _beginning_in(reader: TextReader, vocabulary: Vocabulary, training: NDArray[np.int32]) -> int:
    """The length of the longest prefix of a text that is a substring of the training text."""
    head = symbols_of(vocabulary, reader.ids(0, _FEWEST_NEW))
    place = symbols_of(vocabulary, training).find(head) if len(head) == _FEWEST_NEW else -1
    if place < 0:
        return 0
    known = 0
    while len(piece := reader.ids(known, known + _PIECE)):
        same = common_prefix(piece, training[place + known :])
        known += same
        if same < len(piece):
            break
    return known


def _context_lengths(reader: TextReader, start: int, stop: int) -> NDArray[np.int64]:
    """(stop − start,) how many characters the network has read since its last reset, at most 9."""
    positions, most = np.arange(start, stop), ORDERS[-1]
    starts = np.concatenate(([start - most], reader.document_starts(start - most, stop)))
    found: NDArray[np.int64] = positions - starts[np.searchsorted(starts, positions) - 1]
    return np.minimum(found, most)


def _within_documents(
    by_order: Iterable[tuple[int, Double]], lengths: NDArray[np.int64]
) -> Iterator[tuple[int, Double]]:
    """The ln p (T,) of orders 1, 2, … with contexts of at most `lengths` (T,) characters.

    An n-gram model whose context is too short predicts as the one of the next lower order.
    """
    lower: Double | None = None
    for order, expected in by_order:
        lower = expected if lower is None else np.where(lengths < order - 1, lower, expected)
        yield order, lower


def _network(reader: TextReader, start: int, stop: int, progress: Progress) -> Double:
    """(stop − start,) the network's ln p of the characters start .. stop−1, start being at least 1."""
    ids = reader.ids(start, stop)
    found, at = np.empty(len(ids)), 0
    for trace in reader.traces(start - 1, stop - 1, progress):
        rows = trace.log_probabilities
        found[at : at + len(rows)] = rows[np.arange(len(rows)), ids[at : at + len(rows)]]
        at += len(rows)
    if not np.isfinite(found).all():
        raise RnnscopeError("the model's outputs are not finite: its training diverged")
    return found
