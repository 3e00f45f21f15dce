"""How far back a loss is felt: the network that is looked at beside one of the other kind, on one text.

Beside an LSTM or its kin stands a plain RNN, beside an RNN an LSTM: the sample model of that kind which knows
the text's characters or, where there is none, an untrained network of the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from rnnscope.analysis.effects import GradientFlow
from rnnscope.analysis.gradient_flow import gradient_flow, spread
from rnnscope.app.asking.answers import Answer, GradientsFound, Told
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindGradients
from rnnscope.errors import RnnscopeError, TextError
from rnnscope.inspection.bench import Bench
from rnnscope.network.architecture import CellName
from rnnscope.network.checkpoint import load_model
from rnnscope.network.header import read_header
from rnnscope.network.locate import resolve_model, sample_models
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary, code_points
from rnnscope.tracing.keyframes import advance
from rnnscope.tracing.reader import substituting

READ = 8192
"""Characters of the text that are read."""
DISTANCE = 101
"""T − t is 0 … 100, where the text is long enough."""
LOSSES = 64
"""Predictions whose gradients are averaged."""
_LEAST_DISTANCE = 10
_AT_ONCE = 16
_KNOWN = 0.99
"""The share of the text's characters that a sample model must know to stand beside another."""


@dataclass(frozen=True, eq=False)
class Other:
    """The network beside the one that is looked at."""

    model: CharRNN
    name: str = ""
    """Empty where it was only drawn."""


def find_gradients(bench: Bench, ticket: Ticket) -> Iterator[Answer]:
    """Raises TextError for a text too short, CheckpointError for another model that is none."""
    request = ticket.request
    assert isinstance(request, FindGradients)
    model = bench.model
    text = bench.subject.pages.text.read(0, READ)
    distance = min(DISTANCE, len(text) // 2)
    if distance < _LEAST_DISTANCE:
        raise TextError(f"the text has {len(text)} characters; {2 * _LEAST_DISTANCE} at least are gone back")
    other = beside(model, text) if request.beside is None else named(request.beside)
    flows: list[GradientFlow] = []
    for number, network in enumerate((model, other.model)):
        ids = encode(network.vocabulary, text, model.vocabulary.kind)
        for step in flow(network, ids, min(distance, len(ids) // 2), ticket):
            if isinstance(step, GradientFlow):
                flows.append(step)
            else:
                yield Told(request, (number + step) / 2)
    if len(flows) == 2:
        unknown = unknown_share(other.model.vocabulary, text, model.vocabulary.kind)
        yield GradientsFound(request, flows[0], flows[1], other.name, unknown)


def flow(
    model: CharRNN, ids: NDArray[np.int32], distance: int, ticket: Ticket
) -> Iterator[float | GradientFlow]:
    """What `attribution.gradient_flow` finds, with the share that is done on the way."""
    positions = spread(len(ids), LOSSES, distance)
    total = np.zeros((model.architecture.layers, distance))
    at, state = 0, None
    for first in range(0, len(positions), _AT_ONCE):
        if ticket.is_dropped():
            return
        batch = positions[first : first + _AT_ONCE]
        start = batch[0] - distance
        if start > at:
            at, state = start, advance(model, ids[at:start], state)
        part = gradient_flow(
            model,
            ids[start : batch[-1] + 1],
            [position - start for position in batch],
            state,
            distance=distance,
        )
        total += part.norms * part.positions
        yield (first + len(batch)) / len(positions)
    if not np.isfinite(total).all():
        raise RnnscopeError(f"the gradients of {model.architecture.title} are no numbers; it has diverged")
    yield GradientFlow(model.architecture.title, total / len(positions), len(positions))


def beside(model: CharRNN, text: str) -> Other:
    """The network of the other kind to set beside a model on a text."""
    kind: CellName = "lstm" if model.architecture.cell == "rnn" else "rnn"
    fitting = []
    for name, path in sample_models().items():
        header = read_header(path)
        unknown = unknown_share(header.vocabulary, text, model.vocabulary.kind)
        if header.architecture.cell == kind and unknown <= 1 - _KNOWN:
            size = abs(header.architecture.hidden_size - model.architecture.hidden_size)
            fitting.append((unknown, size, name, path))
    if fitting:
        _, _, name, path = min(fitting)
        return Other(load_model(path), name)
    shape = replace(model.architecture, cell=kind, activation="tanh")
    drawn = CharRNN(shape, model.vocabulary, generator=torch.Generator().manual_seed(0))
    return Other(drawn.to(model.device).eval())


def named(name: str) -> Other:
    """The model that the reader names. Raises CheckpointError."""
    path = resolve_model(name)
    return Other(load_model(path), path.stem if path.stem not in ("best", "last") else path.parent.name)


def encode(vocabulary: Vocabulary, text: str, kind: str) -> NDArray[np.int32]:
    """(T,) ids of a text of `kind`, characters or bytes, for a network that may know the other."""
    return substituting(vocabulary).encode_code_points(code_points(_of_kind(text, kind, vocabulary.kind)))


def unknown_share(vocabulary: Vocabulary, text: str, kind: str) -> float:
    """Of the text's characters, those that a vocabulary lacks."""
    told = _of_kind(text, kind, vocabulary.kind)
    known = set(vocabulary.symbols)
    return sum(symbol not in known for symbol in told) / max(1, len(told))


def _of_kind(text: str, kind: str, wanted: str) -> str:
    """A text of bytes as characters, or the other way about; one of bytes has a character a byte."""
    if kind == wanted:
        return text
    if wanted == "bytes":
        return text.encode("utf-8", "replace").decode("latin-1")
    return text.encode("latin-1").decode("utf-8", "replace")


FLOWING: dict[type, Callable[[Bench, Ticket], Iterator[Answer]]] = {FindGradients: find_gradients}
