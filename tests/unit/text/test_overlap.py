"""Copied stretches against comparison character by character."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnnscope.text.overlap import SHORTEST_COPY, copied, without


def noise(length: int, seed: int, symbols: int = 40) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, symbols, length)


def test_every_copy_is_found_to_its_last_character() -> None:
    original = noise(5000, 1)
    between = [noise(length, seed) for seed, length in enumerate((700, 3000, 0, 50), 2)]
    for part in between:
        part[-1:] = part[:1] = 50  # so that no stretch goes on by chance
    copies = [original[:1500], original, original[2000:3000]]
    text = np.concatenate([between[0], copies[0], between[1], copies[1], between[3], copies[2], between[0]])
    expected, at = [], 0
    for part, is_copy in zip(
        [between[0], copies[0], between[1], copies[1], between[3], copies[2]], [0, 1] * 3, strict=True
    ):
        if is_copy:
            expected.append((at, at + len(part)))
        at += len(part)
    assert copied(text, original) == expected
    rest = np.concatenate([between[0], between[1], between[3], between[0]])
    np.testing.assert_array_equal(without(text, expected), rest)


def test_a_few_lines_in_common_are_no_copy() -> None:
    form = noise(SHORTEST_COPY - 1, 1)
    text = np.concatenate([noise(3000, 2), form, noise(3000, 3)])
    original = np.concatenate([noise(900, 4), form, noise(900, 5)])
    assert copied(text, original) == []


def test_a_form_that_the_original_repeats_is_no_copy() -> None:
    form = noise(SHORTEST_COPY * 2, 1)
    pages = [noise(500, seed) for seed in range(2, 7)]
    original = np.concatenate([pages[0], form, pages[1], form, pages[2]])
    text = np.concatenate([pages[3], form, pages[4], form])
    assert copied(text, original) == []
    assert copied(np.concatenate([text, original]), original) == [(len(text), len(text) + len(original))]


def test_a_text_that_repeats_one_line_is_removed_once() -> None:
    line = noise(19, 1)
    text, original = np.tile(line, 400), np.tile(line, 90)
    assert copied(text, original) == [(0, len(original))]


def test_a_short_text_counts_as_a_whole_only() -> None:
    original = noise(150, 1)
    text = np.concatenate([noise(500, 2), original, noise(500, 3)])
    assert copied(text, original) == [(500, 650)]
    text[600] += 100
    assert copied(text, original) == []
    assert copied(text, original[:0]) == []
    assert copied(text[:10], original) == []


def by_loop(text: list[int], original: list[int], shortest: int) -> set[int]:
    """Positions of `text` in some stretch of that length which is in `original`, and there once."""
    inside = set()
    for at in range(len(text) - shortest + 1):
        window = text[at : at + shortest]
        places = [i for i in range(len(original)) if original[i : i + shortest] == window]
        if places:
            inside.update(range(at, at + shortest))
    return inside


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(40, 90), st.integers(0, 60))
def test_nothing_but_copies_is_found(seed: int, length: int, start: int) -> None:
    """With windows of few symbols, some of which repeat."""
    random = np.random.default_rng(seed)
    original = random.integers(0, 6, 200)
    text = np.concatenate(
        [random.integers(0, 6, 80), original[start : start + length], random.integers(0, 6, 80)]
    )
    found = copied(text, original, shortest=40)
    positions = {at for stretch in found for at in range(*stretch)}
    assert positions == by_loop(text.tolist(), original.tolist(), 40)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_ids_are_of_any_integer_type(kind: type) -> None:
    original = noise(2000, 1).astype(kind)
    assert copied(np.tile(original, 2), original) == [(0, 2000), (2000, 4000)]
