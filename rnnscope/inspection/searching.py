"""Who knows what: neurons named, features searched for, contexts, gates, and ranges that match."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.contexts import Contexts, top_contexts
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find as Query
from rnnscope.analysis.find import FindResult, FoundNeuron
from rnnscope.analysis.find import find as search
from rnnscope.analysis.matching import Selection, match, match_result, select
from rnnscope.analysis.names import NeuronLabel, name_neurons
from rnnscope.analysis.saturation import saturation
from rnnscope.analysis.targets import Labels
from rnnscope.app.asking.answers import (
    Answer,
    ContextsFound,
    Found,
    MatchesFound,
    Named,
    Noted,
    SaturationFound,
    Told,
)
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import Find, FindContexts, FindMatches, FindSaturation, NameNeurons, Request
from rnnscope.app.ranking import Known, Neuron
from rnnscope.errors import OptionError, TextError
from rnnscope.inspection.bench import Bench, Subject
from rnnscope.inspection.kept import Kept, as_answer, find_key, gain_key
from rnnscope.inspection.survey import joined, surveyed
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.progress import Progress
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.trace import Trace

_TOP = 256
_TOP_OF_WHOLE = 40
_LOOK_SECONDS, _LOOKS = 0.05, 100
"""The first page goes before the names, for so long."""
_MOST_MARKED = 20_000
"""Characters of one mark beyond the first part of the text that are traced."""
_STRETCH = 2048
"""Characters of a walk between two looks at whether it is still wanted."""


def name(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, TextError."""
    for _ in range(_LOOKS):
        if bench.has_shown.wait(_LOOK_SECONDS):
            break
        Progress(is_cancelled=ticket.is_dropped).check()
    subject, request = bench.subject, ticket.request
    kept = bench.kept(subject)
    names = kept.names(subject.digest) if kept is not None else None
    is_finished = kept is not None and kept.is_finished(subject.digest)
    if names is None or not is_finished:
        trace = subject.survey(ticket).trace
        found_names = name_neurons(trace, Progress(is_cancelled=ticket.is_dropped))
        names = {(each.layer, each.unit): _known(each.feature, each) for each in found_names.labels}
        if kept is not None:
            kept.keep_names(subject.digest, names)
    yield Named(request, names)
    for number, feature in enumerate(FEATURES):
        found = kept.found(subject.digest, gain_key(feature)) if kept is not None else None
        if found is None and not is_finished:
            yield Told(request, number / len(FEATURES))
            found = _gain(subject.survey(ticket).trace, feature, ticket)
        if found is not None:
            if kept is not None:
                kept.keep(subject.digest, gain_key(feature), found)
            yield as_answer(found, request, subject.extent(found.positions))
    if kept is not None and not is_finished:
        kept.finish(subject.digest)
        yield from _written(kept, request)


def _gain(trace: Trace, feature: str, ticket: Ticket) -> Found | None:
    """What all neurons add to the best one; None of a feature that is on nowhere, or everywhere."""
    try:
        found = search(
            Query(feature=feature, limit=1),
            TextReader.of_trace(trace),
            Progress(is_cancelled=ticket.is_dropped),
        )
    except TextError:
        return None
    return _found(ticket.request, found)


def _written(kept: Kept, request: Request) -> Iterator[Answer]:
    """Write what is kept; what stands in the way is told."""
    if (told := kept.write()) is not None:
        yield Noted(request, told)


def find(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, OptionError, TextError."""
    request = ticket.request
    assert isinstance(request, Find)
    subject = bench.subject
    kept = bench.kept(subject)
    are_compared = len({is_on for *_, is_on in request.marks}) == 2  # then nothing else is read
    whole = subject.whole(ticket) if request.whole and not are_compared else None
    digest = subject.digest if whole is None else whole.digest
    found = kept.found(digest, find_key(request)) if kept is not None else None
    if found is None:
        if whole is not None:
            found = _found_along(request, bench, ticket)
        else:
            trace, positions = _searched(request, subject, ticket)
            query = replace(query_of(request, positions), limit=_TOP)
            progress = Progress(is_cancelled=ticket.is_dropped)
            found = _found(request, search(query, TextReader.of_trace(trace), progress))
        if kept is not None:
            kept.keep(digest, find_key(request), found)
            yield from _written(kept, request)
    known = subject.pages.text.known
    is_all = whole is not None or are_compared
    read = known if is_all else min(known, surveyed(bench.model.architecture))
    yield as_answer(found, request, subject.extent(read))


def _found_along(request: Find, bench: Bench, ticket: Ticket) -> Found:
    """Over the whole text, which is read in streams."""
    query = replace(query_of(request), limit=_TOP_OF_WHOLE)
    return _found(request, search(query, bench.subject.pages, Progress(ticket.told, ticket.is_dropped)))


def _searched(request: Find, subject: Subject, ticket: Ticket) -> tuple[Trace, NDArray[np.int64]]:
    """The text's first part, and what is marked beyond it: a trace, and where its characters stand (T,).

    Where both is marked, what is meant and what is not, the marks alone tell. Raises Cancelled, OptionError.
    """
    marks = sorted(request.marks)
    trace = subject.survey(ticket).trace
    length = len(trace)
    if all(stop <= length for _, stop, _ in marks):
        return trace, np.arange(length)
    are_compared = len({is_on for *_, is_on in marks}) == 2
    parts, at = ([], 0) if are_compared else ([trace], length)
    places = [np.arange(len(part)) for part in parts]
    for start, stop, _ in marks:
        first = max(start, at)
        page = subject.pages.page(
            first, min(stop, first + _MOST_MARKED), Progress(is_cancelled=ticket.is_dropped)
        )
        if len(page.trace) and first < stop:
            parts.append(page.trace)
            places.append(np.arange(page.start, page.stop))
            at = page.stop
    if not parts:
        raise OptionError("nothing is marked in the text")
    return joined(parts), np.concatenate(places)


def found_in(
    request: Find, trace: Trace, top: int = _TOP, should_stop: Callable[[], bool] | None = None
) -> Found:
    """Who knows what is asked for. Raises Cancelled, OptionError, TextError."""
    progress = Progress(is_cancelled=should_stop or (lambda: False))
    query = replace(query_of(request), limit=top)
    return _found(request, search(query, TextReader.of_trace(trace), progress))


def query_of(request: Find, positions: NDArray[np.int64] | None = None) -> Query:
    """The query of a request; positions: (T,) where the characters stand in the text that marks refer to."""
    if request.kind == "feature":
        return Query(feature=request.asked)
    if request.kind == "marks":
        if positions is None:
            return Query(spans=request.marks)
        labels = np.full(len(positions), np.nan, np.float32)
        for start, stop, is_on in request.marks:
            labels[(positions >= start) & (positions < stop)] = is_on
        if not (labels == 0).any():  # only "on" was marked: all else is off
            labels[np.isnan(labels)] = 0
        return Query(labels=Labels.of(labels))
    return Query(pattern=request.asked, where=request.kind)


def _found(request: Request, result: FindResult) -> Found:
    best: dict[Neuron, Known] = {}
    feature = request.asked if isinstance(request, Find) else result.feature
    for each in result.results:
        best.setdefault((each.layer, each.unit), _known(feature, each))
    metric = next(iter(best.values())).metric if best else "AUC"
    return Found(
        request,
        result.feature if result.feature not in ("labels", "marked spans") else feature,
        metric,
        tuple(best.items()),
        result.null,
        result.probe.held_out,
        result.probe.units_used,
        result.verdict,
        result.positions,
        result.positives,
    )


def _known(feature: str, finding: FoundNeuron | NeuronLabel) -> Known:
    metric = "AUC" if finding.metric == "auc" else "ρ"
    return Known(feature.replace("-", " "), finding.held_out, metric, finding.direction < 0, finding.quantity)


def find_contexts(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, TextError."""
    request = ticket.request
    assert isinstance(request, FindContexts)
    subject = bench.subject
    if not request.whole:
        trace = subject.survey(ticket).trace
        yield replace(contexts_in(request, trace), extent=subject.extent(len(trace)))
        return
    found = subject.answer(_query(request), ticket)
    yield ContextsFound(request, found, subject.extent(found.positions))


def _walked(bench: Bench, ticket: Ticket) -> Iterator[Trace]:
    """The whole text, a short stretch at a time. Raises Cancelled, TextError."""
    yield from bench.subject.pages.traces(progress=Progress(ticket.told, ticket.is_dropped), stretch=_STRETCH)


def contexts_in(request: FindContexts, trace: Trace) -> ContextsFound:
    """Where the unit is highest, lowest and between along a trace."""
    values = trace.shown(request.layer, request.quantity, request.unit)
    characters = trace.characters
    found = top_contexts(_query(request), values, lambda start, stop: "".join(characters[start:stop]))
    return ContextsFound(request, found)


def _query(request: FindContexts) -> Contexts:
    return Contexts(request.layer, request.unit, request.quantity)


def find_saturation(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, TextError."""
    request = ticket.request
    assert isinstance(request, FindSaturation)
    subject = bench.subject
    if request.whole not in subject.saturation:
        if request.whole:
            counted = saturation(subject.pages.traces(progress=Progress(ticket.told, ticket.is_dropped)))
        else:
            counted = saturation([subject.survey(ticket).trace])
        extent = subject.extent(counted.positions if not request.whole else subject.pages.text.known)
        subject.saturation[request.whole] = SaturationFound(request, counted, extent)
    yield replace(subject.saturation[request.whole], request=request)


def find_matches(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises Cancelled, TextError."""
    request = ticket.request
    assert isinstance(request, FindMatches)
    subject = bench.subject
    selection = _selected(request, subject, ticket)
    quantity = _quantity(bench.model.architecture)
    values: NDArray[np.float32] | Iterator[NDArray[np.float32]]
    if request.whole:
        values = (trace.shown(request.layer, quantity) for trace in _walked(bench, ticket))
    else:
        values = subject.survey(ticket).trace.shown(request.layer, quantity)
    span = (selection.start, selection.stop)
    matches = match(values, selection, exclude=span)
    Progress(is_cancelled=ticket.is_dropped).check()
    size, read = bench.model.architecture.hidden_size, subject.pages.text.read
    found = match_result(request.layer, quantity, size, matches, read)
    yield MatchesFound(request, found, subject.extent(matches.positions))


def _selected(request: FindMatches, subject: Subject, ticket: Ticket) -> Selection:
    """The units on over exactly the range, wherever it lies in the text. Raises Cancelled, OptionError."""
    if request.stop - request.start > _MOST_MARKED:
        raise OptionError(f"a range of at most {_MOST_MARKED:,} characters can be matched")
    page = subject.pages.page(
        max(0, request.start - 1), request.stop, Progress(is_cancelled=ticket.is_dropped)
    )
    values = page.trace.shown(request.layer, _quantity(page.trace.architecture))
    start, stop = request.start - page.start, min(request.stop - page.start, len(values))
    if not start < stop:
        raise OptionError("what is marked lies beyond the end of the text")
    found = select(values, start, stop, threshold=request.threshold)
    return replace(found, start=page.start + start, stop=page.start + stop)


def _quantity(architecture: Architecture) -> str:
    """What a network keeps: its cells where it has some."""
    return "cell" if "cell" in QUANTITIES[architecture.cell] else "hidden"


SEARCHING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {
    NameNeurons: name,
    Find: find,
    FindContexts: find_contexts,
    FindSaturation: find_saturation,
    FindMatches: find_matches,
}
