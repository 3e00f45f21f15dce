"""Pairs of brackets, and losses against their distance, compared with loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.analysis.brackets import losses_at
from rnnscope.analysis.words import CLOSERS, pairs


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


@pytest.mark.parametrize("first", [1, 2000])
def test_losses_are_binned_by_distance(first: int) -> None:
    """The characters before `first` are context: they open brackets, and have no losses."""
    random = np.random.default_rng(2)
    text = "".join(random.choice(list('(()) xy}{"'), 3000))
    network, ngram = -random.exponential(1.0, (2, 3000 - first))
    found = losses_at(text, 70, ")", network, ngram)
    assert found.edges.tolist() == [2**n for n in range(len(found.edges))]
    total = 0
    for number, (low, high) in enumerate(itertools.pairwise(found.edges)):
        inside = [at for opener, at in pairs(text, ")") if low <= at - opener < high and at >= first]
        assert found.of_bin(number).tolist() == [at + 70 for at in inside]
        assert found.counts[number] == len(inside)
        total += len(inside)
        if inside:
            of_network, of_ngram = [
                -np.mean([each[at - first] for at in inside]) for each in (network, ngram)
            ]
            assert found.network_nats[number] == pytest.approx(of_network)
            assert found.ngram_nats[number] == pytest.approx(of_ngram)
        else:
            assert math.isnan(found.network_nats[number])
    assert total == len(found.positions) > 100
    assert len(losses_at(text, 0, "]", network, ngram).counts) == 0
