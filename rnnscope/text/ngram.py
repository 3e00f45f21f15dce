"""What can be expected without a network: interpolated n-grams with modified Kneser–Ney discounts.

After the context h, the n − 1 characters before,

    p_n(w | h) = ( max(c(hw) − D(c(hw)), 0) + γ(h) · p_{n−1}(w | h′) ) / Σ_v c(hv)
    γ(h)       = Σ_v min(c(hv), D(c(hv))),            p_0 = 1 / V

where h′ is h without its first character, and p_n = p_{n−1} after a context never seen. The highest order
counts how often hw was seen, every lower one after how many different characters: the v with vhw seen. D has
one value each for counts of one, two, and three or more (Chen & Goodman 1999, equations 26 and 27).

The key of an n-gram is the number of its first n − 1 characters among all such, times V, plus its last: keys
fit in 64 bits for any vocabulary and any order, and to count is to sort.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.progress import NO_PROGRESS, Progress

Int = NDArray[np.int64]
Float = NDArray[np.float64]

MOST_CHARACTERS = 4_000_000
"""How much of a training text is counted, its end; more would cost memory for little."""

_DENSE = 1 << 22  # up to so many possible keys a table of them all is quicker than sorting


def held_out_losses(
    train: NDArray[Any],
    held_out: NDArray[Any],
    vocabulary_size: int,
    orders: Sequence[int] = (1, 2, 3, 5),
    progress: Progress = NO_PROGRESS,
) -> Iterator[tuple[str, float]]:
    """The loss on the held-out ids, nats per character, of chance and of the model of each order.

    Yields ("uniform", log V), ("1-gram", …), …; every character but the first is predicted, as a network does
    that starts there. Raises Cancelled between two counts.
    """
    yield "uniform", float(np.log(vocabulary_size))
    held_out = held_out[:MOST_CHARACTERS]
    if len(held_out) < 2:
        return
    for order, expected in log_probabilities_by_order(train, held_out, vocabulary_size, orders, progress):
        yield f"{order}-gram", -float(np.mean(expected[1:]))


def log_probabilities_by_order(
    train: NDArray[Any],
    ids: NDArray[Any],
    vocabulary_size: int,
    orders: Sequence[int] = tuple(range(1, 10)),
    progress: Progress = NO_PROGRESS,
) -> Iterator[tuple[int, Float]]:
    """(T,) what `KneserNey.fit(train, V, order).log_probabilities(ids)` is, for one order after another.

    All orders share their counts and the lower orders' share of each probability, so that nine cost little
    more than the ninth. Raises Cancelled between two counts.
    """
    last = np.asarray(ids).astype(np.int64)
    of_continuations: Float = np.full(len(last), 1.0 / vocabulary_size)  # by the lower orders together
    contexts = np.zeros(len(last), np.int64)  # the number of the context before each id; −1 if never seen
    below: tuple[_NGrams, Int] | None = None
    for order, ngrams in enumerate(_counted(train[-MOST_CHARACTERS:], vocabulary_size, max(orders)), 1):
        progress((order - 1) / max(orders))
        if below is not None:
            lower, numbers = below
            level = _Level.of(lower.keys, ngrams.left_neighbors(lower), vocabulary_size)
            level.interpolate(of_continuations, contexts, numbers)
            contexts = np.concatenate(([-1], numbers[:-1]))
        keys = np.where(contexts < 0, -1, contexts * vocabulary_size + last)
        numbers = _numbers_of(keys, ngrams.keys)
        if order in orders:
            probabilities = of_continuations.copy()
            top = _Level.of(ngrams.keys, ngrams.counts, vocabulary_size)
            top.interpolate(probabilities, contexts, numbers)
            expected: Float = np.log(probabilities)
            yield order, expected
        below = ngrams, numbers


class KneserNey:
    """A model of one order over V ids."""

    def __init__(self, levels: Sequence[_Level], vocabulary_size: int) -> None:
        self._levels = tuple(levels)
        self._vocabulary_size = vocabulary_size

    @classmethod
    def fit(cls, ids: NDArray[Any], vocabulary_size: int, order: int) -> KneserNey:
        """The model of the n-grams of `ids`, (T,) integers from 0 to V − 1."""
        counted = list(_counted(ids, vocabulary_size, order))
        levels = [
            _Level.of(below.keys, above.left_neighbors(below), vocabulary_size)
            for below, above in itertools.pairwise(counted)
        ]
        return cls(
            (*levels, _Level.of(counted[-1].keys, counted[-1].counts, vocabulary_size)), vocabulary_size
        )

    @property
    def order(self) -> int:
        return len(self._levels)

    def log_probabilities(self, ids: NDArray[Any]) -> Float:
        """(T,) natural logarithm of each id's probability after those before it (the first: fewer)."""
        last = np.asarray(ids).astype(np.int64)
        probabilities: Float = np.full(len(last), 1.0 / self._vocabulary_size)
        contexts = np.zeros(len(last), np.int64)  # the number of the context before each id; −1 if never seen
        for level in self._levels:
            keys = np.where(contexts < 0, -1, contexts * self._vocabulary_size + last)
            numbers = _numbers_of(keys, level.keys)
            level.interpolate(probabilities, contexts, numbers)
            contexts = np.concatenate(([-1], numbers[:-1]))
        logarithms: Float = np.log(probabilities)
        return logarithms

    def distribution(self, context: NDArray[Any]) -> Float:
        """(V,) the probability of every id after `context`, of which the last `order` − 1 count."""
        context = np.asarray(context).astype(np.int64)
        followers = np.arange(self._vocabulary_size)
        probabilities = np.full(self._vocabulary_size, 1.0 / self._vocabulary_size)
        for n, level in enumerate(self._levels):
            if n > len(context):
                break
            number = self._number_of(context[len(context) - n :])
            contexts = np.full(self._vocabulary_size, number)
            keys = np.where(contexts < 0, -1, contexts * self._vocabulary_size + followers)
            level.interpolate(probabilities, contexts, _numbers_of(keys, level.keys))
        return probabilities

    def _number_of(self, context: Int) -> int:
        number = 0
        for level, last in zip(self._levels, context.tolist(), strict=False):
            if number >= 0:
                key = np.array([number * self._vocabulary_size + last])
                number = int(_numbers_of(key, level.keys)[0])
        return number


@dataclass(frozen=True, eq=False)
class _NGrams:
    """All n-grams of a text, for one n.

    keys: (N,) int64, sorted; an n-gram's number is its place.
    counts: (N,) int64, how often each was seen.
    suffixes: (N,) int64, the number of its last n − 1 characters among all such.
    """

    keys: Int
    counts: Int
    suffixes: Int

    def left_neighbors(self, below: _NGrams) -> Int:
        """Of each n-gram one shorter: how many different characters were seen before it."""
        return np.bincount(self.suffixes, minlength=len(below.keys))


def _counted(ids: NDArray[Any], vocabulary_size: int, most: int) -> Iterator[_NGrams]:
    """The n-grams of `ids` for n = 1, 2, … `most`, as far as the ids are long enough."""
    ids = np.asarray(ids).astype(np.int64)
    shorter = np.zeros(len(ids) + 1, np.int64)  # the number of every n-gram one shorter, by place in the text
    contexts = 1
    for n in range(1, min(most, len(ids)) + 1):
        keys, numbers, counts = _unique(
            shorter[:-1] * vocabulary_size + ids[n - 1 :], contexts * vocabulary_size
        )
        suffixes = np.empty(len(keys), np.int64)
        suffixes[numbers] = shorter[1:]
        yield _NGrams(keys, counts, suffixes)
        shorter, contexts = numbers, len(keys)


def _unique(keys: Int, possible: int) -> tuple[Int, Int, Int]:
    """The distinct keys in order, the place of every key among them, and how often each was seen."""
    if possible <= _DENSE:
        seen = np.bincount(keys, minlength=possible)
        distinct = np.flatnonzero(seen)
        place = np.cumsum(seen > 0) - 1
        return distinct, place[keys], seen[distinct]
    order = np.argsort(keys)
    ordered = keys[order]
    is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    places = np.empty(len(keys), np.int64)
    places[order] = np.cumsum(is_first) - 1
    starts = np.flatnonzero(is_first)
    return ordered[starts], places, np.diff(starts, append=len(keys))


def _numbers_of(wanted: Int, keys: Int) -> Int:
    """The place of each wanted key among the sorted `keys`, or −1."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


@dataclass(frozen=True, eq=False)
class _Level:
    """One order of a model.

    keys: (N,) int64, sorted, of the n-grams.
    discounted: (N,) what is left of each count.
    totals: (C,) the sum of the counts after each context; contexts are numbered as the n-grams one shorter.
    given_down: (C,) what the discounts took, γ.
    """

    keys: Int
    discounted: Float
    totals: Float
    given_down: Float

    @classmethod
    def of(cls, keys: Int, counts: Int, vocabulary_size: int) -> _Level:
        counted: Float = counts.astype(np.float64)
        taken: Float = np.minimum(_discounts(counts)[np.minimum(counts, 3)], counted)
        contexts = keys // vocabulary_size
        totals: Float = np.bincount(contexts, weights=counted).astype(np.float64, copy=False)
        given_down: Float = np.bincount(contexts, weights=taken).astype(np.float64, copy=False)
        return cls(keys, counted - taken, totals, given_down)

    def interpolate(self, probabilities: Float, contexts: Int, numbers: Int) -> None:
        """Turn (T,) probabilities of one order less into this order's, in place.

        contexts, numbers: (T,) the number of each context and of each n-gram, −1 where it was never seen.
        """
        places = np.flatnonzero((contexts >= 0) & (contexts < len(self.totals)))
        places = places[self.totals[contexts[places]] > 0]
        context, number = contexts[places], numbers[places]
        own = np.where(number >= 0, self.discounted[number], 0.0)
        probabilities[places] = (own + self.given_down[context] * probabilities[places]) / self.totals[
            context
        ]


def _discounts(counts: Int) -> Float:
    """(4,) what is taken from counts of 0, 1, 2, and 3 or more."""
    ones, twos, threes, fours = (int(np.count_nonzero(counts == n)) for n in (1, 2, 3, 4))
    if ones and twos and threes:
        y = ones / (ones + 2 * twos)
        discounts = np.array(
            [0, 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes]
        )
        if (discounts >= 0).all():
            return discounts
    return np.array([0.0, 0.5, 1.0, 1.5])  # too few n-grams, or too many, to estimate them
