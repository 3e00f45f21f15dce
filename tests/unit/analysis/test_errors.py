"""The breakdown of errors against the oracles' definitions, one character at a time."""

from __future__ import annotations

import math
import re
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.errors import Bucket, break_down
from rnnscope.analysis.words import word_counts, words

TRAINING = "the cat sat on the mat. the dog ran; a dog's day"
TEXTS = st.lists(
    st.sampled_from(
        ["the", "cat", "dog's", "zebra", "mat", "on", " ", " ", "\n", '"', "'", ". ", ", ", "4_x"]
    ),
    min_size=1,
    max_size=40,
).map("".join)


def by_definition(text: str, p: list[float], ngrams: dict[int, list[float]]) -> dict[int, tuple[str, str]]:
    """Of each error which bucket and level takes it first."""
    whole = {}
    for found in re.finditer(r"\w+(?:['’]\w+)*", text):
        for at in range(found.start(), found.end()):
            whole[at] = (found.group(), found.start())
    training = re.findall(r"\w+(?:['’]\w+)*", TRAINING)
    verdicts = {}
    for at in range(1, len(text)):
        if p[at] < 0.5:
            verdicts[at] = verdict(text, at, p[at], ngrams, whole.get(at), training)
    return verdicts


def verdict(
    text: str,
    at: int,
    p: float,
    ngrams: dict[int, list[float]],
    word: tuple[str, int] | None,
    training: list[str],
) -> tuple[str, str]:
    for order, expected in ngrams.items():
        if expected[at] > 0.5:
            return "n-gram", str(order)
    if word is not None and at > word[1]:
        for reach in (100, 500, 1000, 5000):
            if word[0] in text[max(0, word[1] - reach) : word[1]]:
                return "memory", f"{reach:,}"
    if word is not None and training.count(word[0]) <= 5:
        return "rare word", str(training.count(word[0]))
    for name, before in (("space", " "), ("line break", "\n"), ("quote", "\"'")):
        if text[at - 1] in before:
            return "word start", name
    if text[at] in string.punctuation:
        return "punctuation", "all"
    return "the rest", next(f"+{boost:g}" for boost in (0.1, 0.2, 0.3, 0.4, 0.5) if p + boost >= 0.5)


def flat(found: tuple[Bucket, ...]) -> dict[int, tuple[str, str]]:
    taken = [
        (at, (bucket.name, level.name))
        for bucket in found
        for level in bucket.levels
        for at in level.positions.tolist()
    ]
    assert len(taken) == len(dict(taken))  # every error in one place
    return dict(taken)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(0, 1000))
def test_every_error_is_of_the_first_oracle_that_would_take_it(text: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    p = random.uniform(0.02, 0.9, len(text))
    ngrams = {order: random.beta(0.5, 1.5, len(text)) for order in (1, 2, 3)}
    sufficient = sufficient_orders(ngrams, len(text))
    found = break_down(text, np.log(p[1:]), sufficient[1:], word_counts(TRAINING))
    expected = by_definition(text, p.tolist(), {order: e.tolist() for order, e in ngrams.items()})
    assert flat(found) == expected
    for bucket in found:
        assert bucket.positions.tolist() == sorted(bucket.positions.tolist())
    half = len(text) // 2
    last = break_down(text, np.log(p[half + 1 :]), sufficient[half + 1 :], word_counts(TRAINING))
    assert flat(last) == {at: taken for at, taken in expected.items() if at > half}


def sufficient_orders(ngrams: dict[int, np.ndarray], length: int) -> np.ndarray:
    """The lowest order that gives more than 0.5, at each position; 0 for none."""
    return np.array(
        [min((n for n, expected in ngrams.items() if expected[at] > 0.5), default=0) for at in range(length)]
    )


@pytest.mark.parametrize(("gap", "level"), [(80, "100"), (400, "500"), (900, "1,000"), (4900, "5,000")])
def test_words_are_remembered_as_far_as_the_memory_reaches(gap: int, level: str) -> None:
    text = "Mary " + ". " * ((gap - 5) // 2) + " Mary"
    expected = np.zeros(len(text) - 1)
    expected[-4:] = math.log(0.4)
    counts = {"Mary": 9}
    found = flat(break_down(text, expected, none(expected), counts))
    last = len(text) - 1
    assert [found[at] for at in range(last - 2, last + 1)] == [("memory", level)] * 3
    assert found[last - 3] == ("word start", "space")


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        ("grandmother ", ("memory", "100")),
        ("mother" + " " * 4994, ("memory", "5,000")),
        ("mother" + " " * 4995, ("the rest", "+0.1")),
        ("Mother ", ("the rest", "+0.1")),
    ],
)
def test_a_word_is_remembered_from_inside_another_but_not_from_too_far(
    before: str, verdict: tuple[str, str]
) -> None:
    text = before + "mother"
    expected = np.zeros(len(text) - 1)
    expected[-1] = math.log(0.45)
    assert flat(break_down(text, expected, none(expected), {"mother": 9})) == {len(text) - 1: verdict}


def test_boosts_are_as_large_as_they_have_to_be() -> None:
    expected = np.full(4, math.log(0.35))
    found = break_down("zebra", expected, none(expected), {"zebra": 9})
    assert {bucket.name: len(bucket) for bucket in found} == {
        "n-gram": 0,
        "memory": 0,
        "rare word": 0,
        "word start": 0,
        "punctuation": 0,
        "the rest": 4,
    }
    assert [len(level) for level in found[-1].levels] == [0, 4, 0, 0, 0]


def test_a_probability_of_a_half_is_no_error() -> None:
    assert list(flat(break_down("abc", np.log([0.5, 0.49]), np.zeros(2, int), {"abc": 9}))) == [2]


def none(log_probabilities: np.ndarray) -> np.ndarray:
    """No n-gram model gives more than 0.5."""
    return np.zeros(len(log_probabilities), int)


def test_words_keep_their_apostrophes() -> None:
    text = "couldn't 'tis x_1\nwell-worn l’été\nend end"
    assert [text[start:stop] for start, stop in words(text)] == [
        "couldn't",
        "tis",
        "x_1",
        "well",
        "worn",
        "l’été",
        "end",
        "end",
    ]
    assert word_counts(text)["end"] == 2
