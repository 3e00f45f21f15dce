"""States of a network at intervals along a text, to trace any page without reading all of the text before it.

    text        |········|········|········|········|····
    keyframe    0        s        2s       3s       head      a page begins at the nearest one before it

If there are too many, every other one is dropped and the interval s doubles: memory is bounded, and every
page is within s of a keyframe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.model import CharRNN, State
from rnnscope.text.documents import NO_DOCUMENTS, Starts
from rnnscope.tracing.forgetting import run

STRIDE = 1024
"""Characters read at once, and the first interval."""
_RECENT = 64


def advance(
    model: CharRNN, ids: NDArray[np.int32], state: State | None = None, documents: Starts = NO_DOCUMENTS
) -> State:
    """The state after reading `ids` (T,) from `state` (each part (1, H)), without dropout or read-out.

    documents: where among `ids` documents begin.
    """
    before = model.initial_state(1) if state is None else state
    if not len(ids):
        return before
    begins = None
    if len(documents):
        begins = np.zeros((len(ids), 1), np.bool_)
        begins[documents] = True
    return run(model, torch.from_numpy(ids).to(model.device, torch.int64).unsqueeze(1), before, begins)


class Keyframes:
    """States by position, in a bounded number of bytes; thread-safe."""

    def __init__(self, model: CharRNN, memory_bytes: int = 64 << 20, stride: int = STRIDE) -> None:
        """memory_bytes: the maximum size of all states. stride: the initial interval in characters."""
        weight = model.readout.weight
        self._device = weight.device
        self._parts = [cell.state_parts for cell in model.layers]
        size = sum(self._parts) * model.architecture.hidden_size * weight.element_size()
        self._most = max(2, memory_bytes // size)
        self._kept: dict[int, Tensor] = {}  # (parts of all layers, H), by position
        # Exact states near pages, so that scrolling does not read the same characters again.
        self._recent: OrderedDict[int, Tensor] = OrderedDict()
        self._head: tuple[int, State] = (0, model.initial_state(1))
        self._lock = threading.Lock()
        self.spacing = stride
        """Characters between two keyframes."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def head(self) -> tuple[int, State]:
        """The position up to which the text was read from its start, and the state there."""
        return self._head

    def move_head(self, position: int, state: State) -> None:
        """Advance to a later position, and keep its state if a keyframe is due."""
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
        """Keep an exact state at any position temporarily."""
        with self._lock:
            self._recent[position] = self._packed(state)
            self._recent.move_to_end(position)
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)

    def before(self, position: int) -> tuple[int, State | None]:
        """The nearest known state at or before a position; (0, None) is the start."""
        with self._lock:
            at, state = self._head
            keyframe = at if at <= position else position - position % self.spacing
            recent = max((p for p in self._recent if keyframe < p <= position), default=None)
            if recent is not None:
                return recent, self._unpacked(self._recent[recent])
            if at <= position:
                return at, state
            return (keyframe, self._unpacked(self._kept[keyframe])) if keyframe else (0, None)

    def _packed(self, state: State) -> Tensor:
        """A copy: the tensor that a kernel returns may keep a larger buffer alive."""
        return torch.cat([part for parts in state for part in parts]).to("cpu", copy=True)

    def _unpacked(self, packed: Tensor) -> State:
        rows = iter(packed.to(self._device).unsqueeze(1))
        return tuple(tuple(next(rows) for _ in range(parts)) for parts in self._parts)
