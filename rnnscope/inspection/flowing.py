"""Gradient flow, as the inspect screen's worker answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.analysis import effects
from rnnscope.analysis.gradient_flow import Flow, GradientFlow
from rnnscope.app.asking.answers import Answer, GradientsFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindGradients
from rnnscope.inspection.bench import Bench


def find_gradients(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises TextError for a text that is too short, CheckpointError for a model that there is not."""
    request = ticket.request
    assert isinstance(request, FindGradients)
    result = bench.subject.answer(GradientFlow(other=request.beside or ""), ticket)
    name = "" if result.other.name == "untrained" else result.other.name
    yield GradientsFound(request, _hidden(result.own), _hidden(result.other), name, result.unknown_share)


def _hidden(flow: Flow) -> effects.GradientFlow:
    return effects.GradientFlow(flow.title, flow.hidden.mean, flow.losses)


FLOWING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {FindGradients: find_gradients}
