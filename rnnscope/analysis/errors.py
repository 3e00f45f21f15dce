"""Errors of the network, sorted by the oracle that removes them.

Karpathy, Johnson & Fei-Fei, *Visualizing and Understanding Recurrent Networks* (arXiv 1506.02078), section
4.4. An error is a character to which the network gave less than 0.5. Oracles remove errors one after another,
each from the errors that remain after the previous ones:

    n-gram        an n-gram model of some order, 1 to 9, gives the character more than 0.5
    memory        it is not the first character of its word, and the word occurs in the last 100, 500, 1,000
                  or 5,000 characters before it
    rare word     its word occurs 0, 1, … 5 times in the training text
    word start    it follows a space, a line break or a quote
    punctuation   it is punctuation
    the rest      by how much its probability would have to be raised to reach 0.5

An error belongs to the first oracle that removes it. Each oracle has levels, from the weakest to the
strongest, and a level holds the errors that weaker levels do not remove. As in the paper the n-gram oracle is
optimistic: it takes the best order for each character.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.comparison import CHARACTERS, CONTEXT, ORDERS, Comparison, Split
from rnnscope.analysis.query import Context, Query, Result
from rnnscope.analysis.words import QUOTES, is_punctuation, word_counts, words

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

Int = NDArray[np.int64]

MEMORIES = (100, 500, 1000, CONTEXT)
RARE = (0, 1, 2, 3, 4, 5)
BOOSTS = (0.1, 0.2, 0.3, 0.4, 0.5)
THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Level:
    """Some of the errors that an oracle removes. positions: (n,) of the characters, in order."""

    name: str
    positions: Int

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class Bucket:
    """All errors that an oracle removes, by level."""

    name: str
    levels: tuple[Level, ...]

    @property
    def positions(self) -> Int:
        """(n,) the positions of all levels, in order."""
        return np.sort(np.concatenate([level.positions for level in self.levels]))

    def __len__(self) -> int:
        return sum(map(len, self.levels))


@dataclass(frozen=True, eq=False)
class ErrorsResult(Result):
    """The errors among the evaluated characters; every one is in one level of one bucket.

    split: the evaluated characters, and the text for n-gram models and word counts. text: the evaluated
    characters with those before; text_start: the position of its first one. errors: how many there are.
    buckets: in the order of the oracles.
    """

    split: Split
    text_start: int
    text: str
    errors: int
    buckets: tuple[Bucket, ...]

    def share(self, part: Bucket | Level) -> float:
        """The share of all errors, 0..1."""
        return len(part) / max(1, self.errors)

    @property
    def error_rate(self) -> float:
        """The share of the evaluated characters that are errors, 0..1."""
        return self.errors / max(1, self.split.characters)


@dataclass(frozen=True)
class Errors(Query[ErrorsResult]):
    """Errors (p < 0.5), sorted by the oracle that removes them.

    Oracles are an n-gram model, memory of recent words, knowledge of rare words, and others.

    Example::

        >>> import rnnscope
        >>> text = "The ledger of the harbor, in order.\\n" * 400
        >>> result = rnnscope.Session(rnnscope.load("archive-lstm"), text).ask(rnnscope.Errors())
        >>> sum(len(bucket) for bucket in result.buckets) == result.errors
        True
    """

    name = "errors"
    activity = "counting n-grams"
    example = "--characters 50000"

    characters: int = CHARACTERS
    """The number of characters to evaluate; 0 evaluates all."""
    train: str = ""
    """The text that n-grams and word counts learn; empty for the text that the model was trained on."""

    def check(self, architecture: Architecture) -> None:
        Comparison(self.characters, self.train).check(architecture)

    def run(self, context: Context) -> ErrorsResult:
        compared = context.ask(Comparison(self.characters, self.train), context.progress)
        text = compared.before + compared.text
        buckets = break_down(
            text,
            compared.network_log_probabilities,
            compared.sufficient_order,
            word_counts(compared.training),
        )
        text_start = compared.split.start - len(compared.before)
        placed = tuple(
            Bucket(
                bucket.name, tuple(Level(level.name, level.positions + text_start) for level in bucket.levels)
            )
            for bucket in buckets
        )
        return ErrorsResult(compared.split, text_start, text, sum(map(len, buckets)), placed)


def break_down(
    text: str,
    log_probabilities: NDArray[np.floating],
    sufficient_order: NDArray[np.integer],
    counts: Mapping[str, int],
) -> tuple[Bucket, ...]:
    """Sort the errors among the last N characters of `text`; positions count from its beginning.

    log_probabilities: (N,) the network's ln p of each. sufficient_order: (N,) the lowest order of an n-gram
    model with a probability above 0.5; 0 if there is none. counts: occurrences of each word in the training
    text.
    """
    first = len(text) - len(log_probabilities)
    probabilities = np.exp(np.asarray(log_probabilities, np.float64))
    left = _Left(np.flatnonzero(probabilities < THRESHOLD) + first)
    orders = [left.taken(str(order), sufficient_order[left.positions - first] == order) for order in ORDERS]
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
        left.taken(f"+{boost:g}", probabilities[left.positions - first] + boost >= THRESHOLD)
        for boost in BOOSTS
    ]
    return (
        Bucket("n-gram", tuple(orders)),
        Bucket("memory", tuple(memories)),
        Bucket("rare word", tuple(rare)),
        Bucket("word start", tuple(begins)),
        Bucket("punctuation", tuple(marks)),
        Bucket("the rest", tuple(boosts)),
    )


class _Left:
    """The errors that no oracle has removed yet."""

    def __init__(self, positions: Int) -> None:
        self.positions = positions

    def taken(self, name: str, helped: NDArray[np.bool_] | list[bool]) -> Level:
        """Remove those at which `helped` is true."""
        chosen = np.asarray(helped, np.bool_)
        level = Level(name, self.positions[chosen])
        self.positions = self.positions[~chosen]
        return level


def _about_words(
    text: str, positions: Int, counts: Mapping[str, int]
) -> tuple[dict[int, int], dict[int, float], dict[int, float]]:
    """For each position within a word: start of the word, distance to its last occurrence, count in training.

    The distance is from the start of the word to the start of its last occurrence, which may be inside
    another word; positions of words without an earlier occurrence have no entry.
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
            seen[at] = counts.get(word, 0)
            at = next(wanted, None)
    return starts, ago, seen
