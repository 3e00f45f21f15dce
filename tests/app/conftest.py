"""A made-up trace, so that panels are tested without torch."""

from __future__ import annotations

import numpy as np
import pytest

from rnnscope.architecture import Architecture
from rnnscope.tracing.trace import Trace

PASSAGE = (
    "THE FERRYMAN:\n"
    'You wrong me, sir; the bell was rung at "seven" and not before.\n'
    "I am a gentleman of the quay, and that, hearing of her clock,\n"
    "Her patience (and her ledger), I am bold to show myself\n"
    "a forward guest within your house.\n\n"
    "[[Notice]] The tide is 4.2 ells at noon; see page 12.\n"
)


def make_trace(text: str = PASSAGE, hidden_size: int = 48, layers: int = 1, seed: int = 0) -> Trace:
    """An LSTM-like trace whose gates, cell and hidden state obey the LSTM's equations."""
    random = np.random.default_rng(seed)
    symbols = tuple(sorted(set(text)))
    ids = np.array([symbols.index(c) for c in text], dtype=np.int32)
    length, vocabulary = len(text), len(symbols)
    logits = random.normal(size=(length, vocabulary)).astype(np.float32)
    logits[np.arange(length - 1), ids[1:]] += 4.0
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    activations = {}
    for layer in range(1, layers + 1):

        def smooth(scale: float, shift: float) -> np.ndarray:
            noise = random.normal(size=(length + 5, hidden_size))
            return scale * np.stack([noise[t : t + 5].mean(axis=0) for t in range(length)]) + shift

        gates = {
            name: 1 / (1 + np.exp(-smooth(6.0, shift)))
            for name, shift in (("input", -1.0), ("forget", 2.0), ("output", 1.0))
        }
        candidate = np.tanh(smooth(4.0, 0.0))
        cell = np.zeros((length, hidden_size))
        state = np.zeros(hidden_size)
        for t in range(length):
            state = gates["forget"][t] * state + gates["input"][t] * candidate[t]
            cell[t] = state
        values = {**gates, "candidate": candidate, "cell": cell, "hidden": gates["output"] * np.tanh(cell)}
        for name, array in values.items():
            activations[f"{layer}/{name}"] = array.astype(np.float32)
    shape = Architecture("lstm", vocabulary, hidden_size, layers)
    return Trace(shape, symbols, ids, logits.astype(np.float32), activations)


@pytest.fixture(scope="session")
def trace() -> Trace:
    return make_trace()
