"""A network read along a text of any length, one stretch after another, its state carried: exact and bounded.

    ids      |----stretch 1----|----stretch 2----|--- …
    state   0 ───────────────▶ s ─────────────▶ s ──▶ …

What reads the stretches (a histogram, a count, a list of the best) keeps only what it needs of each. Every
walk tells how far it is and can be stopped; what was read until then stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.model import CharRNN, State
from rnnscope.tracing.record import record
from rnnscope.tracing.segments import record_layer
from rnnscope.tracing.trace import Float, Trace

Told = Callable[[float], object]
"""Is told how much of the work is done, 0..1."""
Stop = Callable[[], bool]
"""Looked at between two stretches; once true, the work ends with what it has."""

_TRACE_BYTES = 128 << 20  # what a stretch may take, all quantities of all units together
_LONGEST, _SHORTEST = 16_384, 128
_LOSS_STRETCH = 8192


def walk(
    model: CharRNN,
    ids: NDArray[Any],
    state: State | None = None,
    *,
    stretch: int | None = None,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Iterator[Trace]:
    """Trace `ids` (T,) in stretches, which follow each other without a seam.

    state: where to start, as if nothing had been read where None. stretch: characters at once; by default
    what fits in some 128 MB.
    """
    size = stretch or _stretch(model.architecture)
    for start in range(0, len(ids), size):
        if should_stop is not None and should_stop():
            return
        trace = record(model, ids[start : start + size], state)
        yield trace
        state = state_at(trace, len(trace) - 1, model)
        if told is not None:
            told(min(1.0, (start + size) / len(ids)))


def state_at(trace: Trace, position: int, model: CharRNN) -> State:
    """The state of the network after it read the character at `position` of a trace of its own."""
    weight = model.readout.weight
    parts = ("hidden", "cell")

    def part(layer: int, name: str) -> Tensor:
        row = torch.from_numpy(trace[f"{layer}/{name}"][position : position + 1].copy())
        return row.to(weight.device, weight.dtype)

    return tuple(
        tuple(part(layer, name) for name in parts[: cell.state_parts])
        for layer, cell in enumerate(model.layers, 1)
    )


@torch.no_grad()
def true_log_probabilities(
    model: CharRNN,
    ids: NDArray[Any],
    state: State | None = None,
    *,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Float:
    """(T − 1,) ln p of each character of `ids` (T,) after the first, given all before it. No dropout."""
    device = model.device
    before = model.initial_state(1) if state is None else state
    found = np.empty(max(0, len(ids) - 1), np.float32)
    for start in range(0, len(found), _LOSS_STRETCH):
        if should_stop is not None and should_stop():
            return found[:start]
        part = torch.from_numpy(np.asarray(ids[start : start + _LOSS_STRETCH + 1], np.int64)).to(device)
        hidden, before = read_through(model, part[:-1, None], before)
        expected = functional.log_softmax(model.readout(hidden)[:, 0].float(), dim=-1)
        found[start : start + len(part) - 1] = expected.gather(1, part[1:, None])[:, 0].cpu().numpy()
        if told is not None:
            told((start + len(part) - 1) / len(found))
    return found


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


def _stretch(architecture: Architecture) -> int:
    quantities = architecture.layers * len(QUANTITIES[architecture.cell])
    a_character = 4 * (architecture.vocabulary_size + quantities * architecture.hidden_size)
    return min(_LONGEST, max(_SHORTEST, _TRACE_BYTES // a_character))
