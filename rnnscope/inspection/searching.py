"""Who knows what: neurons named, features searched for, contexts, gates, and ranges that match."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from rnnscope.analysis.contexts import top_contexts
from rnnscope.analysis.evidence import count_trace
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.findings import Finding, Findings
from rnnscope.analysis.matching import match, select
from rnnscope.analysis.questions import BuiltIn, Labels, Pattern, Question, Where
from rnnscope.analysis.saturation import saturation
from rnnscope.analysis.search import find_in_trace, name_neurons
from rnnscope.app.asking.answers import (
    Answer,
    ContextsFound,
    Found,
    MatchesFound,
    Named,
    SaturationFound,
    Told,
)
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import Find, FindContexts, FindMatches, FindSaturation, NameNeurons, Request
from rnnscope.app.ranking import Known, Neuron
from rnnscope.errors import OptionError, TextError
from rnnscope.inspection.bench import Bench
from rnnscope.tracing.trace import Trace, is_gate

AROUND = 40
_TOP = 512
_WIDEST_MATCH = 60


def name(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    survey = bench.subject.survey(ticket)
    if survey is None:
        return
    names = name_neurons(count_trace(survey.trace, BuiltIn(FEATURES), None))
    yield Named(ticket.request, {(n.layer, n.unit): _known(n.feature, n.finding) for n in names})
    quantity = "cell" if "cell" in survey.trace.quantities else "hidden"  # all would take minutes
    for number, feature in enumerate(FEATURES):
        if ticket.is_dropped():
            return
        yield Told(ticket.request, number / len(FEATURES))
        try:
            yield _found(
                ticket.request, find_in_trace(survey.trace, BuiltIn([feature]), quantity=quantity, top=1)
            )
        except TextError:
            continue  # it is on nowhere, or everywhere


def find(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, Find)
    survey = bench.subject.survey(ticket)
    if survey is None:
        return
    yield found_in(request, survey.trace)


def found_in(request: Find, trace: Trace, top: int = _TOP) -> Found:
    """Who knows what is asked for. Raises OptionError, TextError."""
    return _found(request, find_in_trace(trace, _question(request, len(trace)), top=top))


def _question(request: Find, length: int) -> Question:
    """Raises OptionError for what can be asked of no text."""
    if request.kind == "feature":
        return BuiltIn([request.asked])
    if request.kind == "marks":
        labels = np.full(length, np.nan)
        for start, stop, is_on in request.marks:
            labels[start:stop] = is_on
        if np.isnan(labels).all():
            raise OptionError(
                f"what is marked lies beyond the first {length:,} characters, which are searched"
            )
        if not (labels == 0).any():  # only "on" was marked: all else is off
            labels[np.isnan(labels)] = 0
        return Labels(labels, request.asked)
    where: Where = request.kind
    return Pattern(request.asked, where)


def _found(request: Request, findings: Findings) -> Found:
    best: dict[Neuron, Known] = {}
    for finding in findings.results:
        best.setdefault((finding.layer, finding.unit), _known(findings.feature, finding))
    metric = next(iter(best.values())).metric if best else "AUC"
    return Found(
        request,
        findings.feature,
        metric,
        tuple(best.items()),
        findings.null,
        findings.probe.held_out,
        findings.probe.units_used,
        findings.verdict,
        findings.positions,
        findings.positives,
    )


def _known(feature: str, finding: Finding) -> Known:
    metric = "AUC" if finding.metric == "auc" else "ρ"
    return Known(feature.replace("-", " "), finding.held_out, metric, finding.direction < 0, finding.quantity)


def find_contexts(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindContexts)
    survey = bench.subject.survey(ticket)
    if survey is not None:
        yield contexts_in(request, survey.trace)


def contexts_in(request: FindContexts, trace: Trace) -> ContextsFound:
    """Where the neuron is highest, lowest and between along a trace."""
    values = trace.shown(request.layer, request.quantity, request.unit)
    found = top_contexts([values], value_range=(0.0, 1.0) if is_gate(request.quantity) else (-1.0, 1.0))
    contexts = [*found.highest, *found.lowest, *(one for band in found.bands for one in band.contexts)]
    symbols = trace.characters
    return ContextsFound(request, found, {c.start: "".join(symbols[c.start : c.stop]) for c in contexts})


def find_saturation(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    survey = bench.subject.survey(ticket)
    if survey is not None:
        yield SaturationFound(ticket.request, saturation([survey.trace]))


def find_matches(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    request = ticket.request
    assert isinstance(request, FindMatches)
    survey = bench.subject.survey(ticket)
    if survey is None:
        return
    if request.stop > len(survey):
        raise OptionError(f"only the first {len(survey):,} characters are searched; mark a range among them")
    quantity = "cell" if "cell" in survey.trace.quantities else "hidden"
    values = survey.trace.shown(request.layer, quantity)
    selection = select(values, request.start, request.stop, threshold=request.threshold)
    matches = match(
        values,
        selection,
        limit=40,
        exclude=(request.start, request.stop),
        should_stop=ticket.is_dropped,
    )
    symbols = survey.trace.characters
    texts = tuple(
        "".join(symbols[max(0, start - 12) : min(stop, start + _WIDEST_MATCH) + AROUND])
        for start, stop in zip(matches.starts.tolist(), matches.stops.tolist(), strict=True)
    )
    yield MatchesFound(request, matches, texts)


SEARCHING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    NameNeurons: name,
    Find: find,
    FindContexts: find_contexts,
    FindSaturation: find_saturation,
    FindMatches: find_matches,
}
