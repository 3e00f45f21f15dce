"""What changes a network or goes back through it: ablation, saliency, and writing on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.analysis.saliency import Saliency
from rnnscope.app.asking.answers import AblationFound, Answer, OriginFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindAblation, FindOrigin, WriteOn
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.reading import shown
from rnnscope.network.sampling import Sampler
from rnnscope.progress import Progress

_SAMPLE = 240
_WRITTEN_AT_ONCE = 12
_KEPT = 1000
WRITTEN = "written on by the model"


def find_ablation(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindAblation)
    yield AblationFound(request, bench.subject.answer(request.query, ticket))


def find_origin(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindOrigin)
    yield OriginFound(request, bench.subject.answer(Saliency(request.position), ticket))


def write_on(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, WriteOn)
    before = max(0, request.position - _KEPT)
    page = bench.subject.pages.page(before, request.position + 1, Progress(is_cancelled=ticket.is_dropped))
    sampler = Sampler(bench.model)
    sampler.feed(page.trace.ids.tolist())
    symbols = bench.model.vocabulary.symbols
    text = page.text
    for count, (chosen, _) in enumerate(sampler.stream(_SAMPLE, temperature=0.8, seed=request.seed), start=1):
        text += symbols[chosen]
        if count % _WRITTEN_AT_ONCE == 0:
            if ticket.is_dropped():
                return
            subject = bench.put(text, WRITTEN)
            yield from shown(bench, subject, ticket, 0, len(text), len(text) - 1)


PROBING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    FindAblation: find_ablation,
    FindOrigin: find_origin,
    WriteOn: write_on,
}
