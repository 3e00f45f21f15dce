"""Pairs of brackets and quotes, compared with a loop over the characters."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

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
def test_pairs_match_a_loop(text: str, closer: str) -> None:
    assert list(pairs(text, closer)) == pairs_by_loop(text, closer)


def test_pairs_of_small_texts() -> None:
    assert list(pairs("a(b(c)d)e)", ")")) == [(3, 5), (1, 7)]
    assert list(pairs('"x" "y" "z', '"')) == [(0, 2), (4, 6)]
    assert list(pairs('"lost\n\n"found"', '"')) == [(7, 13)]
    assert list(pairs("([)]", "]")) == [(1, 3)]
    assert list(pairs("“a “b” c”", "”")) == [(3, 5), (0, 8)]
