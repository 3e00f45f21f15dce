"""Gradient flow: how much of a loss reaches the hidden states of earlier steps.

‖∂ loss_T / ∂ h_t‖₂ of every layer against T − t, h_t being all that is passed up and to the next step
(Hochreiter 1991; Bengio, Simard & Frasconi 1994)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.effects import GradientFlow
from rnnscope.network.model import CharRNN, State
from rnnscope.tracing.record import read_through

WINDOW = 100
"""Steps back from a loss."""

_AT_ONCE = 32  # windows side by side
_STRETCH = 8192  # characters read at once on the way to a window


def gradient_flow(
    model: CharRNN,
    ids: NDArray[Any],
    positions: Iterable[int],
    state: State | None = None,
    *,
    distance: int = WINDOW,
    told: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> GradientFlow:
    """The mean gradient of the losses of the characters at `positions`, at each of `distance` steps back.

    positions: from `distance` to T − 1. When stopped, the result is of the positions done until then. Raises
    ValueError for a position out of range.
    """
    wanted = _checked(positions, distance, len(ids))
    total = np.zeros((model.architecture.layers, distance))
    done = 0
    starts = [position - distance for position in wanted]
    for batch, begin in _batches(model, ids, starts, [distance] * len(starts), state):
        if should_stop is not None and should_stop():
            break
        columns = _columns(ids, [starts[i] for i in batch], [wanted[i] for i in batch], model.device)
        total += _flow(model, columns, begin).sum(axis=2)
        done += len(batch)
        if told is not None:
            told(done / len(wanted))
    return GradientFlow(model.architecture.title, total / max(1, done), done)


def spread(length: int, count: int, first: int) -> list[int]:
    """Up to `count` positions at equal steps from `first` to `length` − 1, for a mean over a text."""
    return np.unique(np.linspace(first, length - 1, count).astype(int)).tolist() if length > first else []


@torch.enable_grad()
def _flow(model: CharRNN, columns: Tensor, begin: State) -> NDArray[np.float64]:
    """(layers, n, B) norms, the last step first.

    A fused run over all steps would tell of h_t only what the layer above makes of it. So the steps are taken
    one by one, and h_t is one tensor that is passed up and on.
    """
    states = [tuple(part.detach().requires_grad_() for part in layer) for layer in begin]
    passed: list[list[Tensor]] = [[] for _ in model.layers]
    values = model.embed(columns[:-1])
    for x in values.unsqueeze(1).unbind(0):
        for layer, cell in enumerate(model.layers):
            x, after = cell(x, states[layer])
            hidden = x[0]
            x = hidden.unsqueeze(0)
            states[layer] = (hidden, *after[1:])
            passed[layer].append(hidden)
    loss = -_log_probability(model, passed[-1][-1], columns[-1])
    gradients = torch.autograd.grad(loss.sum(), list(itertools.chain(*passed)))
    norms = torch.stack(gradients).norm(dim=2).double().cpu().numpy()
    flow: NDArray[np.float64] = norms.reshape(len(passed), len(values), -1)[:, ::-1]
    return flow


def _log_probability(model: CharRNN, hidden: Tensor, following: Tensor) -> Tensor:
    """(B,) ln p of each of `following` (B,) after the last layer's hidden (B, H)."""
    expected = functional.log_softmax(model.readout(hidden), dim=-1)
    return expected.gather(1, following[:, None])[:, 0]


def _batches(
    model: CharRNN, ids: NDArray[Any], starts: Sequence[int], lengths: Sequence[int], state: State | None
) -> Iterator[tuple[list[int], State]]:
    """Windows of equal length, some at once, in order: their indices, and the states at which they begin."""
    before = model.initial_state(1) if state is None else state
    at = 0
    for _, group in itertools.groupby(range(len(starts)), key=lambda i: lengths[i]):
        indices = list(group)
        for first in range(0, len(indices), _AT_ONCE):
            batch = indices[first : first + _AT_ONCE]
            begins = []
            for i in batch:
                before = _carried(model, ids[at : starts[i]], before)
                at = starts[i]
                begins.append(before)
            yield (
                batch,
                tuple(
                    tuple(torch.cat(parts) for parts in zip(*layers, strict=True))
                    for layers in zip(*begins, strict=True)
                ),
            )


def _carried(model: CharRNN, ids: NDArray[Any], state: State) -> State:
    """The state after reading `ids`, which may be none."""
    for start in range(0, len(ids), _STRETCH):
        part = torch.from_numpy(np.asarray(ids[start : start + _STRETCH], np.int64)).to(model.device)
        _, state = read_through(model, part[:, None], state)
    return state


def _columns(
    ids: NDArray[Any], starts: Sequence[int], positions: Sequence[int], device: torch.device
) -> Tensor:
    """(n + 1, B) the windows and, last, what they predict."""
    windows = [np.asarray(ids[s : p + 1], np.int64) for s, p in zip(starts, positions, strict=True)]
    return torch.from_numpy(np.stack(windows, axis=1)).to(device)


def _checked(positions: Iterable[int], first: int, length: int) -> list[int]:
    wanted = sorted(positions)
    if wanted and not first <= wanted[0] <= wanted[-1] < length:
        raise ValueError(f"positions are from {first} to {length - 1}, not {wanted[0]} to {wanted[-1]}")
    return wanted
