"""Runs a network over texts in which documents begin: the state is zero where one does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.model import CharRNN, State


def run_documents(
    model: CharRNN, ids: Tensor, begins: NDArray[np.bool_], state: State | None = None
) -> tuple[Tensor, State]:
    """As `model(ids, state)`, ids (T, B), with a zero state where a document begins.

    begins: (T, B). Returns logits (T, B, V) and the last state.
    """
    resets = np.flatnonzero(begins.any(axis=1))
    bounds = np.unique([0, *resets.tolist(), len(ids)]).tolist()
    logits: list[Tensor] = []
    state = model.initial_state(ids.shape[1]) if state is None else state
    for start, stop in pairwise(bounds):
        if begins[start].any():
            kept = torch.from_numpy(~begins[start, :, None]).to(ids.device)
            state = tuple(tuple(values * kept for values in layer) for layer in state)
        values, state = model(ids[start:stop], state)
        logits.append(values)
    return torch.cat(logits), state
