"""Top contexts against a loop over every position, and histograms against NumPy's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.contexts import Contexts, ContextsResult, Excerpt, top_contexts
from rnnscope.analysis.histogram import Histogram, bin_counts
from rnnscope.errors import OptionError
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace


def searched(values: np.ndarray, **fields: object) -> ContextsResult:
    """The contexts of some values along a text."""
    text = "".join(chr(ord("a") + i % 26) for i in range(len(values)))
    query = dataclasses.replace(Contexts(1, 0, "hidden"), **fields)  # type: ignore[arg-type]
    return top_contexts(query, values.astype(np.float32), lambda start, stop: text[start:stop])


def positions_of(excerpts: tuple[Excerpt, ...]) -> list[int]:
    return [one.position for one in excerpts]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 70), st.integers(0, 10_000), st.integers(1, 12))
def test_highest_and_lowest_are_the_peaks_of_a_loop(length: int, seed: int, around: int) -> None:
    values = np.random.default_rng(seed).permutation(np.linspace(-1, 1, length)).astype(np.float32)
    found = searched(values, limit=60, around=around)
    for sign, excerpts in ((1, found.highest), (-1, found.lowest)):
        series = (sign * values).tolist()
        peaks = [
            at for at in range(length) if series[at] == max(series[max(0, at - around) : at + around + 1])
        ]
        assert positions_of(excerpts) == sorted(peaks, key=lambda at: -series[at])
    assert found.positions == length
    for one in (*found.highest, *found.lowest):
        start, stop = max(0, one.position - around), min(length, one.position + around + 1)
        assert (one.start, one.start + len(one.text)) == (start, stop)
        assert one.text == "".join(chr(ord("a") + i % 26) for i in range(start, stop))
        assert one.values.tolist() == values[start:stop].tolist()
        assert one.value == values[one.position]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0]), min_size=1, max_size=60),
    st.integers(1, 12),
)
def test_of_equal_values_every_one_has_a_peak_near_that_is_as_high(values: list[float], around: int) -> None:
    found = searched(np.array(values), limit=60, around=around)
    for sign, excerpts in ((1, found.highest), (-1, found.lowest)):
        series, peaks = [sign * value for value in values], positions_of(excerpts)
        assert all(series[at] == max(series[max(0, at - around) : at + around + 1]) for at in peaks)
        assert (np.diff(sorted(peaks)) > around).all()
        highest = [at for at, value in enumerate(series) if value == max(series)]
        assert any(at in peaks for at in highest)
        assert [series[at] for at in peaks] == sorted((series[at] for at in peaks), reverse=True)


def test_neighbors_of_a_summit_are_not_peaks() -> None:
    values = np.full(1000, -1.0)
    values[800:811] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5]
    values[300] = 0.3
    assert positions_of(searched(values, limit=2).highest) == [805, 300]


@pytest.mark.parametrize("off_every", [None, 7, 100])
def test_peaks_of_a_saturated_unit_are_spread_over_the_text(off_every: int | None) -> None:
    values = np.ones(50_000)
    if off_every is not None:
        values[::off_every] = -0.3
    found = searched(values)
    positions = positions_of(found.highest)
    assert len(positions) == 10
    assert positions == sorted(positions)  # equal values are listed in the order of the text
    assert positions[0] < 20_000
    assert positions[-1] > 30_000
    assert (np.diff(positions) > 40).all()
    assert positions_of(searched(values, seed=1).highest) != positions


def test_bands_are_equal_shares_in_order_of_value() -> None:
    values = np.random.default_rng(0).permutation(np.linspace(-1, 1, 400)).astype(np.float32)
    found = searched(values, bands=4)
    ordered = np.sort(values)
    for number, band in enumerate(found.bands):
        share = ordered[number * 100 : (number + 1) * 100]
        assert (band.low, band.high) == (share[0], share[-1])
        assert all(band.low <= one.value <= band.high for one in band.excerpts)
        assert len(set(positions_of(band.excerpts))) == 3
    assert searched(values, bands=0).bands == ()


def test_bands_of_a_long_text_are_those_of_a_seeded_sample() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 60_000).round(2)

    def listed(seed: int) -> list[list[int]]:
        return [positions_of(band.excerpts) for band in searched(values, bands=5, seed=seed).bands]

    found = searched(values, bands=5)
    np.testing.assert_allclose([band.high for band in found.bands], [-0.6, -0.2, 0.2, 0.6, 1], atol=0.04)
    assert listed(3) == listed(3) != listed(4)


def test_bins_count_everything_also_beyond_their_range() -> None:
    values = np.array([-2.0, -1.0, -0.1, 0.1, 0.9, 1.0, 7.0], np.float32)
    assert bin_counts(values, np.linspace(-1, 1, 5)).tolist() == [2, 1, 1, 3]


@pytest.fixture(scope="module")
def trace(make_network) -> Trace:
    return record(make_network("lstm"), Vocabulary.of("abcdefg").encode("abcdefg" * 50))


def test_a_session_answers_with_the_values_of_the_trace(trace: Trace) -> None:
    session = Session.of_trace(trace)
    found = session.ask(Contexts(2, 3, limit=4))
    assert (found.layer, found.unit, found.quantity, found.positions) == (2, 3, "cell", 350)
    values = np.tanh(trace["2/cell"][:, 3])
    assert found.highest[0].value == values.max()
    assert found.lowest[0].value == values.min()
    best = found.highest[0]
    assert best.text == trace.text[best.start : best.start + len(best.text)]
    counts, edges = np.histogram(values, 50, (-1, 1))
    assert found.histogram.counts.tolist() == counts.tolist()
    own = session.ask(Histogram(2, 3))
    assert own.to_dict() == found.histogram.to_dict()
    np.testing.assert_allclose(own.edges, edges)
    gate = session.ask(Histogram(1, 0, "forget", bins=8, characters=100))
    assert gate.counts.tolist() == np.histogram(trace["1/forget"][:100, 0], 8, (0, 1))[0].tolist()
    assert (gate.edges[0], gate.edges[-1], gate.positions) == (0, 1, 100)


@pytest.mark.parametrize(
    ("cell", "activation"), [("lstm", "tanh"), ("peephole", "softsign"), ("gru", "tanh")]
)
def test_a_text_that_is_read_as_streams_has_the_values_of_its_trace(cell, activation, make_network) -> None:
    network = make_network(cell, activation=activation, spread=0.4)
    text = "".join(np.random.default_rng(4).choice(list("abcdefg"), 20_000))
    trace = record(network, network.vocabulary.encode(text))
    session = Session(network, text)
    for quantity in (trace.quantities[0], "auto"):
        found = session.ask(Contexts(2, 3, quantity))
        expected = Session.of_trace(trace).ask(Contexts(2, 3, quantity))
        assert found.positions == 20_000
        assert found.highest[0].value == pytest.approx(expected.highest[0].value, abs=1e-5)
        for one in (*found.highest, *found.lowest):
            part = slice(one.start, one.start + len(one.values))
            values = trace.shown(2, found.quantity, 3)[part]
            np.testing.assert_allclose(one.values, values, atol=1e-5)
            assert one.text == text[part]
        counts = session.ask(Histogram(2, 3, quantity)).counts
        assert np.abs(counts - expected.histogram.counts).sum() <= 20  # values beside an edge


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Contexts(3, 0), "there is no layer 3"),
        (Contexts(0, 0), "there is no layer 0"),
        (Contexts(1, 6), "there is no unit 1/6 in LSTM 2×6; units are 0 to 5"),
        (Contexts(1, -1), "there is no unit"),
        (Contexts(1, 0, "update"), "no quantity update; there are input, forget"),
        (Contexts(1, 0, limit=0), "--limit is 0"),
        (Histogram(1, 0, bins=0), "--bins is 0"),
    ],
)
def test_a_query_that_does_not_fit_the_network_is_an_option_error(query, why, trace: Trace) -> None:
    with pytest.raises(OptionError, match=why):
        Session.of_trace(trace).ask(query)
