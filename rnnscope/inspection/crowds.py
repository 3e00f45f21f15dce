"""A crowd of neurons read as a few factors: learnt once of each layer, then followed along any page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from weakref import WeakKeyDictionary

from rnnscope.analysis.factors import Factors, factorize, strengths
from rnnscope.app.asking.answers import Answer, FactorsFound, Told
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindFactors
from rnnscope.inspection.bench import Bench, Subject
from rnnscope.progress import Progress

_FACTORS = 12
_LEARNT_FROM = 4000
"""Positions, evenly among those surveyed: more say little more."""

_learnt: WeakKeyDictionary[Subject, dict[int, Factors]] = WeakKeyDictionary()


def find_factors(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindFactors)
    subject = bench.subject
    of_layers = _learnt.setdefault(subject, {})
    if request.layer not in of_layers:
        survey = subject.survey(ticket)
        yield Told(request, 0.2)
        values = survey.trace.shown(request.layer, "hidden")[:: max(1, len(survey) // _LEARNT_FROM)]
        count = min(_FACTORS, values.shape[1])
        found = factorize(values, count, should_stop=ticket.is_dropped)
        if ticket.is_dropped():
            return
        of_layers[request.layer] = found
    page = subject.pages.page(request.start, request.stop, Progress(is_cancelled=ticket.is_dropped))
    if not len(page.trace):
        return
    factors = of_layers[request.layer]
    along = strengths(page.trace.shown(request.layer, "hidden"), factors.units)
    yield FactorsFound(request, replace(factors, along=along), page.start)


CROWDS: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {FindFactors: find_factors}
