"""Reading a long text fast: cut into lanes that the network reads side by side, each with a warm state.

    lane 0   |────────────────|
    lane 1        ┄┄┄|────────────────|              ┄ read, and not counted
    lane 2                        ┄┄┄|────────────────|

A lane starts from zero some 256 characters before what it counts, at an empty line where there is one: that
is where a network forgets anyway. Whether it has, the end of the lane before tells. If not, all lanes are
read again from where those before them ended; a network that does not forget in as long as a lane is run over
the text in order, to know where each lane begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.stepping import Stepper
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.analysis.threads import Threads
from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.model import CharRNN, State

LANES = 256
"""How many, where the text is long enough."""
WARM_UP = 256
_LEAST = 4096
_MOST_STEPS = 48
_MOST_BYTES = 96 << 20
"""What is recorded at once: so many positions of all lanes or, where lanes are many, so many steps, as far as
they fit.
"""
_IN_ORDER = 1024
_APART = 0.25
_A_FEW = 0.05


@dataclass(frozen=True)
class Lanes:
    """Where lanes of equal length begin: (B,) positions, in the order of the text."""

    starts: NDArray[np.int64]
    length: int

    @classmethod
    def over(cls, characters: int, most: int) -> Lanes:
        """An even number of lanes, at most `most`, that leave out fewer characters than there are lanes."""
        count = max(2, min(most, characters // (4 * WARM_UP)) // 2 * 2)
        length = characters // count
        return cls(np.arange(count) * length, length)

    def __len__(self) -> int:
        return len(self.starts)


Starts = Callable[[Stepper, NDArray[np.integer], Lanes, Stop | None], State]
"""Finds the state before the first character of every lane. Raises Stopped."""


class LaneReader:
    """Reads all lanes side by side."""

    def __init__(
        self,
        model: CharRNN,
        ids: NDArray[np.integer],
        lanes: Lanes,
        *,
        starts: Starts | None = None,
        should_stop: Stop | None = None,
    ) -> None:
        """starts: from states that are warm, unless others are told."""
        self.model, self.lanes, self._should_stop = model, lanes, should_stop
        self.ids = ids
        self._starts = _warm if starts is None else starts
        self.steps = _steps(model, len(lanes))
        """Characters of every lane that are recorded at once."""
        self.met = True
        """After reading: whether most lanes ended as the next one had begun. A unit that does not forget may
        have begun a lane as it would be elsewhere in the text."""

    @torch.no_grad()
    def read(self) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
        """Every quantity "LAYER/QUANTITY" (t, B, H) of the next t characters of all lanes, with the first of
        these characters' number in its lane. They are overwritten by what follows.

        The network computes in its own type, without dropout. Raises Stopped.
        """
        with Threads() as threads:
            lanes = self.lanes
            stepper = Stepper(self.model, threads, len(lanes))
            state = begun = self._starts(stepper, self.ids, lanes, self._should_stop)
            for first in range(0, lanes.length, self.steps):
                heed(self._should_stop)
                steps = np.arange(first, min(first + self.steps, lanes.length))
                recorded, state = stepper.read(self.ids[lanes.starts + steps[:, None]], state)
                yield first, recorded
        self.met = _meet(begun, state)
        self._ended = state

    def goes_on(self) -> Starts:
        """After reading: every lane from where the one before it ended, and the first from nothing."""
        ended = tuple(
            tuple(torch.cat([torch.zeros_like(part[:1]), part[:-1]]) for part in layer)
            for layer in self._ended
        )
        return lambda *_: ended


def readers(
    model: CharRNN, ids: NDArray[np.integer], lanes: Lanes, should_stop: Stop | None = None
) -> Iterator[LaneReader]:
    """One reader after another, of which each is to be read to its end: the last is right."""
    reader = LaneReader(model, ids, lanes, should_stop=should_stop)
    yield reader
    if not reader.met:
        reader = LaneReader(model, ids, lanes, starts=reader.goes_on(), should_stop=should_stop)
        yield reader
    if not reader.met:
        yield LaneReader(model, ids, lanes, starts=in_order, should_stop=should_stop)


def _steps(model: CharRNN, lanes: int) -> int:
    architecture = model.architecture
    units = architecture.layers * architecture.hidden_size
    of_a_step = 4 * lanes * units * len(QUANTITIES[architecture.cell])
    return max(-(-_LEAST // lanes), min(_MOST_STEPS, _MOST_BYTES // of_a_step))


def _meet(begun: State, ended: State) -> bool:
    """Whether no unit is far from where it should be in more than a few of the lanes."""
    for begins, ends in zip(begun, ended, strict=True):
        for begin, end in zip(begins, ends, strict=True):
            apart = (begin[1:].tanh() - end[:-1].tanh()).abs() > _APART
            if bool((apart.float().mean(dim=0) > _A_FEW).any()):
                return False
    return True


def _warm(stepper: Stepper, ids: NDArray[np.integer], lanes: Lanes, should_stop: Stop | None) -> State:
    """The state before the first character of every lane, as a short run up to it leaves it."""
    model = stepper.model
    begins = np.array([_beginning(model, ids, int(start)) for start in lanes.starts])
    delays = WARM_UP - (lanes.starts - begins)  # lane 0 begins when all others are warm
    state = model.initial_state(len(lanes))
    borders = np.unique([*delays, *range(0, WARM_UP + 1, _steps(model, len(lanes)))]).tolist()
    for border, following in zip(borders, [*borders[1:], WARM_UP], strict=True):
        heed(should_stop)
        fresh = torch.from_numpy(delays == border).to(model.device)
        state = tuple(tuple(part.masked_fill(fresh[:, None], 0) for part in layer) for layer in state)
        if following > border:
            at = lanes.starts - WARM_UP + np.arange(border, following)[:, None]
            _, state = stepper.read(ids[at.clip(0)], state)
    return state


def in_order(stepper: Stepper, ids: NDArray[np.integer], lanes: Lanes, should_stop: Stop | None) -> State:
    """The same, exactly: the text is run once from its beginning."""
    model = stepper.model
    state, starts = model.initial_state(1), []
    for start in lanes.starts.tolist():
        starts.append(state)
        for first in range(start, start + lanes.length, _IN_ORDER):
            heed(should_stop)
            part = ids[first : min(first + _IN_ORDER, start + lanes.length)].astype(np.int64)
            _, state = model(torch.from_numpy(part)[:, None].to(model.device), state)
    return tuple(
        tuple(torch.cat(parts) for parts in zip(*layer, strict=True)) for layer in zip(*starts, strict=True)
    )


def _beginning(model: CharRNN, ids: NDArray[np.integer], start: int) -> int:
    """Where a lane starts from zero: after an empty line that is near enough, and not too near."""
    earliest = max(0, start - WARM_UP)
    if model.vocabulary.kind == "bytes":
        return earliest
    stretch = model.vocabulary.decode(ids[earliest : max(earliest, start - WARM_UP // 2)])
    return earliest + stretch.rfind("\n\n") + 2 if "\n\n" in stretch else earliest
