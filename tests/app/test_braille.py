"""Dots, axes and segments: the arithmetic under every chart, against loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from rnnscope.app import braille
from rnnscope.app.axes import StepAxis, ValueAxis, grown, roundest
from rnnscope.theme.segments import coded_segments, segments

# The dots of U+2800 in the order of their bits, as (row, column): the Unicode Standard, chapter 21.1.
UNICODE_DOTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1))


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_cells_have_the_bits_of_the_unicode_standard(rows: int, columns: int, seed: int) -> None:
    dots = np.random.default_rng(seed).random((4 * rows, 2 * columns)) < 0.4
    codes = braille.cells(dots)
    for row in range(rows):
        for column in range(columns):
            expected = sum(
                1 << bit for bit, (y, x) in enumerate(UNICODE_DOTS) if dots[4 * row + y, 2 * column + x]
            )
            assert codes[row, column] == expected


def test_between_fills_columns_and_leaves_out_unknown_ones() -> None:
    dots = braille.between(np.array([1.0, np.nan, -5.0, 7.4]), np.array([2.0, 3.0, 0.4, 99.0]), 8)
    filled = [np.flatnonzero(column).tolist() for column in dots.T]
    assert filled == [[1, 2], [], [0], [7]]


@given(st.lists(st.floats(0, 39), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_line_is_connected_passes_every_place_and_has_no_dot_too_many(places: list[float]) -> None:
    dots = braille.line(np.array(places), 40)
    spans = [np.flatnonzero(column) for column in dots.T]
    for place, span in zip(places, spans, strict=True):
        assert round(place) in span
        assert span.tolist() == list(range(span[0], span[-1] + 1))
    for a, b in pairwise(spans):
        assert max(a[0], b[0]) - min(a[-1], b[-1]) <= 1, "neighboring columns touch"
    nearest = [round(place) for place in places]
    skipped = sum(max(abs(b - a) - 1, 0) for a, b in pairwise(nearest))
    assert dots.sum() <= len(places) + skipped


def test_a_line_breaks_where_nothing_is_known() -> None:
    dots = braille.line(np.array([3.0, np.nan, 9.0]), 12)
    assert [np.flatnonzero(column).tolist() for column in dots.T] == [[3], [], [9]]


@pytest.mark.parametrize("logarithmic", [True, False])
def test_step_axis_goes_to_dots_and_back(logarithmic: bool) -> None:
    axis = StepAxis(1.0, 9273.0, 82, logarithmic)
    assert axis.dot(1) == 0
    assert axis.dot(9273) == pytest.approx(81)
    for dot in (0.0, 13.5, 80.0):
        assert axis.dot(float(axis.step(dot))) == pytest.approx(dot)
    for step in (1, 7, 1000, 9273):
        column = round(axis.dot(step))
        assert axis.edges()[column] <= step <= axis.edges()[column + 1]


def test_step_axis_labels_powers_of_ten_or_what_is_round() -> None:
    assert StepAxis(1, 9273, 82).ticks() == [1, 10, 100, 1000]
    assert StepAxis(900, 9273, 82).ticks() == [1000, 2000, 5000]
    assert StepAxis(1, 9273, 82, logarithmic=False).ticks() == [5000]
    assert StepAxis(1, 12_000, 82, logarithmic=False).ticks() == [5000, 10_000]


@given(st.floats(1e-3, 1e3), st.floats(1.001, 3.0))
@settings(max_examples=100, deadline=None)
def test_the_roundest_number_lies_within_and_no_shorter_one_does(low: float, ratio: float) -> None:
    high = low * ratio
    found, decimals = roundest(low, high)
    assert low <= found <= high
    assert float(f"{found:.{decimals}f}") == pytest.approx(found)
    fewer = 10.0 ** (1 - decimals)
    assert decimals == 0 or math.floor(high / fewer) < math.ceil(low / fewer)


def test_labels_lie_in_the_rows_that_they_name() -> None:
    axis = ValueAxis(1.37, 4.2, 9)
    for row, label in axis.ticks().items():
        assert axis.row(float(label)) == row
    assert list(axis.ticks()) == [0, 2, 4, 6, 8]
    assert list(ValueAxis(1.2, 5.2, 6).ticks().values()) == ["5.0", "3.0", "1.5"], "a number keeps its width"
    assert "1" in ValueAxis(0.08, 1.9, 9).ticks(aligned=False, through=1.0).values()


@pytest.mark.parametrize(
    "axis", [ValueAxis(1e-5, 2.0, 12), ValueAxis(0.1013, 0.1022, 9), ValueAxis(2, 4e6, 9)]
)
def test_labels_have_at_most_five_columns(axis: ValueAxis) -> None:
    for aligned in (True, False):
        labels = axis.ticks(aligned=aligned).values()
        assert labels
        assert len({*labels}) == len(labels)
        assert max(map(len, labels)) <= 5


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(1.0, 50.0)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_limits_hold_what_they_must_and_never_shrink(seen: list[tuple[float, float]]) -> None:
    limits: tuple[float, float] | None = None
    for low, ratio in seen:
        before = limits
        limits = grown(limits, low, low * ratio)
        assert limits[0] <= low * (1 + 1e-9)
        assert limits[1] >= low * ratio * (1 - 1e-9)
        if before is not None:
            assert limits[0] <= before[0]
            assert limits[1] >= before[1]


def test_limits_stay_put_for_small_changes() -> None:
    limits = grown(None, 1.5, 4.2)
    assert grown(limits, 1.6, 4.1) == limits


def test_equal_neighbors_are_one_segment() -> None:
    a, b = Style(bold=True), Style(italic=True)
    merged = segments([("x", a), ("y", a), ("z", b), ("w", a)])
    assert [(s.text, s.style) for s in merged] == [("xy", a), ("z", b), ("w", a)]
    points = np.array([ord(c) for c in "▀▀█x"], dtype=np.uint32)
    coded = coded_segments(points, np.array([0, 0, 1, 1]), (a, b))
    assert [(s.text, s.style) for s in coded] == [("▀▀", a), ("█x", b)]
    assert segments([]) == []
    assert coded_segments(points[:0], np.array([], dtype=np.intp), (a, b)) == []
