"""What changes a network or goes back through it: ablation, saliency, and writing on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rnnscope.analysis.ablation import ablate, sample_side_by_side
from rnnscope.analysis.saliency import Saliency
from rnnscope.app.asking.answers import AblationFound, Answer, OriginFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindAblation, FindOrigin, WriteOn
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.reading import shown
from rnnscope.network.sampling import Sampler
from rnnscope.progress import Progress
from rnnscope.tracing.record import state_at

_SAMPLE = 240
_PRIME = 400
"""Characters read before writing or tracing back, so that the state is what it is there."""
_WRITTEN_AT_ONCE = 12
_KEPT = 1000
WRITTEN = "written on by the model"


def find_ablation(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindAblation)
    subject = bench.subject
    page = subject.pages.page(request.start, request.stop, Progress(is_cancelled=ticket.is_dropped))
    if len(page.trace) < 3:
        return
    ids = page.trace.ids
    plain = page.trace.log_probabilities[np.arange(1, len(ids) - 1), ids[2:]]
    ablation = ablate(
        bench.model,
        ids[1:],
        request.clamps,
        state_at(page.trace, 0, bench.model),
        plain=plain,
        should_stop=ticket.is_dropped,
    )
    if ticket.is_dropped():
        return
    found = AblationFound(request, ablation, page.start + 1, page.text[1:], None)
    yield found
    prime = ids[max(0, request.cursor - page.start - _PRIME) : request.cursor - page.start + 1].tolist()
    pairs = []
    for pair in sample_side_by_side(bench.model, request.clamps, prime, _SAMPLE, temperature=0.7, seed=1):
        if ticket.is_dropped():
            return
        pairs.append(pair)
    symbols = bench.model.vocabulary.symbols
    without, held = ("".join(symbols[pair[which][0]] for pair in pairs) for which in (0, 1))
    yield replace(found, samples=(without, held))


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
