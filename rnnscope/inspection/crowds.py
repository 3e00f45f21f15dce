"""Factors of a layer along a page, for the heat map."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.analysis.factors import Factors
from rnnscope.app.asking.answers import Answer, FactorsFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindFactors
from rnnscope.inspection.bench import Bench


def find_factors(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindFactors)
    query = Factors(request.layer, start=request.start, stop=request.stop)
    found = bench.subject.answer(query, ticket)
    yield FactorsFound(request, found.factors, found.start)


CROWDS: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {FindFactors: find_factors}
