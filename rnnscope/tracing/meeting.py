"""The state of a network far into a text, without reading all that comes before.

A network forgets: from whatever states it begins some thousand characters earlier, it soon is in one state,
which then is that of a run over the whole text too.

    zero  ──╮
    s, −s ──┼──▶ equal, to some roundings: that is the state
    r, −r ──╯    still apart: nobody knows, but for reading everything

Beginnings come in pairs of opposite sign, so that a unit which keeps its sign for good, such as one that
waits for a closing quote, keeps them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.cells import Cell, LayerState
from rnnscope.network.model import CharRNN, State
from rnnscope.text.long import Stop

Read = Callable[[int, int], NDArray[np.int32]]
"""The ids of the characters start .. stop−1."""

_PAIRS = 4
_FAR = 4.0
"""How far from zero a cell begins; what a unit shows of it is then near its end."""
_EQUAL = 2.0**-18
"""4e-6, of what can be seen of a state from outside; a tenth of it is what kernels differ by."""
_STRETCH = 2048


@torch.no_grad()
def met(model: CharRNN, read: Read, start: int, stop: int, should_stop: Stop | None = None) -> State | None:
    """The state before the character `stop`, from many beginnings at `start`; None where they did not meet.

    Also None when it was stopped.
    """
    states = tuple(_beginnings(cell, model.readout.weight) for cell in model.layers)
    count = 1 + 2 * _PAIRS
    for first in range(start, stop, _STRETCH):
        if should_stop is not None and should_stop():
            return None
        ids = torch.from_numpy(read(first, min(first + _STRETCH, stop)).astype(np.int64))
        values = model.embed(ids.to(model.device)[:, None].expand(-1, count))
        after = []
        for cell, before in zip(model.layers, states, strict=True):
            values, last = cell(values, before)
            after.append(last)
        states = tuple(after)
    for cell, state in zip(model.layers, states, strict=True):
        for part in cell.visible(state):
            if not bool(((part - part[:1]).abs() <= _EQUAL * part[:1].abs().clamp(min=1)).all()):
                return None
    return tuple(tuple(part[:1].clone() for part in state) for state in states)


def _beginnings(cell: Cell, like: Tensor) -> LayerState:
    """(1 + 2 · pairs, H) of each part: nothing, everything at one end and at the other, and random ones."""
    drawn = _directions(cell.hidden_size).to(like)
    far = torch.cat((torch.zeros_like(drawn[:1]), drawn, -drawn))
    return (far,) if cell.state_parts == 1 else (far, _FAR * far)


@cache
def _directions(size: int) -> Tensor:
    """(pairs, H) of −1..1; the first is 1 throughout."""
    generator = torch.Generator().manual_seed(0)
    return torch.cat((torch.ones(1, size), 2 * torch.rand(_PAIRS - 1, size, generator=generator) - 1))
