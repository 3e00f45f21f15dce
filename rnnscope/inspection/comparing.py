"""The network beside n-grams: where it errs, where the two differ, and what they lose at closing brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.analysis.compare import all_match_distances, breakdown
from rnnscope.analysis.words import word_counts
from rnnscope.app.asking.answers import (
    Answer,
    DistancesFound,
    ErrorsFound,
    NgramsFound,
    PageCompared,
    Told,
)
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import ComparePage, FindDistances, FindErrors, FindNgrams
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.judging import Judged, differences, judge


def find_errors(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    for judged in judge(bench.subject, ticket):
        if not isinstance(judged, Judged):
            yield Told(ticket.request, judged)
            continue
        found = breakdown(judged.text, judged.log_probabilities, judged.by_order, word_counts(judged.learned))
        yield ErrorsFound(ticket.request, found, judged.start, judged.text, judged.source)


def find_ngrams(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    for judged in judge(bench.subject, ticket):
        if not isinstance(judged, Judged):
            yield Told(ticket.request, judged)
            continue
        yield NgramsFound(ticket.request, judged.comparison, judged.start, judged.text, judged.source)


def compare_page(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, ComparePage)
    subject = bench.subject
    for judged in judge(subject, ticket):
        if not isinstance(judged, Judged):
            yield Told(request, judged)
            continue
        nats = differences(subject, judged, request.start, request.stop, ticket)
        if nats is not None:
            yield PageCompared(request, request.start, judged.comparison.order, nats)


def find_distances(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    for judged in judge(bench.subject, ticket):
        if not isinstance(judged, Judged):
            yield Told(ticket.request, judged)
            continue
        found = all_match_distances(judged.text, judged.comparison)
        order = judged.comparison.order
        yield DistancesFound(ticket.request, found, order, judged.start, judged.text, judged.source)


COMPARING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    FindErrors: find_errors,
    FindNgrams: find_ngrams,
    ComparePage: compare_page,
    FindDistances: find_distances,
}
