"""The network beside n-grams, and losses against the distance to a match, by loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.analysis.compare import all_match_distances, compare, match_distances
from rnnscope.analysis.words import CLOSERS, pairs
from rnnscope.text.ngram import log_probabilities_by_order


def comparison_of(length: int, seed: int = 0):
    random = np.random.default_rng(seed)
    network = -random.exponential(1.0, length - 1)
    by_order = [(order, -random.exponential(1.5 - 0.2 * order, length)) for order in (1, 2, 3)]
    return network, by_order, compare(network, by_order)


def test_the_best_order_is_set_beside_the_network() -> None:
    network, by_order, found = comparison_of(500)
    assert found.order == 3
    assert found.network_nats == pytest.approx(-network.mean())
    assert found.by_order == {order: pytest.approx(-expected[1:].mean()) for order, expected in by_order}
    assert found.ngram_nats == found.by_order[3]
    differences = [network[at - 1] - by_order[2][1][at] for at in range(1, 500)]
    np.testing.assert_allclose(found.difference, differences)
    ranked = sorted(range(1, 500), key=lambda at: -differences[at - 1])
    assert found.ranked.tolist() == ranked


def test_a_network_that_read_less_is_compared_over_what_it_read() -> None:
    network, by_order, _ = comparison_of(100)
    found = compare(network[:40], by_order)
    assert len(found.ngram) == 40
    assert found.by_order[1] == pytest.approx(-by_order[0][1][1:41].mean())
    with pytest.raises(ValueError, match="no n-grams"):
        compare(network, [])
    with pytest.raises(ValueError, match="no characters"):
        compare(network[:0], by_order)


def test_the_n_grams_are_kneser_neys() -> None:
    text = np.random.default_rng(0).zipf(1.6, 3000) % 11
    network = np.full(499, -1.0)
    found = compare(network, log_probabilities_by_order(text[:2500], text[2500:], 11))
    assert list(found.by_order) == list(range(1, 10))
    best = dict(log_probabilities_by_order(text[:2500], text[2500:], 11, (found.order,)))[found.order]
    np.testing.assert_allclose(found.ngram, best[1:])


def pairs_by_loop(text: str, closer: str) -> list[tuple[int, int]]:
    opened: list[int] = []
    found = []
    lines = text.split("\n")
    empty_after = set()  # positions of line breaks that begin an empty line
    at = -1
    for line, following in itertools.pairwise(lines):
        at += len(line) + 1
        if not following.strip() and at + 1 + len(following) < len(text):
            empty_after.add(at)
    for at, character in enumerate(text):
        if at in empty_after:
            opened = []
        elif character == closer and opened:
            found.append((opened.pop(), at))
        elif character == CLOSERS[closer]:
            opened.append(at)
    return found


@given(st.text(alphabet='()"a\n ', max_size=60), st.sampled_from([")", '"', "]"]))
def test_pairs_nest_take_turns_and_end_at_empty_lines(text: str, closer: str) -> None:
    assert list(pairs(text, closer)) == pairs_by_loop(text, closer)


def test_pairs_worked_out_by_hand() -> None:
    assert list(pairs("a(b(c)d)e)", ")")) == [(3, 5), (1, 7)]
    assert list(pairs('"x" "y" "z', '"')) == [(0, 2), (4, 6)]
    assert list(pairs('"lost\n\n"found"', '"')) == [(7, 13)]
    assert list(pairs("([)]", "]")) == [(1, 3)]
    assert list(pairs("“a “b” c”", "”")) == [(3, 5), (0, 8)]


def test_losses_are_binned_by_distance() -> None:
    random = np.random.default_rng(2)
    text = "".join(random.choice(list('(()) xy}{"'), 3000))
    network, by_order, comparison = comparison_of(3000)
    found = match_distances(text, comparison, ")")
    assert found.edges.tolist() == [2**n for n in range(len(found.edges))]
    total = 0
    for number, (low, high) in enumerate(zip(found.edges[:-1], found.edges[1:], strict=True)):
        inside = [at for opener, at in pairs(text, ")") if low <= at - opener < high]
        assert found.of_bin(number).tolist() == inside
        assert found.counts[number] == len(inside)
        total += len(inside)
        if inside:
            assert found.network_nats[number] == pytest.approx(-np.mean([network[at - 1] for at in inside]))
            assert found.ngram_nats[number] == pytest.approx(-np.mean([by_order[2][1][at] for at in inside]))
        else:
            assert math.isnan(found.network_nats[number])
    assert total == len(found.positions) > 300
    assert [of.closer for of in all_match_distances(text, comparison)] == [")", "}", '"']
    assert len(match_distances(text, comparison, "]").counts) == 0
    shorter = compare(network[:100], by_order)
    assert match_distances(text, shorter, ")").positions.max() <= 100
