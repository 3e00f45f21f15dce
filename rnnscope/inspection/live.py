"""The worker's side of the train screen: searches of a trace that the run has said.

The trace comes with the request, so that nothing here touches the network that learns; and one thread is
enough, since the cores belong to the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch

from rnnscope.app.asking.answers import Answer
from rnnscope.app.asking.desk import Desk, Ticket
from rnnscope.app.asking.requests import FindContextsInTrace, FindInTrace, Request
from rnnscope.inspection.answering import answer
from rnnscope.inspection.searching import contexts_in, found_in
from rnnscope.inspection.survey import check_length

_TOP = 64
"""Quantities of units that are ranked; to rank many more takes as long again as to find them."""


def serve(desk: Desk) -> None:
    """Answer until the desk is closed."""
    torch.set_num_threads(1)
    answer(desk, "long", lambda ticket: _ANSWERS[type(ticket.request)](ticket))


def _find(ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindInTrace)
    check_length(len(request.trace))
    yield found_in(request, request.trace, top=_TOP, should_stop=ticket.is_dropped)


def _find_contexts(ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindContextsInTrace)
    yield contexts_in(request, request.trace)


_ANSWERS: Mapping[type[Request], Callable[[Ticket], Iterator[Answer]]] = {
    FindInTrace: _find,
    FindContextsInTrace: _find_contexts,
}
