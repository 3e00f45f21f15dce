"""Where something is in the text: words, a share of it, or what was searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rnnscope.analysis.scanning import AHEAD
from rnnscope.analysis.targets import Target
from rnnscope.app.asking.answers import Answer, TextFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import Find, FindOn, FindShare, FindText
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.searching import query_of
from rnnscope.progress import Progress
from rnnscope.text.long import LongText
from rnnscope.text.occurrences import compiled, find_next, find_previous
from rnnscope.text.patterns import Span

_WINDOW = 1 << 14
_WINDOWS = 64
"""How many are looked at ahead, and how many from the beginning."""
_BEFORE = 1 << 12
"""Read before a window far into the text, so that what is open there is known."""


def find_text(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindText)
    text = bench.subject.pages.text
    pattern = compiled(request.pattern, text, is_pattern=True)
    search = find_next if request.forward else find_previous
    progress = Progress(is_cancelled=ticket.is_dropped)
    span = search(text, pattern, request.position, progress)
    if span is None and request.forward:
        span = find_next(text, pattern, 0, progress)  # from the beginning of the text
    yield TextFound(request, span)


def find_share(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindShare)
    last = bench.subject.pages.text.count(progress=Progress(is_cancelled=ticket.is_dropped)) - 1
    position = min(last, round(request.share * last))
    yield TextFound(request, (position, position + 1))


def find_on(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, OptionError, TextError."""
    request = ticket.request
    assert isinstance(request, FindOn)
    search, position = request.search, request.position
    if search.kind == "marks":
        yield TextFound(request, _next_marked(search, position))
        return
    text, question = bench.subject.pages.text, query_of(search).target()
    begins = dict.fromkeys((position, 0))  # from the beginning again, unless that is where it began
    places = (_next_on(text, question, begin, request.begins, ticket.is_dropped) for begin in begins)
    yield TextFound(request, next((span for span in places if span is not None), None))


def _next_marked(search: Find, position: int) -> Span | None:
    marks = sorted((start, stop) for start, stop, is_on in search.marks if is_on)
    return next((mark for mark in marks if mark[0] >= position), marks[0] if marks else None)


def _next_on(
    text: LongText, question: Target, begin: int, begins: bool, should_stop: Callable[[], bool]
) -> Span | None:
    """The first stretch at `begin` or after it; None of what is a number, or too far away."""
    for first in range(begin, begin + _WINDOWS * _WINDOW, _WINDOW):
        Progress(is_cancelled=should_stop).check()
        low = max(0, first - _BEFORE) if first > _WINDOW else 0
        shown = text.read(low, first + _WINDOW + AHEAD)
        if question.kind == "number" or len(shown) <= first - low:
            return None
        on = question.values(lambda start, stop, shown=shown: shown[start:stop], len(shown)) == 1  # type: ignore[misc]
        wanted = on.copy()
        if begins:
            wanted[1:] &= ~on[:-1]
        at = np.flatnonzero(wanted[first - low : first - low + _WINDOW])
        if len(at):
            start = first - low + int(at[0])
            lasts = np.flatnonzero(~on[start:])
            return low + start, low + start + (int(lasts[0]) if len(lasts) else len(on) - start)
    return None


PLACES: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    FindOn: find_on,
    FindShare: find_share,
    FindText: find_text,
}
