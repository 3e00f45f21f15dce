"""What a network remembers at intervals along a text, so that any page can be traced without all before it.

    text        |········|········|········|········|····
    keyframe    0        s        2s       3s       head      a page begins at the nearest one before it

When they become too many every other one goes and the interval s doubles: memory is bounded, and no page is
farther than s from a keyframe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.model import CharRNN, State

STRIDE = 1024
"""Characters read at once, and the first interval."""
_FOOTHOLDS = 64


@torch.no_grad()
def advance(model: CharRNN, ids: NDArray[np.int32], state: State | None = None) -> State:
    """The state after reading `ids` (T,) from `state` (each part (1, H)), without dropout or read-out."""
    before = model.initial_state(1) if state is None else state
    if not len(ids):
        return before
    read = torch.from_numpy(ids).to(model.device, torch.int64).unsqueeze(1)
    after = []
    with torch.autocast(model.device.type, enabled=False):
        values = model.embed(read)
        for cell, memory in zip(model.layers, before, strict=True):
            values, last = cell(values, memory)
            after.append(last)
    return tuple(after)


class Keyframes:
    """States after so many characters, in a bounded number of bytes; several threads may use it at once."""

    def __init__(self, model: CharRNN, memory_bytes: int = 64 << 20) -> None:
        weight = model.readout.weight
        self._device = weight.device
        self._parts = [cell.state_parts for cell in model.layers]
        size = sum(self._parts) * model.architecture.hidden_size * weight.element_size()
        self._most = max(2, memory_bytes // size)
        self._kept: dict[int, Tensor] = {}  # (parts of all layers, H), by position
        # States met on the way to pages, so that scrolling about one does not go that way again.
        self._footholds: OrderedDict[int, Tensor] = OrderedDict()
        self._head: tuple[int, State] = (0, model.initial_state(1))
        self._lock = threading.Lock()
        self.spacing = STRIDE
        """Characters between two keyframes."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def head(self) -> tuple[int, State]:
        """The last position that is known from the start on, and the state there."""
        return self._head

    def move_head(self, position: int, state: State) -> None:
        """Go on to a later position, and keep its state where a keyframe is due."""
        packed = self._packed(state)
        with self._lock:
            self._head = (position, self._unpacked(packed))
            if position % self.spacing:
                return
            self._kept[position] = packed
            if len(self._kept) > self._most:
                self.spacing *= 2
                self._kept = {at: kept for at, kept in self._kept.items() if at % self.spacing == 0}

    def remember(self, position: int, state: State) -> None:
        """Keep for a while an exact state behind the head."""
        with self._lock:
            self._footholds[position] = self._packed(state)
            self._footholds.move_to_end(position)
            if len(self._footholds) > _FOOTHOLDS:
                self._footholds.popitem(last=False)

    def before(self, position: int) -> tuple[int, State | None]:
        """The nearest known state at or before a position; (0, None) is the start."""
        with self._lock:
            at, state = self._head
            if at <= position:
                return at, state
            keyframe = position - position % self.spacing
            foothold = max((p for p in self._footholds if keyframe < p <= position), default=None)
            if foothold is not None:
                return foothold, self._unpacked(self._footholds[foothold])
            return (keyframe, self._unpacked(self._kept[keyframe])) if keyframe else (0, None)

    def _packed(self, state: State) -> Tensor:
        """A copy: what a kernel returns may hold on to much more."""
        return torch.cat([part for parts in state for part in parts]).to("cpu", copy=True)

    def _unpacked(self, packed: Tensor) -> State:
        rows = iter(packed.to(self._device).unsqueeze(1))
        return tuple(tuple(next(rows) for _ in range(parts)) for parts in self._parts)
