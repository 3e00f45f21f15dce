"""The n-gram models against a worked example, a loop over dictionaries, and figures for a known text."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from rnnscope.progress import Cancelled, Progress
from rnnscope.text import ngram
from rnnscope.text.corpus import load_corpus
from rnnscope.text.ngram import held_out_losses, log_probabilities_by_order

Gram = tuple[int, ...]


class Dictionaries:
    """The same model, one n-gram at a time."""

    def __init__(self, ids: list[int], vocabulary_size: int, order: int) -> None:
        self.vocabulary_size = vocabulary_size
        self.counts: list[Counter[Gram]] = []
        for n in range(1, order + 1):
            if n == order:
                counts = Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1))
            else:
                befores: dict[Gram, set[int]] = defaultdict(set)
                for i in range(1, len(ids) - n + 1):
                    befores[tuple(ids[i : i + n])].add(ids[i - 1])
                counts = Counter({gram: len(before) for gram, before in befores.items()})
            self.counts.append(counts)
        self.discounts = [self._discounts(counts) for counts in self.counts]

    @staticmethod
    def _discounts(counts: Counter[Gram]) -> list[float]:
        n = Counter(counts.values())
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
            if min(found) >= 0:
                return found
        return [0.5, 1.0, 1.5]

    def probability(self, gram: Gram) -> float:
        if not gram:
            return 1 / self.vocabulary_size
        counts, discounts = self.counts[len(gram) - 1], self.discounts[len(gram) - 1]
        lower = self.probability(gram[1:])
        after = [counts[(*gram[:-1], v)] for v in range(self.vocabulary_size)]
        if not sum(after):
            return lower
        taken = [min(c, discounts[min(c, 3) - 1]) if c else 0 for c in after]
        own = after[gram[-1]] - taken[gram[-1]]
        return (own + sum(taken) * lower) / sum(after)


def log_probabilities(
    train: ArrayLike, ids: ArrayLike, vocabulary_size: int, order: int
) -> NDArray[np.float64]:
    """Those of one order alone."""
    by_order = log_probabilities_by_order(np.asarray(train), np.asarray(ids), vocabulary_size, (order,))
    return dict(by_order)[order]


def test_a_bigram_model_worked_out_by_hand() -> None:
    """Of `abbab` with a third character c: few n-grams, so the discounts are 1/2, 1 and 3/2.

    Bigrams: ab twice, bb and ba once. Before a stood {b}, before b {a, b}: continuations 1, 2, 0, of which
    the discounts take 1/2 + 1. So p(a) = (1/2 + 3/2 · 1/3) / 3, p(b | a) = (1 + 1 · 1/2) / 2, and so on.
    """
    train = np.array([0, 1, 1, 0, 1])
    expected = {
        (): [Fraction(1, 3), Fraction(1, 2), Fraction(1, 6)],
        (0,): [Fraction(1, 6), Fraction(3, 4), Fraction(1, 12)],
        (1,): [Fraction(5, 12), Fraction(1, 2), Fraction(1, 12)],
        (2,): [Fraction(1, 3), Fraction(1, 2), Fraction(1, 6)],  # never seen: as after nothing
    }
    for context, probabilities in expected.items():
        found = [np.exp(log_probabilities(train, [*context, v], 3, 2)[-1]) for v in range(3)]
        assert found == pytest.approx([float(p) for p in probabilities], abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=120),
    st.lists(st.integers(0, 4), min_size=1, max_size=20),
    st.integers(1, 6),
    st.booleans(),
)
def test_every_probability_is_that_of_the_dictionaries(
    train: list[int], text: list[int], order: int, sorts: bool
) -> None:
    order = min(order, len(train))
    dense, ngram._DENSE = ngram._DENSE, 0 if sorts else ngram._DENSE
    try:
        found = log_probabilities(train, text, 5, order)
    finally:
        ngram._DENSE = dense
    reference = Dictionaries(train, 5, order)
    expected = [
        math.log(reference.probability(tuple(text[max(0, i + 1 - order) : i + 1]))) for i in range(len(text))
    ]
    assert found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=300),
    st.lists(st.integers(0, 6), max_size=8),
    st.integers(1, 9),
)
def test_probabilities_sum_to_one_after_any_context(train: list[int], context: list[int], order: int) -> None:
    order = min(order, len(train))
    probabilities = np.exp([log_probabilities(train, [*context, v], 7, order)[-1] for v in range(7)])
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert (probabilities > 0).all()


def test_discounts_are_estimated_where_there_is_enough_to_count() -> None:
    text = np.random.default_rng(0).zipf(1.5, 3000) % 40
    reference = Dictionaries(text.tolist(), 40, 3)
    assert all(discounts != [0.5, 1.0, 1.5] for discounts in reference.discounts[1:])
    held_out = np.random.default_rng(1).integers(0, 40, 50)
    expected = [
        math.log(reference.probability(tuple(held_out[max(0, i - 2) : i + 1].tolist()))) for i in range(50)
    ]
    assert log_probabilities(text, held_out, 40, 3) == pytest.approx(expected, abs=1e-12)


def test_losses_are_means_over_all_but_the_first_character() -> None:
    generator = np.random.default_rng(2)
    train, held_out = generator.integers(0, 9, 500, np.uint8), generator.integers(0, 9, 60, np.uint8)
    losses = dict(held_out_losses(train, held_out, 9, orders=(2, 4)))
    assert list(losses) == ["uniform", "2-gram", "4-gram"]
    assert losses["uniform"] == pytest.approx(math.log(9))
    for order in (2, 4):
        expected = log_probabilities(train, held_out, 9, order)
        assert losses[f"{order}-gram"] == pytest.approx(-expected[1:].mean())


@pytest.mark.parametrize("orders", [(1, 2, 3, 4, 5, 6, 7, 8, 9), (4,), (2, 7)])
def test_orders_made_together_equal_those_made_alone(orders: tuple[int, ...]) -> None:
    text = np.random.default_rng(3).zipf(1.6, 4000) % 17
    train, ids = text[:3500], text[3500:]
    together = dict(log_probabilities_by_order(train, ids, 17, orders))
    assert tuple(together) == orders
    for order, expected in together.items():
        alone = log_probabilities(train, ids, 17, order)
        np.testing.assert_allclose(expected, alone, rtol=0, atol=1e-12)


def test_a_cancelled_count_ends_between_two_orders() -> None:
    ids = np.zeros(100, np.uint8)
    asked = iter([False, True])
    losses = held_out_losses(ids, ids, 2, progress=Progress(is_cancelled=lambda: next(asked)))
    assert [next(losses)[0], next(losses)[0]] == ["uniform", "1-gram"]
    with pytest.raises(Cancelled):
        next(losses)


def test_texts_too_short_for_an_order_have_no_such_loss() -> None:
    short = np.array([0, 1, 0])
    assert [name for name, _ in held_out_losses(short, short, 2)] == ["uniform", "1-gram", "2-gram", "3-gram"]
    assert [name for name, _ in held_out_losses(short, short[:1], 2)] == ["uniform"]


def test_longer_contexts_expect_more_of_tinyshakespeare(corpora: Path) -> None:
    corpus = load_corpus(corpora / "tinyshakespeare.txt")
    losses = dict(held_out_losses(corpus.train, corpus.held_out, len(corpus.vocabulary)))
    expected = {"uniform": 4.1744, "1-gram": 3.3473, "2-gram": 2.4835, "3-gram": 2.0381, "5-gram": 1.5612}
    assert losses == pytest.approx(expected, abs=1e-3)
