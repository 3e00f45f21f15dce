"""Pages of the text, traced: as they are scrolled to, and as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rnnscope.app.asking.answers import Answer, Noted, PageRead
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import PutBack, ReadPage, TypeText
from rnnscope.inspection.bench import Bench, Subject
from rnnscope.inspection.survey import joined
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.tracing.reader import substituting
from rnnscope.tracing.record import record, state_at
from rnnscope.tracing.trace import Trace

_COUNTED_AHEAD = 1 << 21
"""How far a text is counted before a page is shown; most are counted whole."""
_SCREENFUL = 800
"""Characters that are shown before anything else is done."""
_LONGEST_TYPED = 20_000
TYPED = "typed"


def read_page(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, ReadPage)
    subject = bench.subject
    is_first = not bench.has_shown.is_set()
    if is_first and request.cursor < request.start + _SCREENFUL < request.stop:
        yield from shown(bench, subject, ticket, request.start, request.start + _SCREENFUL, request.cursor)
    bench.has_shown.set()
    subject.pages.text.count(request.stop + _COUNTED_AHEAD, Progress(is_cancelled=ticket.is_dropped))
    yield from shown(bench, subject, ticket, request.start, request.stop, request.cursor)


def type_text(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, TypeText)
    text = request.text[:_LONGEST_TYPED]
    bench.put(text, TYPED)
    trace = retrace(bench.model, bench.typed, substituting(bench.model.vocabulary).encode(text))
    bench.typed = trace
    yield PageRead(request, 0, trace, request.cursor, len(text), True, True, TYPED, is_original=False)


def retrace(model: CharRNN, before: Trace | None, ids: NDArray[np.int32]) -> Trace:
    """The trace of `ids` (T,): of what it begins with as `before` does, only what follows is read."""
    if before is None:
        return record(model, ids)
    length = min(len(before), len(ids))
    differs = np.flatnonzero(before.ids[:length] != ids[:length])
    same = min(int(differs[0]) if len(differs) else length, len(ids) - 1)
    if same <= 0:
        return record(model, ids)
    return joined([before.until(same), record(model, ids[same:], state_at(before, same - 1, model))])


def put_back(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, PutBack)
    subject = bench.put_back()
    yield from shown(bench, subject, ticket, request.start, request.stop, request.cursor)


def shown(
    bench: Bench, subject: Subject, ticket: Ticket, start: int, stop: int, cursor: int
) -> Iterator[Answer]:
    """The page at once, and again when its states are exact."""
    pages = subject.pages
    for at_once in (True, False):
        page = pages.page(start, stop, Progress(is_cancelled=ticket.is_dropped), at_once=at_once)
        if not len(page.trace):
            return
        yield PageRead(
            ticket.request,
            page.start,
            page.trace,
            cursor - page.start,
            pages.text.known,
            pages.text.is_counted,
            page.is_exact,
            subject.source,
            subject is bench.opened,
        )
        if len(page.unknown) and not subject.is_lacking_told:
            subject.is_lacking_told = True
            lacking = page.text[int(page.unknown[0])]
            told = f"the model does not know {lacking!r} and the like: it reads {pages.stand_in!r} there"
            yield Noted(ticket.request, told)
        if page.is_exact:
            return
        try:
            pages.state(start, Progress(is_cancelled=ticket.should_pause))
        except Cancelled:
            ticket.is_put_off = True  # minutes, far into a long text: what is asked meanwhile goes before
            return


READING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    ReadPage: read_page,
    TypeText: type_text,
    PutBack: put_back,
}
