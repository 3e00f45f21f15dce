"""A whole text as B streams that a network reads in parallel, for analyses that do not need order.

    stream 1   |--------------|
    stream 2                  |--------------|
    stream 3                                 |--------------|··      the rest follows alone

A step of all streams is one large matrix product, which is several times as fast as B steps of one stream.
Every stream starts in the exact state: where the network has forgotten what came before (see forgetting.py)
that is known from the characters just before it; elsewhere all streams are run, without recording anything,
until each starts where the one before it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.network.model import CharRNN, Rows, State, reset, stretches
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.documents import NO_DOCUMENTS, Starts, begins_at
from rnnscope.tracing.forgetting import WARM_UP, ReadIds, remembered, run, same

STREAMS = 128
"""How many streams, where the text is long enough."""
STEPS = 16
"""Characters of every stream in a batch, so that its values stay in the cache of the processor."""
_SHORTEST = 4
"""The minimum length of a stream, in warm-ups."""
_READ_AT_ONCE = 2048
"""Characters of every stream that are read from the text at once."""
_RUN_STEPS = 256
"""Characters of every stream that are run at once where nothing is recorded."""
_ROUNDS = 3
"""How often all streams are run before those whose start is still unknown are run in order."""


@dataclass(frozen=True, eq=False)
class Batch:
    """The activations of t consecutive characters of each of B streams.

    positions: (t, B) int64, where the characters stand in the text. ids: (t, B) int32, the characters.
    activations: "LAYER/QUANTITY" -> (t, B, H), in the dtype of the network.
    """

    positions: NDArray[np.int64]
    ids: NDArray[np.int32]
    activations: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Streams:
    """Where the streams of a text start, and in which state.

    starts: (B,) int64 positions. steps: the length of every stream. state: the exact state before the first
    character of each, parts (B, H). stop: the end of the text; fewer than B characters before it are in no
    stream. documents: the positions in the text at which the state is reset.
    """

    model: CharRNN
    read: ReadIds
    starts: NDArray[np.int64]
    steps: int
    stop: int
    state: State
    documents: Starts = field(default_factory=NO_DOCUMENTS.copy)

    @classmethod
    def over(
        cls,
        model: CharRNN,
        read: ReadIds,
        start: int,
        stop: int,
        initial: State,
        *,
        warm_up: int = WARM_UP,
        most: int = STREAMS,
        documents: Starts = NO_DOCUMENTS,
        progress: Progress = NO_PROGRESS,
    ) -> Streams:
        """Cut the characters start .. stop−1 into streams; `initial` is the state before the first.

        documents: the positions in the text at which the state is reset. Raises Cancelled.
        """
        characters = stop - start
        count = max(1, min(most, characters // (_SHORTEST * warm_up)))
        steps = characters // count
        starts = start + np.arange(count, dtype=np.int64) * steps
        if count == 1:
            return cls(model, read, starts, steps, stop, initial, documents)
        guessed, is_exact = remembered(
            model, read, starts[1:].tolist(), warm_up, progress, documents=documents
        )
        state = _joined(initial, guessed)
        streams = cls(model, read, starts, steps, stop, state, documents)
        return streams if is_exact.all() else streams._settled(np.append(True, is_exact), progress)

    def __len__(self) -> int:
        return len(self.starts)

    @torch.no_grad()
    def batches(self, steps: int | None = None, progress: Progress = NO_PROGRESS) -> Iterator[Batch]:
        """The activations of all characters, or of the first `steps` of every stream. Raises Cancelled.

        Without `steps` the last batches are of the characters after the last stream.
        """
        wanted = self.steps if steps is None else min(steps, self.steps)
        state = self.state
        for first, ids in self._pieces(wanted):
            for at in range(0, len(ids), STEPS):
                progress((first + at) / wanted)
                part = ids[at : at + STEPS]
                positions = self.starts + np.arange(first + at, first + at + len(part))[:, None]
                activations, state = _activations(self.model, part, state, self._begins(positions))
                yield Batch(positions, part, activations)
        rest = int(self.starts[-1]) + self.steps
        if steps is None and rest < self.stop:
            last = tuple(tuple(part[-1:] for part in layer) for layer in state)
            part, positions = self.read(rest, self.stop)[:, None], np.arange(rest, self.stop)[:, None]
            activations, _ = _activations(self.model, part, last, self._begins(positions))
            yield Batch(positions, part, activations)
        progress(1.0)

    def _pieces(
        self, steps: int, streams: NDArray[np.intp] | None = None
    ) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """The ids (t, B) of the first `steps` characters of all streams, or of some, in pieces."""
        starts = self.starts if streams is None else self.starts[streams]
        for first in range(0, steps, _READ_AT_ONCE):
            last = min(first + _READ_AT_ONCE, steps)
            yield (
                first,
                np.stack([self.read(start + first, start + last) for start in starts.tolist()], axis=1),
            )

    def _settled(self, is_exact: NDArray[np.bool_], progress: Progress) -> Streams:
        """The same streams, each with the final state of the one before as its initial state."""
        state = self.state
        for _ in range(_ROUNDS):
            unknown = np.flatnonzero(~is_exact)
            if not len(unknown):
                break
            ends = self._run(unknown - 1, state, progress)
            is_settled = same(_parts(ends), [part[torch.from_numpy(unknown)] for part in _parts(state)])
            state = _replaced(state, unknown, ends)
            if is_settled.all():  # each starts where the one before it ended, and the first is exact
                return self._from(state)
            is_exact[unknown] = is_exact[unknown - 1]
        for stream in np.flatnonzero(~is_exact):
            state = _replaced(state, np.array([stream]), self._run(np.array([stream - 1]), state, progress))
        return self._from(state)

    def _from(self, state: State) -> Streams:
        return replace(self, state=state)

    def _run(self, streams: NDArray[np.intp], state: State, progress: Progress) -> State:
        """The states in which some streams end, each part (n, H)."""
        rows = torch.from_numpy(streams)
        state = tuple(tuple(part[rows] for part in layer) for layer in state)
        for first, ids in self._pieces(self.steps, streams):
            for at in range(0, len(ids), _RUN_STEPS):
                progress.check()
                part = torch.from_numpy(ids[at : at + _RUN_STEPS].astype(np.int64)).to(self.model.device)
                positions = self.starts[streams] + np.arange(first + at, first + at + len(part))[:, None]
                state = run(self.model, part, state, self._begins(positions))
        return state

    def _begins(self, positions: NDArray[np.int64]) -> Rows | None:
        """Where in a batch documents begin, if any document begins in the text."""
        return begins_at(self.documents, positions) if len(self.documents) else None


def _activations(
    model: CharRNN, ids: NDArray[np.int32], state: State, begins: Rows | None = None
) -> tuple[dict[str, Tensor], State]:
    """Every quantity "LAYER/QUANTITY" (t, B, H) along ids (t, B), and the last state.

    begins: (t, B), where the state is reset.
    """
    if begins is not None and begins.any():
        parts = []
        for start, stop, rows in stretches(begins):
            part, state = _activations(model, ids[start:stop], reset(state, rows))
            parts.append(part)
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}, state
    found: dict[str, Tensor] = {}
    after = []
    with torch.autocast(model.device.type, enabled=False):
        values = model.embed(torch.from_numpy(ids.astype(np.int64)).to(model.device))
        for number, (cell, before) in enumerate(zip(model.layers, state, strict=True), start=1):
            of_layer, last = cell.activations(values, before)
            found |= {f"{number}/{quantity}": tensor for quantity, tensor in of_layer.items()}
            values = of_layer["hidden"]
            after.append(last)
    return found, tuple(after)


def _parts(state: State) -> list[Tensor]:
    return [part for layer in state for part in layer]


def _joined(first: State, others: State) -> State:
    return tuple(
        tuple(torch.cat(parts) for parts in zip(*layers, strict=True))
        for layers in zip(first, others, strict=True)
    )


def _replaced(state: State, rows: NDArray[np.intp], new: State) -> State:
    at = torch.from_numpy(rows).to(state[0][0].device)
    return tuple(
        tuple(old.index_copy(0, at, part) for old, part in zip(olds, parts, strict=True))
        for olds, parts in zip(state, new, strict=True)
    )
