"""Everything a network computes along a text, exactly, and not one character at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.model import CharRNN, State
from rnnscope.tracing.segments import record_layer
from rnnscope.tracing.trace import Float, Trace

_CHUNK = 16_384
"""Characters recorded at once; bounds the memory beside the trace itself."""
_STOPPABLE = 1024


@torch.no_grad()
def record(
    model: CharRNN,
    ids: ArrayLike,
    state: State | None = None,
    *,
    step: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> Trace:
    """Trace the characters `ids` (T,) from `state` (each part (1, H)), or as if nothing had been read.

    The network computes in its own type, float32 or float64, without dropout; the trace is float32. `step` is
    kept in the trace. should_stop: looked at every thousand characters; the trace ends with those read.
    """
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
    with torch.autocast(model.device.type, enabled=False):
        chunk = _CHUNK if should_stop is None else _STOPPABLE
        for start in range(0, len(read), chunk):
            if should_stop is not None and should_stop():
                return Trace(
                    architecture, model.vocabulary.symbols, read, log_probabilities, activations, step
                ).until(start)
            part = slice(start, start + chunk)
            values = model.embed(torch.from_numpy(read[part]).to(model.device, torch.int64).unsqueeze(1))
            after = []
            for number, (cell, memory) in enumerate(zip(model.layers, before, strict=True), start=1):
                kept = {name: torch.from_numpy(activations[f"{number}/{name}"][part]) for name in quantities}
                values, last = record_layer(cell, values, memory, kept)
                after.append(last)
            before = tuple(after)
            expected = functional.log_softmax(model.readout(values.squeeze(1)), dim=-1)
            torch.from_numpy(log_probabilities[part]).copy_(expected)
    return Trace(architecture, model.vocabulary.symbols, read, log_probabilities, activations, step)
