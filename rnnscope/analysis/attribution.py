"""Where a prediction came from: exact gradients through the network.

    connectivity    ‖∂ ln p(x_T+1 | x_1 … x_T) / ∂ x_t‖₂ with x_t the one-hot input (Madsen, Distill 2019)

It looks at a window of characters before the prediction; the state at which the window begins is the true
one, which the network has after all that comes before it, and is not differentiated.
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

from rnnscope.analysis.effects import Saliency
from rnnscope.network.model import CharRNN, State
from rnnscope.tracing.record import read_through

WINDOW = 100
"""How many characters before a prediction are looked at."""

_AT_ONCE = 32  # windows side by side
_STRETCH = 8192  # characters read at once on the way to a window


def saliencies(
    model: CharRNN,
    ids: NDArray[Any],
    positions: Iterable[int],
    state: State | None = None,
    *,
    window: int = WINDOW,
    told: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Saliency]:
    """Which of the characters before each of `positions` its prediction came from, in order of position.

    ids: (T,) a text; positions: of predicted characters, from 1 to T − 1. state: before the first of `ids`.
    Raises ValueError for a position without a prediction.
    """
    wanted = _checked(positions, 1, len(ids))
    done = 0
    starts = [max(0, position - window) for position in wanted]
    for batch, begin in _batches(
        model, ids, starts, [p - s for p, s in zip(wanted, starts, strict=True)], state
    ):
        if should_stop is not None and should_stop():
            return
        chosen = [wanted[i] for i in batch]
        norms, found = _connectivity(
            model, _columns(ids, [starts[i] for i in batch], chosen, model.device), begin
        )
        for column, position in enumerate(chosen):
            yield Saliency(position, position - len(norms), norms[:, column], float(found[column]))
        done += len(batch)
        if told is not None:
            told(done / len(wanted))


def saliency(
    model: CharRNN, ids: NDArray[Any], position: int, state: State | None = None, *, window: int = WINDOW
) -> Saliency:
    """As `saliencies`, of one prediction."""
    return next(saliencies(model, ids, [position], state, window=window))


@torch.enable_grad()
def _connectivity(model: CharRNN, columns: Tensor, begin: State) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Norms (n, B) and ln p (B,) of the last of each of `columns` (n + 1, B)."""
    weight = model.readout.weight
    one_hot = functional.one_hot(columns[:-1], model.architecture.vocabulary_size).to(weight.dtype)
    one_hot.requires_grad_()
    values = one_hot if model.embedding is None else one_hot @ model.embedding.weight
    for cell, before in zip(model.layers, begin, strict=True):
        values, _ = cell(values, before)
    found = _log_probability(model, values[-1], columns[-1])
    (gradient,) = torch.autograd.grad(found.sum(), [one_hot])
    return gradient.norm(dim=2).double().cpu().numpy(), found.detach().cpu().numpy()


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
