"""The worker behind the train screen: the same answers as the analyses, of the trace that comes along."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from rnnscope.analysis.find import Find, find
from rnnscope.app.asking.answers import Answer, ContextsFound, Ended, Found, Refused
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import FindContextsInTrace, FindInTrace, Request
from rnnscope.inspection.live import serve
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

TEXT = 'The bell "rang" at seven (or so), and then\nthe ferry left; "never" again.\n\n' * 20


@pytest.fixture(scope="module")
def trace() -> Trace:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("gru", len(vocabulary), 10)
    model = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(1)).eval()
    return record(model, vocabulary.encode(TEXT), step=42)


class Asked:
    """A desk with the worker behind it, in a thread of its own as in the application."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self.desk = Desk(self._woken.set)
        self.thread = threading.Thread(target=serve, args=(self.desk,), daemon=True)
        self.thread.start()

    def __call__(self, request: Request) -> list[Answer]:
        """All that is said of a request until it ends."""
        self.desk.ask(request)
        said: list[Answer] = []
        while not any(isinstance(answer, Ended) for answer in said):
            assert self._woken.wait(20)
            self._woken.clear()
            said += self.desk.drain()
        return said[:-1]


@pytest.fixture
def ask() -> Iterator[Asked]:
    threads = torch.get_num_threads()
    asked = Asked()
    yield asked
    asked.desk.close()
    asked.thread.join(20)
    torch.set_num_threads(threads)
    assert not asked.thread.is_alive()


def test_a_search_is_the_analysis_own(ask: Asked, trace: Trace) -> None:
    request = FindInTrace("feature", "quotes", trace=trace)
    (found,) = ask(request)
    assert isinstance(found, Found)
    assert found.request is request
    expected = find(Find(feature="quotes", limit=1), TextReader.of_trace(trace)).results[0]
    (layer, unit), known = found.results[0]
    assert (layer, unit, known.quantity) == (expected.layer, expected.unit, expected.quantity)
    assert known.score == expected.held_out
    assert found.positions == len(trace)


def test_contexts_are_of_the_neuron_along_the_trace(ask: Asked, trace: Trace) -> None:
    (found,) = ask(FindContextsInTrace(1, 3, "update", trace=trace))
    assert isinstance(found, ContextsFound)
    values = trace["1/update"][:, 3]
    best = found.contexts.highest[0]
    assert values[best.position] == values.max()
    assert best.text == trace.text[best.start : best.start + len(best.values)]


def test_what_cannot_be_answered_is_told_and_the_worker_goes_on(ask: Asked, trace: Trace) -> None:
    for request, told in (
        (FindInTrace("feature", "quotes", trace=trace.until(199)), "a search needs 200"),
        (FindInTrace("inside", "(", trace=trace), "("),
        (FindInTrace("inside", "nowhere", trace=trace), "nowhere"),
    ):
        (refused,) = ask(request)
        assert isinstance(refused, Refused)
        assert told in refused.message
    assert isinstance(ask(FindInTrace("inside", "bell", trace=trace))[0], Found)
