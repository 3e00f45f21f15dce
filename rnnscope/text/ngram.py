"""Character n-gram models with modified Kneser–Ney smoothing: the baselines of a network.

After a context h of n − 1 characters,

    p_n(w | h) = ( max(c(hw) − D(c(hw)), 0) + γ(h) · p_{n−1}(w | h′) ) / Σ_v c(hv)
    γ(h)       = Σ_v min(c(hv), D(c(hv))),            p_0 = 1 / V

where h′ is h without its first character, and p_n = p_{n−1} after a context that was never seen. The highest
order counts the occurrences of hw; each lower order counts the distinct characters v such that vhw occurs. D
has one value each for counts of 1, 2, and 3 or more (Chen & Goodman 1999, equations 26 and 27).

The key of an n-gram is V times the index of its first n − 1 characters among all distinct ones, plus its last
character. Keys fit in 64 bits for any vocabulary and order, and counting is sorting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.progress import NO_PROGRESS, Progress

Int = NDArray[np.int64]
Float = NDArray[np.float64]

MOST_CHARACTERS = 4_000_000
"""The n-grams of a training text are counted over this many characters at its end, to bound memory."""

_DENSE = 1 << 22  # up to this many possible keys, a dense table is faster than sorting


def held_out_losses(
    train: NDArray[Any],
    held_out: NDArray[Any],
    vocabulary_size: int,
    orders: Sequence[int] = (1, 2, 3, 5),
    progress: Progress = NO_PROGRESS,
) -> Iterator[tuple[str, float]]:
    """The losses of n-gram models on the validation split, in nats per character.

    train: (T,) training ids. held_out: validation ids. orders: the values of n. Yields ("uniform", log V),
    ("1-gram", loss) and so on; the first character is not predicted. Raises Cancelled.
    """
    yield "uniform", float(np.log(vocabulary_size))
    held_out = held_out[:MOST_CHARACTERS]
    if len(held_out) < 2:
        return
    for order, expected in log_probabilities_by_order(train, held_out, vocabulary_size, orders, progress):
        yield f"{order}-gram", abs(float(np.mean(expected[1:])))


def log_probabilities_by_order(
    train: NDArray[Any],
    ids: NDArray[Any],
    vocabulary_size: int,
    orders: Sequence[int] = tuple(range(1, 10)),
    progress: Progress = NO_PROGRESS,
) -> Iterator[tuple[int, Float]]:
    """The natural logarithms (T,) of p_n of `ids`, given the n − 1 ids before each, for every n of `orders`.

    train: the ids, in 0..V−1, from which n-grams are counted; an order above its length is left out. Yields
    each n in ascending order, with its logarithms. The orders share their counts and interpolation: all of
    them cost little more than the highest one. Raises Cancelled.
    """
    last = np.asarray(ids).astype(np.int64)
    of_continuations: Float = np.full(len(last), 1.0 / vocabulary_size)  # from all lower orders
    contexts = np.zeros(
        len(last), np.int64
    )  # the index of the context before each id; −1 if it was never seen
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


@dataclass(frozen=True, eq=False)
class _NGrams:
    """The N distinct n-grams of a text, for one n.

    keys: (N,) int64, sorted; the index of an n-gram is its position here.
    counts: (N,) int64, the occurrences of each.
    suffixes: (N,) int64, the index of its last n − 1 characters among the (n−1)-grams.
    """

    keys: Int
    counts: Int
    suffixes: Int

    def left_neighbors(self, below: _NGrams) -> Int:
        """The number of distinct characters before each (n−1)-gram."""
        return np.bincount(self.suffixes, minlength=len(below.keys))


def _counted(ids: NDArray[Any], vocabulary_size: int, most: int) -> Iterator[_NGrams]:
    """The n-grams of `ids` for n = 1 … `most`, or up to n = T."""
    ids = np.asarray(ids).astype(np.int64)
    shorter = np.zeros(len(ids) + 1, np.int64)  # the index of the (n−1)-gram at each position
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
    """The distinct keys in order, the index of each key among them, and their counts."""
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
    """The index of each wanted key among the sorted `keys`, or −1."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


@dataclass(frozen=True, eq=False)
class _Level:
    """One order of a model.

    keys: (N,) int64, the sorted keys of the n-grams.
    discounted: (N,) the counts minus their discounts.
    totals: (C,) the sum of the counts after each context; a context has the index of its (n−1)-gram.
    given_down: (C,) the sum of the discounts, γ: the weight of the lower order.
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
        """Replace the (T,) probabilities of the next lower order by this order's, in place.

        contexts, numbers: (T,) the index of each context and of each n-gram, −1 where it was never seen.
        """
        places = np.flatnonzero((contexts >= 0) & (contexts < len(self.totals)))
        places = places[self.totals[contexts[places]] > 0]
        context, number = contexts[places], numbers[places]
        own = np.where(number >= 0, self.discounted[number], 0.0)
        probabilities[places] = (own + self.given_down[context] * probabilities[places]) / self.totals[
            context
        ]


def _discounts(counts: Int) -> Float:
    """(4,) the discounts of the counts 0, 1, 2, and 3 or more."""
    ones, twos, threes, fours = (int(np.count_nonzero(counts == n)) for n in (1, 2, 3, 4))
    if ones and twos and threes:
        y = ones / (ones + 2 * twos)
        discounts = np.array(
            [0, 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes]
        )
        if (discounts >= 0).all():
            return discounts
    return np.array([0.0, 0.5, 1.0, 1.5])  # too few n-grams, or too many, to estimate them
