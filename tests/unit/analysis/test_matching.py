"""Selecting and matching against an enumeration of every range there is."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnnscope.analysis.matching import Match, MatchedUnit, Selection, match, select
from rnnscope.analysis.query import Context
from rnnscope.analysis.units import layer_values
from rnnscope.errors import OptionError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.progress import NO_PROGRESS
from rnnscope.session import Session
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

Found = list[tuple[int, int, int, int]]


def on_units(values: NDArray[np.float32], start: int, stop: int, threshold: float, negative: bool) -> set:
    """(unit, sign) of all that are on at every position of a range."""
    found = set()
    for unit in range(values.shape[1]):
        if all(value > threshold for value in values[start:stop, unit].tolist()):
            found.add((unit, 1))
        if negative and all(value < -threshold for value in values[start:stop, unit].tolist()):
            found.add((unit, -1))
    return found


def enumerated(
    values: NDArray[np.float32],
    chosen: set,
    threshold: float,
    negative: bool,
    exclude: tuple[int, int] | None,
) -> Found:
    """(start, stop, shared, union) of all matches, from all ranges."""
    length = len(values)

    def shared(start: int, stop: int) -> int:
        if start < 0 or stop > length:
            return -1
        return len(chosen & on_units(values, start, stop, threshold, negative))

    ranges = []
    for start in range(length):
        for stop in range(start + 1, length + 1):
            count = shared(start, stop)
            if count == 0 or count in (shared(start - 1, stop), shared(start, stop + 1)):
                continue
            if exclude is not None and start < exclude[1] and stop > exclude[0]:
                continue
            union = len(chosen | on_units(values, start, stop, threshold, negative))
            ranges.append((-count, union, start - stop, start, stop))
    listed: Found = []
    for count, union, _, start, stop in sorted(ranges):
        if all(stop <= a or start >= b for a, b, _, _ in listed):
            listed.append((start, stop, -count, union))
    return listed


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.integers(2, 22),
    units=st.integers(1, 6),
    stretch=st.integers(1, 9),
    negative=st.booleans(),
    excluding=st.booleans(),
    data=st.data(),
)
def test_matches_are_those_of_all_ranges_ranked(
    seed: int, length: int, units: int, stretch: int, negative: bool, excluding: bool, data: st.DataObject
) -> None:
    values = np.random.default_rng(seed).choice([-0.9, 0.0, 0.9, 0.8], (length, units)).astype(np.float32)
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    selection = select(values, start, stop, before=0, negative=negative)
    chosen = set(zip(selection.units.tolist(), selection.signs.tolist(), strict=True))
    assert chosen == on_units(values, start, stop, 0.3, negative)
    exclude = (start, stop) if excluding else None
    pieces = [values[at : at + stretch] for at in range(0, length, stretch)]
    for given_values in (values, pieces):
        found = match(given_values, selection, exclude=exclude, limit=1000)
        listed = list(
            zip(*(a.tolist() for a in (found.starts, found.stops, found.shared, found.union)), strict=True)
        )
        assert listed == enumerated(values, chosen, 0.3, negative, exclude)
        assert found.positions == length
        assert found.jaccard.tolist() == [s / u for _, _, s, u in listed]


def test_a_unit_on_in_a_margin_is_not_on_over_exactly_the_range() -> None:
    on, off = 0.5, 0.2
    values = np.array(
        [
            # exactly, began before, ends after, negative, once too weak
            [off, on, off, off, off],
            [on, on, on, -on, on],
            [on, on, on, -on, 0.3],
            [off, off, on, off, off],
        ],
        np.float32,
    )
    assert select(values, 1, 3).units.tolist() == [0, 2, 3]
    assert select(values, 1, 3).signs.tolist() == [1, 1, -1]
    assert select(values, 1, 3, negative=False).units.tolist() == [0, 2]
    assert select(values, 1, 3, before=0).units.tolist() == [0, 1, 2, 3]
    assert select(values, 1, 3, after=1).units.tolist() == [0, 3]
    assert select(values, 1, 3, threshold=0.29).units.tolist() == [0, 2, 3, 4]
    assert select(values, 0, 2, before=5).units.tolist() == [1]


def test_a_unit_that_is_on_anywhere_in_a_margin_is_left_out() -> None:
    values = np.array([[0.9, 0.0], [0.0, 0.0], [0.9, 0.9]], np.float32)
    assert select(values, 2, 3, before=1).units.tolist() == [0, 1]
    assert select(values, 2, 3, before=2).units.tolist() == [1]


@pytest.mark.parametrize(("start", "stop"), [(3, 3), (-1, 2), (0, 11), (5, 4)])
def test_a_range_outside_the_values_is_an_error(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        select(np.zeros((10, 2), np.float32), start, stop)


def test_nothing_selected_matches_nothing() -> None:
    values = np.ones((10, 2), np.float32)
    nothing = Selection(0, 1, 0.3, np.empty(0, np.int64), np.empty(0, np.int8), True)
    assert len(match(values, nothing)) == 0
    assert len(match([], select(values, 0, 1))) == 0


def test_the_best_candidates_are_kept_where_there_are_too_many() -> None:
    values = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    selection = Selection(0, 1, 0.3, np.arange(6), np.array([1, 1, -1, 1, -1, 1], np.int8), True)
    pieces = [values[at : at + 40] for at in range(0, 600, 40)]
    everything = match(pieces, selection, limit=5)
    best = match(pieces, selection, limit=5, pool=20)
    assert best.starts.tolist() == everything.starts.tolist()
    assert best.shared.tolist() == everything.shared.tolist()


def test_twenty_thousand_characters_are_searched_within_seconds() -> None:
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(0, 0.5, (5000, 512)), 4, axis=0).astype(np.float32)
    selection = select(values, 400, 404)
    assert len(selection) > 100
    started = time.perf_counter()
    found = match(values, selection, limit=50, exclude=(400, 404))
    assert time.perf_counter() - started < 10  # a fraction of that alone on a core; by loops it takes minutes
    assert len(found) == 50
    assert (np.diff(found.shared) <= 0).all()


def planted() -> Trace:
    """Units 2 and 4 of layer 2 are on, and 5 strongly negative, over `bc`, wherever that is in the text."""
    text = ("abcd" + "adda" * 3) * 10
    cell = np.zeros((len(text), 6), np.float32)
    inside = np.array([text[max(0, at - 1) : at + 2] in ("abc", "bcd") for at in range(len(text))])
    cell[np.ix_(inside, [2, 4])] = 3.0
    cell[inside, 5] = -3.0
    cell[:, 1] = 3.0  # on everywhere: so in the margin too
    architecture = Architecture("lstm", 4, 6, 2)
    activations = {
        f"{layer}/{quantity}": np.zeros_like(cell) for layer in (1, 2) for quantity in QUANTITIES["lstm"]
    }
    activations["2/cell"] = cell
    ids = np.array(["abcd".index(character) for character in text], np.int32)
    return Trace(architecture, tuple("abcd"), ids, np.zeros((len(text), 4), np.float32), activations)


def test_a_planted_range_is_found_wherever_it_is() -> None:
    trace = planted()
    session = Session.of_trace(trace)
    found = session.ask(Match(start=33, stop=35, layer=2))
    assert (found.text, found.quantity, found.positions) == ("bc", "cell", len(trace))
    assert found.units == (MatchedUnit(2, 2, 1), MatchedUnit(2, 4, 1), MatchedUnit(2, 5, -1))
    assert sorted(each.start for each in found.matches) == [at + 1 for at in range(0, 160, 16) if at != 32]
    for each in found.matches:
        assert (each.stop - each.start, each.shared, each.union, each.jaccard) == (2, 3, 4, 0.75)
        assert trace.text[each.excerpt_start :].startswith(each.text)
        assert trace.text[each.start : each.stop] == "bc"

    assert session.ask(Match(33, 35, layer=0)).units == found.units
    positive = session.ask(Match(33, 35, layer=2, positive_only=True))
    assert [each.unit for each in positive.units] == [2, 4]
    assert len(session.ask(Match(33, 35, layer=2, limit=3)).matches) == 3
    assert len(session.ask(Match(33, 35, layer=2, characters=50)).matches) == 3
    nothing = session.ask(Match(33, 35))
    assert (nothing.units, nothing.matches) == ((), ())


@pytest.mark.parametrize("layer", [0, 2])
def test_a_text_that_is_read_as_streams_has_the_matches_of_its_trace(layer: int, make_network) -> None:
    network = make_network("gru", spread=0.4)
    text = "".join(np.random.default_rng(4).choice(list("abcdefg"), 20_000))
    trace = record(network, network.vocabulary.encode(text))
    layers = [layer] if layer else [1, 2]
    values = np.concatenate([trace.shown(each, "hidden") for each in layers], axis=1)
    start = next(at for at in range(5000, 6000) if len(select(values, at, at + 2, threshold=0.1)) > 1)
    query = Match(start, start + 2, threshold=0.1, layer=layer)
    session = Session(network, text)
    found, expected = session.ask(query), Session.of_trace(trace).ask(query)
    assert len(found.units) > 1
    assert (found.units, found.matches) == (expected.units, expected.matches)
    assert {each.layer for each in found.units} <= set(layers)

    context = Context(session.reader, network.architecture, NO_PROGRESS, session.ask, lambda: None)
    stretches = list(layer_values(context, layers, "hidden", 0, stretch_bytes=1))
    assert [len(stretch) for stretch in stretches] == [16_384, 20_000 - 16_384]
    np.testing.assert_allclose(np.concatenate(stretches), values, atol=1e-5)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Match(5, 5), "--stop is 5, but must be from 6"),
        (Match(-1, 5), "--start is -1"),
        (Match(150, 161), "the range 150:161 ends after the text, which has 160 characters"),
        (Match(0, 5, layer=3), "there is no layer 3"),
        (Match(0, 5, quantity="reset"), "no quantity reset"),
        (Match(0, 5, threshold=1.5), "--threshold is 1.5"),
    ],
)
def test_a_query_that_does_not_fit_is_an_option_error(query: Match, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        Session.of_trace(planted()).ask(query)
