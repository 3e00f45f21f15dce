"""The state of a network far into a text, without reading all of the text before it.

A trained network forgets: from any state some thousand characters earlier it reaches the same state, which
is then also that of a run over the whole text.

    +s ──┬──▶ the same state: that is the state of a run over the whole text
    −s ──╯    different states: a run over the whole text is needed

s has +1 or −1 for every unit, and 4 times that for a cell. A unit that keeps its sign for good, such as one
that waits for a closing quote, ends in different states from +s and −s. Where a document begins both are
reset, so that they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.model import CharRNN, Rows, State, reset, stretches
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.documents import NO_DOCUMENTS, Starts, begins_at

WARM_UP = 1024
"""The number of characters after which trained networks have usually forgotten their initial state."""

SAME = 1e-5
"""The tolerance of equal states: absolute, and relative for numbers above 1."""

_FAR = 4.0
"""The magnitude of the initial cell states ±s: tanh(4) = 0.9993."""
_STEPS = 256

ReadIds = Callable[[int, int], NDArray[np.int32]]
"""The ids of the characters start .. stop−1."""


@torch.no_grad()
def remembered(
    model: CharRNN,
    read: ReadIds,
    positions: Sequence[int],
    characters: int,
    progress: Progress = NO_PROGRESS,
    *,
    documents: Starts = NO_DOCUMENTS,
) -> tuple[State, NDArray[np.bool_]]:
    """States before the characters at `positions` (n,), after reading `characters` before each of them.

    documents: where the documents of the text begin. Returns states, each part (n, H), and (n,) whether the
    network has forgotten where it started: then the state is that of a run over the whole text, else that of
    a run from far away. Raises Cancelled.
    """
    ids = np.stack([read(position - characters, position) for position in positions], axis=1)
    # Two runs for each position: (2 n, H), all those from +s before all those from −s.
    starts = [_starts(cell, model.readout.weight) for cell in model.layers]
    state: State = tuple(
        tuple(part.repeat_interleave(len(positions), dim=0) for part in start) for start in starts
    )
    for first in range(0, characters, _STEPS):
        progress.check()
        part = torch.from_numpy(ids[first : first + _STEPS].astype(np.int64)).to(model.device)
        begins = None
        if len(documents):
            steps = np.arange(first, first + len(part))[:, None]
            begins = np.tile(begins_at(documents, np.asarray(positions) - characters + steps), 2)
        state = run(model, part.repeat(1, 2), state, begins)
    parts = [part.view(2, len(positions), -1) for layer in state for part in layer]
    plus, minus = ([part[number] for part in parts] for number in range(2))
    found = tuple(tuple(part[: len(positions)].clone() for part in layer) for layer in state)
    return found, same(minus, plus)


@torch.no_grad()
def run(model: CharRNN, ids: Tensor, state: State, begins: Rows | None = None) -> State:
    """The state after `ids` (t, B), without dropout or read-out; reset where `begins` (t, B) says."""
    if begins is not None and begins.any():
        for start, stop, rows in stretches(begins):
            state = run(model, ids[start:stop], reset(state, rows))
        return state
    after = []
    with torch.autocast(model.device.type, enabled=False):
        values = model.embed(ids)
        for cell, before in zip(model.layers, state, strict=True):
            values, last = cell(values, before)
            after.append(last)
    return tuple(after)


def same(left: Sequence[Tensor], right: Sequence[Tensor]) -> NDArray[np.bool_]:
    """(n,) True where states with parts (n, H) are equal within the tolerance; NaN equals NaN."""
    found = [
        (((a - b).abs() <= SAME * b.abs().clamp(min=1)) | (a == b) | (a.isnan() & b.isnan())).all(dim=1)
        for a, b in zip(left, right, strict=True)
    ]
    equal: NDArray[np.bool_] = torch.stack(found).all(dim=0).cpu().numpy()
    return equal


def _starts(cell: Cell, like: Tensor) -> LayerState:
    """(2, H) of each part of the state: +s and −s."""
    generator = torch.Generator().manual_seed(0)
    signs = 2.0 * torch.randint(0, 2, (1, cell.hidden_size), generator=generator).to(like) - 1.0
    far = torch.cat((signs, -signs))
    return (far,) if cell.state_parts == 1 else (far, _FAR * far)
