"""A network beside the best n-gram model, character by character (Karpathy, Johnson & Fei-Fei 2015, sections
4.1 and 4.2), and their losses against the distance to what a closing character closes.

    difference   ln p of the network − ln p of the n-gram model, nats; above 0 the network knew more
    best         the order with the lowest mean loss over the same characters
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.comparison import ORDERS
from rnnscope.analysis.errors import Bucket, Int, Level, break_down
from rnnscope.analysis.words import CLOSERS, pairs

Double = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models' expectations of a text's characters after the first.

    network, ngram: (N,) ln p of the character at position 1, 2, … N. by_order: mean nats of each order.
    """

    network: Double
    ngram: Double
    order: int
    by_order: Mapping[int, float]

    @property
    def network_nats(self) -> float:
        return -float(self.network.mean())

    @property
    def ngram_nats(self) -> float:
        return -float(self.ngram.mean())

    @cached_property
    def difference(self) -> Double:
        """(N,) nats by which the network expected each character more."""
        return self.network - self.ngram

    @cached_property
    def ranked(self) -> Int:
        """(N,) positions in the text, where the network is most ahead first, where it is most behind last."""
        order: Int = np.argsort(-self.difference, kind="stable")
        return order + 1  # the first prediction is of the second character


@dataclass(frozen=True, eq=False)
class Breakdown:
    """The errors among `characters` predictions; every one is in one level of one bucket."""

    characters: int
    errors: Int
    buckets: tuple[Bucket, ...]

    def share(self, part: Bucket | Level) -> float:
        """Of all errors, 0..1."""
        return len(part) / max(1, len(self.errors))


def breakdown(
    text: str,
    log_probabilities: NDArray[np.floating],
    by_order: Iterable[tuple[int, NDArray[np.floating]]],
    counts: Mapping[str, int],
) -> Breakdown:
    """`errors.break_down` of a text whose first character is not predicted; by_order: (T,) for each order."""
    sufficient = np.zeros(len(log_probabilities), np.int64)
    for order, expected in by_order:
        assert order in ORDERS
        sufficient[(sufficient == 0) & (np.asarray(expected[-len(sufficient) :]) > np.log(0.5))] = order
    buckets = break_down(text, log_probabilities, sufficient, counts)
    errors = np.sort(np.concatenate([bucket.positions for bucket in buckets]))
    return Breakdown(len(log_probabilities), errors, buckets)


@dataclass(frozen=True, eq=False)
class MatchDistances:
    """A closing character's loss against how far back it was opened.

    closer: the character. positions, openers: (N,) of all pairs, in the order of the text.
    edges: (B + 1,) distances; bin b holds those from edges[b] to below edges[b + 1].
    counts, network_nats, ngram_nats: (B,) mean losses of the closers in a bin; nan where it is empty.
    """

    closer: str
    positions: Int
    openers: Int
    edges: Int
    counts: Int
    network_nats: Double
    ngram_nats: Double

    def of_bin(self, number: int) -> Int:
        """The positions of the closers in a bin."""
        distance = self.positions - self.openers
        inside: NDArray[np.bool_] = (distance >= self.edges[number]) & (distance < self.edges[number + 1])
        return self.positions[inside]


def compare(
    log_probabilities: NDArray[Any], by_order: Iterable[tuple[int, NDArray[np.floating]]]
) -> Comparison:
    """Set the network's ln p (N,) of the characters after the first beside that of the best of some orders.

    by_order: of each order ln p (T,) of all characters of the text, T > N, as
    `text.ngram.log_probabilities_by_order` gives. Raises ValueError where there is nothing to compare.
    """
    network = np.asarray(log_probabilities, np.float64)
    means: dict[int, float] = {}
    best: tuple[int, Double] | None = None
    for order, expected in by_order:
        of_same = np.asarray(expected[1 : len(network) + 1], np.float64)
        means[order] = -float(of_same.mean()) if len(of_same) else float("nan")
        if best is None or means[order] < means[best[0]]:
            best = order, of_same
    if best is None or not len(network):
        raise ValueError("there are no n-grams, or no characters, to compare with")
    return Comparison(network, best[1], best[0], means)


def match_distances(text: str, comparison: Comparison, closer: str) -> MatchDistances:
    """The losses at every `closer` of a text, T characters of one id each, that closes something.

    Bins double: 1, 2–3, 4–7, … as far as there are any. `analysis.words.pairs` says what closes what.
    """
    found = [pair for pair in pairs(text, closer) if pair[1] <= len(comparison.network)]
    openers, positions = np.array(found, np.int64).reshape(-1, 2).T
    distances = positions - openers
    bins = int(distances.max(initial=0)).bit_length()
    edges = 1 << np.arange(bins + 1)
    number = np.searchsorted(edges, distances, side="right") - 1
    counts = np.bincount(number, minlength=bins)

    def mean_nats(expected: Double) -> Double:
        sums = np.bincount(number, weights=-expected[positions - 1], minlength=bins)
        means: Double = np.divide(sums, counts, out=np.full(bins, np.nan), where=counts > 0)
        return means

    return MatchDistances(
        closer,
        positions,
        openers,
        edges,
        counts,
        mean_nats(comparison.network),
        mean_nats(comparison.ngram),
    )


def all_match_distances(text: str, comparison: Comparison) -> tuple[MatchDistances, ...]:
    """Of every closing character that closes anything in the text."""
    found = (match_distances(text, comparison, closer) for closer in CLOSERS if closer in text)
    return tuple(of_closer for of_closer in found if len(of_closer.positions))
