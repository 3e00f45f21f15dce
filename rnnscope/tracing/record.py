"""Record all activations of a network along a text, in chunks of characters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.model import CharRNN, State
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.documents import NO_DOCUMENTS, Starts, document_starts
from rnnscope.tracing.segments import DEFAULT_CUT, Cut, record_layer
from rnnscope.tracing.trace import Float, Trace

_CANCELLABLE = 4096
"""Characters recorded between two checks for a cancellation."""
_LOSS_STRETCH = 8192


def record(
    model: CharRNN,
    ids: ArrayLike,
    state: State | None = None,
    *,
    step: int = 0,
    progress: Progress = NO_PROGRESS,
    cut: Cut = DEFAULT_CUT,
) -> Trace:
    """The trace of the characters `ids` (T,) from `state` (each part (1, H)), or from zero.

    The network computes in its own type, float32 or float64, without dropout; the trace is float32. Where the
    model's document separator matches, the state is reset. `step` is kept in the trace. cut: how a long text
    is divided. Raises Cancelled.
    """
    read, separator = np.asarray(ids, np.int32), model.document_separator
    found = NO_DOCUMENTS if separator is None else document_starts(read, model.vocabulary, separator)
    return record_from(model, read, state, documents=found, step=step, progress=progress, cut=cut)[0]


@torch.no_grad()
def record_from(
    model: CharRNN,
    ids: ArrayLike,
    state: State | None = None,
    *,
    documents: Starts = NO_DOCUMENTS,
    step: int = 0,
    progress: Progress = NO_PROGRESS,
    cut: Cut = DEFAULT_CUT,
) -> tuple[Trace, State]:
    """The same, with the state after the last character. documents: where among `ids` documents begin."""
    read = np.asarray(ids, np.int32)
    architecture = model.architecture
    quantities = QUANTITIES[architecture.cell]
    log_probabilities = np.empty((len(read), architecture.vocabulary_size), np.float32)
    activations: dict[str, Float] = {
        f"{layer}/{quantity}": np.empty((len(read), architecture.hidden_size), np.float32)
        for layer in range(1, architecture.layers + 1)
        for quantity in quantities
    }
    before = model.initial_state(1) if state is None else state
    chunk = cut.chunk if progress is NO_PROGRESS else _CANCELLABLE
    with torch.autocast(model.device.type, enabled=False):
        for start, stop in _parts(len(read), chunk, documents):
            progress.check()
            before = _at(model, start, before, documents)
            part = slice(start, stop)
            values = model.embed(torch.from_numpy(read[part]).to(model.device, torch.int64).unsqueeze(1))
            after = []
            for number, (cell, memory) in enumerate(zip(model.layers, before, strict=True), start=1):
                room = {name: torch.from_numpy(activations[f"{number}/{name}"][part]) for name in quantities}
                values, last = record_layer(cell, values, memory, room, cut)
                after.append(last)
            before = tuple(after)
            expected = functional.log_softmax(model.readout(values.squeeze(1)), dim=-1)
            torch.from_numpy(log_probabilities[part]).copy_(expected)
    trace = Trace(architecture, model.vocabulary.symbols, read, log_probabilities, activations, step)
    return trace, before


@torch.no_grad()
def true_log_probabilities(
    model: CharRNN,
    ids: NDArray[Any],
    state: State | None = None,
    *,
    documents: Starts = NO_DOCUMENTS,
    progress: Progress = NO_PROGRESS,
    stretch: int = _LOSS_STRETCH,
) -> Float:
    """(T − 1,) ln p of each character of `ids` (T,) after the first, given all before it. No dropout.

    documents: where among `ids` documents begin. stretch: characters read at once. Raises Cancelled.
    """
    device = model.device
    before = model.initial_state(1) if state is None else state
    found = np.empty(max(0, len(ids) - 1), np.float32)
    for start, stop in _parts(len(found), stretch, documents):
        progress.check()
        before = _at(model, start, before, documents)
        part = torch.from_numpy(np.asarray(ids[start : stop + 1], np.int64)).to(device)
        hidden, before = read_through(model, part[:-1, None], before)
        expected = functional.log_softmax(model.readout(hidden)[:, 0].float(), dim=-1)
        found[start:stop] = expected.gather(1, part[1:, None])[:, 0].cpu().numpy()
        progress.on_progress(stop / len(found))
    return found


def _parts(length: int, size: int, documents: Starts) -> Iterator[tuple[int, int]]:
    """Cut `length` characters every `size`, and where documents begin: (start, stop)."""
    cuts = np.concatenate((np.arange(0, length, size), documents[documents < length], [length]))
    yield from pairwise(np.unique(cuts).astype(int).tolist())


def _at(model: CharRNN, position: int, state: State, documents: Starts) -> State:
    """The state before the character at a position: zero if a document begins there."""
    at = int(np.searchsorted(documents, position))
    return model.initial_state(1) if at < len(documents) and documents[at] == position else state


@torch.no_grad()
def read_through(model: CharRNN, ids: Tensor, state: State) -> tuple[Tensor, State]:
    """The last layer's hidden (n, 1, H) after each of `ids` (n, 1) and the last state, never with dropout."""
    values, last = model.embed(ids), []
    shape, like = model.architecture, next(model.parameters())
    room = {name: like.new_empty(len(ids), shape.hidden_size) for name in QUANTITIES[shape.cell]}
    for cell, before in zip(model.layers, state, strict=True):
        values, after = record_layer(cell, values, before, room)
        last.append(after)
    return values, tuple(last)
