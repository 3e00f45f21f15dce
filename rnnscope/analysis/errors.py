"""Where a network errs, and what would have helped (Karpathy, Johnson & Fei-Fei 2015, section 4.4).

An error is a character whose probability was below 0.5. Oracles take errors away one after another, each from
what the last has left:

    n-gram        some model of the n − 1 characters before, n = 1 … 9, gives it more than 0.5
    memory        its word, of which it is not the first character, is somewhere in the last 100, 500, 1,000
                  or 5,000 characters before the word
    rare word     its word was seen 0, 1, … 5 times in the training text
    word start    it follows a space, a line break or a quote
    punctuation   it is punctuation
    the rest      by how much its probability would have to be raised to reach 0.5

The order matters: an error is of the first oracle that would have taken it. Each oracle has levels, from the
least help to the most, and a level holds what the ones before it did not. As in the paper the n-gram oracle
is the optimistic one: that another model was wrong elsewhere is not held against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.words import QUOTES, is_punctuation, words

Int = NDArray[np.int64]

ORDERS = tuple(range(1, 10))
MEMORIES = (100, 500, 1000, 5000)
RARE = (0, 1, 2, 3, 4, 5)
BOOSTS = (0.1, 0.2, 0.3, 0.4, 0.5)
THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Level:
    """Some of the errors that an oracle takes. positions: (n,) of the characters, in order."""

    name: str
    positions: Int

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class Bucket:
    """All the errors that an oracle takes, by how much help it took."""

    name: str
    levels: tuple[Level, ...]

    @property
    def positions(self) -> Int:
        return np.sort(np.concatenate([level.positions for level in self.levels]))

    def __len__(self) -> int:
        return sum(map(len, self.levels))


@dataclass(frozen=True, eq=False)
class Breakdown:
    """The errors among `characters` predictions; every one is in one level of one bucket."""

    characters: int
    errors: Int
    buckets: tuple[Bucket, ...]

    def share(self, part: Bucket | Level) -> float:
        """Of all errors, 0..1."""
        return len(part) / max(1, len(self.errors))


def break_down(
    text: str,
    log_probabilities: NDArray[np.floating],
    by_order: Iterable[tuple[int, NDArray[np.floating]]],
    counts: Mapping[str, int] | None,
) -> Breakdown:
    """Sort the errors of a network on `text`, T characters of one id each.

    log_probabilities: (T − 1,) the network's ln p of each character after the first; shorter where it read
        less.
    by_order: for each order the n-gram models' ln p, (T,), as `text.ngram.log_probabilities_by_order` gives.
    counts: how often each word is in the training text; None where that is unknown: no error is then laid to
        rare words.
    """
    probabilities = np.exp(np.asarray(log_probabilities, np.float64))
    errors = np.flatnonzero(probabilities < THRESHOLD) + 1
    left = _Left(errors)
    orders = [
        left.taken(str(order), np.asarray(expected)[left.positions] > math.log(THRESHOLD))
        for order, expected in by_order
    ]
    starts, seen_ago, seen = _about_words(text, left.positions, counts)

    def still(values: dict[int, float], default: float) -> NDArray[np.float64]:
        return np.array([values.get(at, default) for at in left.positions.tolist()], np.float64)

    inside = {at: ago for at, ago in seen_ago.items() if at > starts[at]}
    memories = [left.taken(f"{reach:,}", still(inside, math.inf) <= reach) for reach in MEMORIES]
    rare = [left.taken(str(count), still(seen, math.inf) == count) for count in RARE]
    begins = []
    for name, before in (("space", frozenset(" ")), ("line break", frozenset("\n")), ("quote", QUOTES)):
        begins.append(left.taken(name, [text[at - 1] in before for at in left.positions.tolist()]))
    marks = [left.taken("all", [is_punctuation(text[at]) for at in left.positions.tolist()])]
    boosts = [
        left.taken(f"+{boost:g}", probabilities[left.positions - 1] + boost >= THRESHOLD) for boost in BOOSTS
    ]
    return Breakdown(
        len(probabilities),
        errors,
        (
            Bucket("n-gram", tuple(orders) or (Level("none", errors[:0]),)),
            Bucket("memory", tuple(memories)),
            Bucket("rare word", tuple(rare)),
            Bucket("word start", tuple(begins)),
            Bucket("punctuation", tuple(marks)),
            Bucket("the rest", tuple(boosts)),
        ),
    )


class _Left:
    """The errors that no oracle has taken yet."""

    def __init__(self, positions: Int) -> None:
        self.positions = positions

    def taken(self, name: str, helped: NDArray[np.bool_] | list[bool]) -> Level:
        """Take those at which `helped` is true."""
        chosen = np.asarray(helped, np.bool_)
        level = Level(name, self.positions[chosen])
        self.positions = self.positions[~chosen]
        return level


def _about_words(
    text: str, positions: Int, counts: Mapping[str, int] | None
) -> tuple[dict[int, int], dict[int, float], dict[int, float]]:
    """Of each position within a word: where that starts, how far back it was seen, how often in training.

    How far back is counted from the start of the word to the start of where it last was, which may be inside
    another word; positions whose word is in neither are left out.
    """
    starts: dict[int, int] = {}
    ago: dict[int, float] = {}
    seen: dict[int, float] = {}
    wanted = iter(positions.tolist())
    at = next(wanted, None)
    for start, stop in words(text):
        while at is not None and at < start:
            at = next(wanted, None)
        if at is None:
            break
        if at >= stop:
            continue
        word = text[start:stop]
        before = text.rfind(word, max(0, start - MEMORIES[-1]), start)
        while at is not None and at < stop:
            starts[at] = start
            if before >= 0:
                ago[at] = start - before
            if counts is not None:
                seen[at] = counts.get(word, 0)
            at = next(wanted, None)
    return starts, ago, seen
