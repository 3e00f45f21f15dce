"""Searches over the whole text, and of what lies beyond its first part; and how they end when dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.contexts import Contexts, top_contexts
from rnnscope.analysis.find import Find as Query
from rnnscope.analysis.find import find
from rnnscope.analysis.matching import match, select
from rnnscope.analysis.saturation import saturation
from rnnscope.app.asking.answers import (
    ContextsFound,
    Found,
    MatchesFound,
    Named,
    Refused,
    SaturationFound,
    Told,
)
from rnnscope.app.asking.requests import (
    Find,
    FindContexts,
    FindMatches,
    FindSaturation,
    NameNeurons,
    ReadPage,
    Request,
)
from rnnscope.inspection import survey
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from tests.unit.inspection.office import Office

FIRST = 4000
_LINES = ('The bell "rang" at seven, and then\n', "the ferry left (never again).\n", "Nobody spoke.\n\n")


def _text() -> str:
    draw = np.random.default_rng(0)
    return "".join(_LINES[i] for i in draw.integers(len(_LINES), size=900))


@pytest.fixture(scope="module")
def text() -> str:
    return _text()


@pytest.fixture(scope="module")
def model(text: str) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    shape = Architecture("lstm", len(vocabulary), 12, 2)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


@pytest.fixture(scope="module")
def trace(model: CharRNN, text: str) -> Trace:
    return record(model, model.vocabulary.encode(text))


@pytest.fixture
def office(model: CharRNN, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(survey, "LONGEST", FIRST)
    found = Office(model, tmp_path, text)
    yield found
    found.desk.close()
    found.thread.join(20)
    assert not found.thread.is_alive()


def _one(office: Office, request: Request) -> object:
    (answer,) = (each for each in office.ask(request) if not isinstance(each, Told))
    return answer


def test_the_whole_text_is_searched_when_that_is_asked(office: Office, trace: Trace, text: str) -> None:
    part, whole = (_one(office, Find("inside", "bell", whole=whole)) for whole in (False, True))
    assert isinstance(part, Found)
    assert isinstance(whole, Found)
    assert part.extent is not None
    assert whole.extent is not None
    assert (part.extent.read, part.extent.characters, part.extent.is_part) == (FIRST, len(text), True)
    assert (whole.extent.read, whole.extent.is_part) == (len(text), False)
    assert whole.positions == len(text)
    exact = find(Query(pattern="bell", limit=24), TextReader.of_trace(trace))
    best = {(each.layer, each.unit): each.held_out for each in reversed(exact.results)}
    neuron, known = whole.results[0]
    assert known.score == pytest.approx(best[neuron], abs=0.001)


def test_contexts_gates_and_matches_of_the_whole_text_are_those_of_its_trace(
    office: Office, trace: Trace, text: str
) -> None:
    contexts = _one(office, FindContexts(1, 3, "cell", whole=True))
    assert isinstance(contexts, ContextsFound)
    expected = top_contexts(
        Contexts(1, 3, "cell"), trace.shown(1, "cell", 3), lambda start, stop: text[start:stop]
    )
    assert [c.position for c in contexts.contexts.highest] == [c.position for c in expected.highest]
    assert all(c.text == text[c.start : c.start + len(c.values)] for c in contexts.contexts.highest)
    assert contexts.contexts.positions == len(text)

    gates = _one(office, FindSaturation(whole=True))
    assert isinstance(gates, SaturationFound)
    exact = saturation([trace])
    for gate in exact.gates:
        counted = gates.saturation.of(gate.layer, gate.gate)
        np.testing.assert_allclose(counted.left, gate.left, atol=0.01)
        np.testing.assert_allclose(counted.right, gate.right, atol=0.01)

    at = text.index("seven")
    found = _one(office, FindMatches(2, at, at + 5, 0.1, whole=True))
    assert isinstance(found, MatchesFound)
    values = trace.shown(2, "cell")
    ranges = match(values, select(values, at, at + 5, threshold=0.1), exclude=(at, at + 5))
    assert len(ranges)
    assert [each.start for each in found.matches.matches] == ranges.starts.tolist()
    assert ranges.starts.max() > FIRST


def test_a_range_far_away_is_matched_with_the_first_part(office: Office, trace: Trace, text: str) -> None:
    at = text.index("ferry", 3 * FIRST)
    found = _one(office, FindMatches(2, at, at + 5, 0.1))
    assert isinstance(found, MatchesFound)
    values = trace.shown(2, "cell")
    selection = select(values, at, at + 5, threshold=0.1)
    assert [each.unit for each in found.matches.units] == selection.units.tolist()
    assert (found.matches.start, found.matches.positions) == (at, FIRST)


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_marked_far_away_is_found(whole: bool, office: Office, trace: Trace, text: str) -> None:
    first = [i for i in range(len(text)) if text.startswith("ferry", i) and i > 2 * FIRST][:8]
    marks = [(at, at + 5, True) for at in first] + [(at + 6, at + 14, False) for at in first]
    found = _one(office, Find("marks", "what is marked", tuple(marks), whole=whole))
    assert isinstance(found, Found)
    assert (found.positions, found.positives) == (8 * 13, 40)
    _, known = found.results[0]
    assert known.score > 0.9  # some unit tells a word of two that always stand side by side


def test_only_what_is_meant_is_marked_far_away(office: Office, text: str) -> None:
    at = [i for i in range(len(text)) if text.startswith("ferry", i) and i > 2 * FIRST][:6]
    found = _one(office, Find("marks", "marked", tuple((i, i + 5, True) for i in at)))
    if isinstance(
        found, Refused
    ):  # all of it stands at the end, in the half that reports or the one that chooses
        assert "half" in found.message
        return
    assert isinstance(found, Found)
    assert (found.positions, found.positives) == (FIRST + 30, 30)


@pytest.mark.parametrize(
    "request_",
    [
        NameNeurons(),
        Find("feature", "quotes"),
        Find("feature", "quotes", whole=True),
        Find("feature", "column", whole=True),
        FindContexts(1, 0, "cell", whole=True),
        FindSaturation(whole=True),
        FindMatches(1, 100, 105, 0.1, whole=True),
    ],
    ids=lambda request: type(request).__name__ + (" whole" if getattr(request, "whole", False) else ""),
)
def test_a_search_that_is_dropped_ends_soon(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = _text() * 20
    vocabulary = Vocabulary.of(text)
    shape = Architecture("lstm", len(vocabulary), 128, 1)
    office = Office(CharRNN(shape, vocabulary).eval(), tmp_path, text)
    office.ask(ReadPage(0, 100, 0))
    office.desk.ask(request_)
    time.sleep(0.3)
    started = time.perf_counter()
    office.desk.close()
    office.thread.join(5)
    left = time.perf_counter() - started
    lanes = [thread for thread in threading.enumerate() if thread.name.startswith("rnnscope ")]
    assert not office.thread.is_alive()
    assert not lanes
    assert left < 1.0
    assert not any(isinstance(answer, Found | Named) for answer in office.desk.drain())
