"""What changes a network or goes back through it: ablation, saliency, errors, and writing on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from rnnscope.analysis.ablation import ablate, sample_side_by_side
from rnnscope.analysis.attribution import saliency
from rnnscope.analysis.errors import break_down
from rnnscope.analysis.words import word_counts
from rnnscope.app.asking.answers import AblationFound, Answer, ErrorsFound, OriginFound, TextFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindAblation, FindErrors, FindOrigin, FindText, WriteOn
from rnnscope.errors import OptionError, TextError
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.reading import shown
from rnnscope.sampling import Sampler
from rnnscope.text.ngram import log_probabilities_by_order
from rnnscope.text.occurrences import find_next, find_previous

_SAMPLE = 240
_PRIME = 400
"""Characters read before writing or tracing back, so that the state is what it is there."""
_WRITTEN_AT_ONCE = 12
_KEPT = 1000
WRITTEN = "written on by the model"
_BEFORE = 200
_SAMPLED_PLACES = 12
_AROUND = 24


def find_ablation(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindAblation)
    subject = bench.subject
    page = subject.pages.page(request.start, request.stop, should_stop=ticket.is_dropped)
    if page is None:
        return
    ids = page.trace.ids
    ablation = ablate(bench.model, ids, request.clamps, should_stop=ticket.is_dropped)
    prime = ids[max(0, request.cursor - request.start - _PRIME) : request.cursor - request.start + 1]
    pairs = list(
        sample_side_by_side(bench.model, request.clamps, prime.tolist(), _SAMPLE, temperature=0.7, seed=1)
    )
    symbols = bench.model.vocabulary.symbols
    plain, clamped = ("".join(symbols[pair[which][0]] for pair in pairs) for which in (0, 1))
    yield AblationFound(request, ablation, page.start, page.text, (plain, clamped))


def find_origin(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindOrigin)
    start = max(0, request.position - _PRIME - _BEFORE)
    page = bench.subject.pages.page(start, request.position + 1, should_stop=ticket.is_dropped)
    if page is None or len(page.trace) < 2:
        return
    position = len(page.trace) - 1
    found = saliency(bench.model, page.trace.ids, position, window=_BEFORE)
    text = "".join(page.trace.characters[found.start : position + 1])
    shift = page.start
    yield OriginFound(
        request,
        type(found)(found.position + shift, found.start + shift, found.norms, found.log_probability),
        text,
    )


def find_errors(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises TextError where the training text, which the oracles count, is not at hand."""
    subject = bench.subject
    survey = subject.survey(ticket)
    learned = subject.training_text()
    if survey is None:
        return
    if learned is None:
        raise TextError(
            "the training text of this model is not at hand; its n-grams and words are counted there"
        )
    trace = survey.trace
    expected = trace.log_probabilities[np.arange(len(trace) - 1), trace.ids[1:]]
    vocabulary = bench.model.vocabulary
    orders = log_probabilities_by_order(
        vocabulary.encode(learned),
        trace.ids,
        len(vocabulary),
        range(1, 8),
        should_stop=ticket.is_dropped,
    )
    text = trace.text
    breakdown = break_down(text, expected, orders, word_counts(learned))
    texts = {}
    for bucket in breakdown.buckets:
        for level in bucket.levels:
            for position in level.positions[:_SAMPLED_PLACES].tolist():
                texts[position] = text[max(0, position - _AROUND) : position + _AROUND]
    yield ErrorsFound(ticket.request, breakdown, texts)


def find_text(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindText)
    try:
        pattern = re.compile(request.pattern, re.MULTILINE)
    except re.error as error:
        raise OptionError(f"{request.pattern!r} is not a regular expression: {error}") from error
    text = bench.subject.pages.text
    search = find_next if request.forward else find_previous
    span = search(text, pattern, request.position, should_stop=ticket.is_dropped)
    if span is None and request.forward and not ticket.is_dropped():
        span = find_next(text, pattern, 0, should_stop=ticket.is_dropped)  # from the beginning again
    yield TextFound(request, span)


def write_on(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, WriteOn)
    before = max(0, request.position - _KEPT)
    page = bench.subject.pages.page(before, request.position + 1, should_stop=ticket.is_dropped)
    if page is None:
        return
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
    FindErrors: find_errors,
    FindText: find_text,
    WriteOn: write_on,
}
