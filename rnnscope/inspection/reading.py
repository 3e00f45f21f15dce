"""Pages of the text, traced: as they are scrolled to, and as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.app.inspecting import Answer, PageRead, PutBack, ReadPage, Ticket, TypeText
from rnnscope.inspection.bench import Bench, Subject

_COUNTED_AHEAD = 1 << 21
"""How far a text is counted before its first page is shown; most are counted whole."""
TYPED = "typed"


def read_page(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, ReadPage)
    subject = bench.subject
    subject.pages.text.count(request.stop + _COUNTED_AHEAD, should_stop=ticket.is_dropped)
    yield from shown(bench, subject, ticket, request.start, request.stop, request.cursor)


def type_text(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, TypeText)
    subject = bench.put(request.text, TYPED)
    yield from shown(bench, subject, ticket, 0, len(request.text), request.cursor)


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
        page = pages.page(start, stop, at_once=at_once, should_stop=ticket.is_dropped)
        if page is None or not len(page.trace):
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
        if page.is_exact:
            return
        if not pages.lay(start, should_stop=ticket.is_dropped):
            return


READING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    ReadPage: read_page,
    TypeText: type_text,
    PutBack: put_back,
}
