"""The breakdown of errors against the oracles' definitions, one character at a time."""

from __future__ import annotations

import math
import re
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.errors import Breakdown, break_down
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


def flat(found: Breakdown) -> dict[int, tuple[str, str]]:
    taken = [
        (at, (bucket.name, level.name))
        for bucket in found.buckets
        for level in bucket.levels
        for at in level.positions.tolist()
    ]
    assert len(taken) == len(dict(taken)) == len(found.errors)  # every error in one place
    return dict(taken)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(0, 1000))
def test_every_error_is_of_the_first_oracle_that_would_take_it(text: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    p = random.uniform(0.02, 0.9, len(text))
    ngrams = {order: random.beta(0.5, 1.5, len(text)) for order in (1, 2, 3)}
    by_order = [(order, np.log(expected)) for order, expected in ngrams.items()]
    found = break_down(text, np.log(p[1:]), by_order, word_counts(TRAINING))
    expected = by_definition(text, p.tolist(), {order: e.tolist() for order, e in ngrams.items()})
    assert flat(found) == expected
    assert found.errors.tolist() == sorted(expected)
    assert found.characters == len(text) - 1
    for bucket in found.buckets:
        assert bucket.positions.tolist() == sorted(bucket.positions.tolist())
        assert found.share(bucket) * max(1, len(expected)) == pytest.approx(len(bucket))


@pytest.mark.parametrize(("gap", "level"), [(80, "100"), (400, "500"), (900, "1,000"), (4900, "5,000")])
def test_words_are_remembered_as_far_as_the_memory_reaches(gap: int, level: str) -> None:
    text = "Mary " + ". " * ((gap - 5) // 2) + " Mary"
    expected = np.zeros(len(text) - 1)
    expected[-4:] = math.log(0.4)
    counts = {"Mary": 9}
    found = flat(break_down(text, expected, [], counts))
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
    assert flat(break_down(text, expected, [], {"mother": 9})) == {len(text) - 1: verdict}


def test_without_a_training_text_no_word_is_rare() -> None:
    found = break_down("zebra", np.full(4, math.log(0.35)), [], None)
    assert {bucket.name: len(bucket) for bucket in found.buckets} == {
        "n-gram": 0,
        "memory": 0,
        "rare word": 0,
        "word start": 0,
        "punctuation": 0,
        "the rest": 4,
    }
    assert [len(level) for level in found.buckets[-1].levels] == [0, 4, 0, 0, 0]


def test_probabilities_of_a_half_are_no_errors() -> None:
    found = break_down("abc", np.log([0.5, 0.49]), [(1, np.log([0.9, 0.9, 0.5]))], None)
    assert found.errors.tolist() == [2]
    assert len(found.buckets[0]) == 0


def test_words_keep_their_apostrophes_and_are_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
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
    whole = word_counts(text)
    assert whole["end"] == 2
    monkeypatch.setattr("rnnscope.analysis.words._COUNTED_AT_ONCE", 5)
    assert word_counts(text) == whole
