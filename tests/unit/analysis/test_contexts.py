"""The places that excite a neuron against a loop over every position."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.contexts import Context, TopContexts, top_contexts


def peaks_by_loop(values: list[float], width: int) -> list[int]:
    """All peaks, the highest first."""
    found = []
    for at, value in enumerate(values):
        before, after = values[max(0, at - width) : at], values[at + 1 : at + 1 + width]
        if all(value > other for other in before) and all(value >= other for other in after):
            found.append(at)
    return sorted(found, key=lambda at: (-values[at], at))


def in_pieces(values: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    borders = np.cumsum(lengths)
    return np.split(values, borders[borders < len(values)])


def positions_of(contexts: tuple[Context, ...]) -> list[int]:
    return [context.position for context in contexts]


@settings(max_examples=150, deadline=None)
@given(
    # few levels, so that there are plateaus and ties
    st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0]), max_size=60),
    st.lists(st.integers(1, 15), max_size=20),
    st.integers(1, 12),
)
def test_highest_and_lowest_are_the_peaks_of_a_loop(
    values: list[float], lengths: list[int], width: int
) -> None:
    array = np.array(values, np.float32)
    found = top_contexts(in_pieces(array, lengths), highest=4, lowest=60, width=width)
    assert positions_of(found.highest) == peaks_by_loop(values, width)[:4]
    assert positions_of(found.lowest) == peaks_by_loop([-value for value in values], width)
    assert found.positions == found.histogram.sum() == len(values)
    for context in (*found.highest, *found.lowest):
        start, stop = max(0, context.position - width), context.position + width + 1
        assert (context.start, context.stop) == (start, min(stop, len(values)))
        assert context.values.tolist() == values[start:stop]
        assert context.value == values[context.position]


def test_a_plateau_is_one_context_and_neighbors_of_a_summit_are_none() -> None:
    values = np.zeros(1000, np.float32)
    values[200:700] = 1.0
    values[800:811] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5]
    found = top_contexts([values])
    assert positions_of(found.highest) == [200, 805, 0]  # and where the zeros begin


def test_bands_are_equal_shares_in_order_of_value() -> None:
    values = np.random.default_rng(0).permutation(np.linspace(-1, 1, 400)).astype(np.float32)
    found = top_contexts([values[:150], values[150:]], bands=4, each=5)
    ordered = np.sort(values)
    for number, band in enumerate(found.bands):
        share = ordered[number * 100 : (number + 1) * 100]
        assert (band.low, band.high) == (share[0], share[-1])
        assert len(band.contexts) == 5
        assert all(band.low <= values[context.position] <= band.high for context in band.contexts)
        assert len(set(positions_of(band.contexts))) == 5


def test_a_long_text_is_sampled_evenly_whatever_its_stretches_are() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 60_000).astype(np.float32)

    def found(lengths: list[int]) -> TopContexts:
        return top_contexts(in_pieces(values, lengths), bands=5, seed=3)

    one, many = found([60_000]), found([7000] * 9)
    assert [positions_of(band.contexts) for band in one.bands] == [
        positions_of(band.contexts) for band in many.bands
    ]
    assert positions_of(one.highest) == positions_of(many.highest)
    np.testing.assert_allclose([band.high for band in one.bands], [-0.6, -0.2, 0.2, 0.6, 1], atol=0.04)
    other = top_contexts([values], bands=5, seed=4)
    assert positions_of(other.bands[0].contexts) != positions_of(one.bands[0].contexts)


def test_the_histogram_counts_everything_also_beyond_its_range() -> None:
    values = np.array([-2.0, -1.0, -0.1, 0.1, 0.9, 1.0, 7.0], np.float32)
    found = top_contexts([values], bins=4)
    assert found.histogram.tolist() == [2, 1, 1, 3]
    assert found.edges.tolist() == [-1, -0.5, 0, 0.5, 1]


def test_a_pass_ends_when_asked_with_what_it_has() -> None:
    stretches = [np.full(100, level, np.float32) for level in (0.1, 0.2, 0.3)]
    found = top_contexts(stretches, should_stop=lambda: True)
    assert 0 < found.positions < 300
    assert top_contexts([]).highest == ()
