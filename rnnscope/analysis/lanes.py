"""Reading a long text fast: cut into lanes that the network reads side by side, each with a warm state.

    lane 0   |────────────────|
    lane 1        ┄┄┄|────────────────|              ┄ read, and not counted
    lane 2                        ┄┄┄|────────────────|

A lane starts from zero some 256 characters before what it counts, at an empty line where there is one: that
is where a network forgets anyway. Whether it has, the end of the lane before tells; a network that does not
forget is run over the text in order first, to know where each lane begins.

A batch makes each step one large matrix product, from which every quantity is read as it is computed: it
costs little more than a run that tells the last layer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.stopping import Stop, heed
from rnnscope.cells import Cell
from rnnscope.cells.cell import LayerState, lstm_quantities
from rnnscope.cells.fused import GRU, LSTM
from rnnscope.cells.product import product
from rnnscope.model import CharRNN, State

LANES = 256
"""How many, where the text is long enough."""
WARM_UP = 256
_SAMPLE = 4096
"""Positions of all lanes that are recorded at once."""
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

    @property
    def steps(self) -> int:
        """Characters of every lane that are recorded at once."""
        return max(16, _SAMPLE // len(self))


class LaneReader:
    """Reads all lanes side by side, from states that are warm, or exact where the text is read in order."""

    def __init__(
        self,
        model: CharRNN,
        ids: NDArray[np.integer],
        lanes: Lanes,
        *,
        in_order: bool = False,
        should_stop: Stop | None = None,
    ) -> None:
        self.model, self.lanes, self._should_stop = model, lanes, should_stop
        self._ids = ids
        self._starts_from = _in_order if in_order else _warm
        self.met = True
        """After reading: whether most lanes ended as the next one had begun. A unit that never forgets may
        have begun a lane as it would be elsewhere in the text; then the text must be read in order."""

    @torch.no_grad()
    def read(self) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
        """Every quantity "LAYER/QUANTITY" (t, B, H) of the next t characters of all lanes, with the first of
        these characters' number in its lane. They are overwritten by what follows.

        The network computes in its own type, without dropout. Raises Stopped.
        """
        steps_reader, lanes = _Reader(self.model), self.lanes
        state = begun = self._starts_from(steps_reader, self._ids, lanes, self._should_stop)
        for first in range(0, lanes.length, lanes.steps):
            heed(self._should_stop)
            steps = np.arange(first, min(first + lanes.steps, lanes.length))
            recorded, state = steps_reader.read(self._ids[lanes.starts + steps[:, None]], state)
            yield first, recorded
        self.met = _meet(begun, state)


def _meet(begun: State, ended: State) -> bool:
    """Whether no unit is far from where it should be in more than a few of the lanes."""
    for begins, ends in zip(begun, ended, strict=True):
        for begin, end in zip(begins, ends, strict=True):
            apart = (begin[1:].tanh() - end[:-1].tanh()).abs() > _APART
            if bool((apart.float().mean(dim=0) > _A_FEW).any()):
                return False
    return True


def _warm(reader: _Reader, ids: NDArray[np.integer], lanes: Lanes, should_stop: Stop | None) -> State:
    """The state before the first character of every lane, as a short run up to it leaves it."""
    model = reader.model
    begins = np.array([_beginning(model, ids, int(start)) for start in lanes.starts])
    delays = WARM_UP - (lanes.starts - begins)  # lane 0 begins when all others are warm
    state = model.initial_state(len(lanes))
    borders = np.unique([*delays, *range(0, WARM_UP + 1, lanes.steps)]).tolist()
    for border, following in zip(borders, [*borders[1:], WARM_UP], strict=True):
        heed(should_stop)
        fresh = torch.from_numpy(delays == border).to(model.device)
        state = tuple(tuple(part.masked_fill(fresh[:, None], 0) for part in layer) for layer in state)
        if following > border:
            at = lanes.starts - WARM_UP + np.arange(border, following)[:, None]
            _, state = reader.read(ids[at.clip(0)], state)
    return state


def _in_order(reader: _Reader, ids: NDArray[np.integer], lanes: Lanes, should_stop: Stop | None) -> State:
    """The same, exactly: the text is run once from its beginning."""
    model = reader.model
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


class _Reader:
    """Runs all layers over a few steps of a batch. On a CPU it takes the steps of fused cells itself, since
    their own run hides the gates; and always into the same memory, which is slow to get.
    """

    def __init__(self, model: CharRNN) -> None:
        self.model = model
        self._room: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def read(self, ids: NDArray[np.integer], state: State) -> tuple[dict[str, Tensor], State]:
        """All quantities (t, B, H) along ids (t, B), and the last state."""
        recorded: dict[str, Tensor] = {}
        last = []
        with torch.autocast(self.model.device.type, enabled=False):
            values = self.model.embed(torch.from_numpy(ids.astype(np.int64)).to(self.model.device))
            for number, (cell, before) in enumerate(zip(self.model.layers, state, strict=True), start=1):
                found, after = self._activations(str(number), cell, values, before)
                recorded |= {f"{number}/{quantity}": tensor for quantity, tensor in found.items()}
                values = found["hidden"]
                last.append(after)
        return recorded, tuple(last)

    def _activations(
        self, layer: str, cell: Cell, inputs: Tensor, state: LayerState
    ) -> tuple[dict[str, Tensor], LayerState]:
        if inputs.device.type == "cpu" and isinstance(cell, LSTM):
            return self._lstm(layer, cell, inputs, state)
        if inputs.device.type == "cpu" and isinstance(cell, GRU):
            return self._gru(layer, cell, inputs, state)
        return cell.activations(inputs, state)

    def _lstm(
        self, layer: str, cell: LSTM, inputs: Tensor, state: LayerState
    ) -> tuple[dict[str, Tensor], LayerState]:
        weight, size = cell.tensors(), cell.hidden_size
        gates = self._projected(layer, inputs, weight["weight_ih"], weight["bias_ih"] + weight["bias_hh"])
        steps, rows = inputs.shape[:2]
        cells, outputs = (self._space(name + layer, gates, steps, rows, size) for name in ("cell", "hidden"))
        hidden, memory = state
        for step, kept, shown in zip(gates, cells, outputs, strict=True):
            step += product(hidden, weight["weight_hh"])
            input_gate, forget, candidate, output = step.chunk(4, dim=1)
            candidate.mul_(2)
            step.sigmoid_()
            candidate.mul_(2).sub_(1)
            memory = torch.mul(memory, forget, out=kept).addcmul_(input_gate, candidate)
            hidden = _tanh(memory, shown).mul_(output)
        return lstm_quantities(gates, cells, outputs), (hidden.clone(), memory.clone())

    def _gru(
        self, layer: str, cell: GRU, inputs: Tensor, state: LayerState
    ) -> tuple[dict[str, Tensor], LayerState]:
        weight, size = cell.tensors(), cell.hidden_size
        gates = self._projected(layer, inputs, weight["weight_ih"], weight["bias_ih"])
        steps, rows = inputs.shape[:2]
        outputs = self._space("hidden" + layer, gates, steps, rows, size)
        hidden = state[0]
        for step, shown in zip(gates, outputs, strict=True):
            recalled = product(hidden, weight["weight_hh"], weight["bias_hh"])
            reset, update, candidate = step.chunk(3, dim=1)
            step[:, : 2 * size].add_(recalled[:, : 2 * size]).sigmoid_()
            _tanh(candidate.addcmul_(reset, recalled[:, 2 * size :]), candidate)
            hidden = torch.lerp(candidate, hidden, update, out=shown)  # (1 − z) ∘ g + z ∘ h'
        reset, update, candidate = gates.chunk(3, dim=2)
        quantities = {"reset": reset, "update": update, "candidate": candidate, "hidden": outputs}
        return quantities, (hidden.clone(),)

    def _projected(self, layer: str, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """W x + b (t, B, rows of W) of vectors, or of ids that stand for one-hot vectors."""
        steps, rows = inputs.shape[:2]
        space = self._space("gates" + layer, weight, steps, rows, len(weight))
        flat = space.view(steps * rows, len(weight))
        if inputs.is_floating_point():
            flat.copy_(product(inputs.reshape(steps * rows, -1), weight, bias))
        else:
            torch.index_select(weight.t() + bias, 0, inputs.flatten(), out=flat)
        return space

    def _space(self, name: str, like: Tensor, *shape: int) -> Tensor:
        key = (name, shape)
        if key not in self._room:
            self._room[key] = like.new_empty(shape)
        return self._room[key]


def _tanh(x: Tensor, out: Tensor) -> Tensor:
    """2 σ(2x) − 1, off by a rounding of 1: torch's own tanh takes ten times as long as its σ."""
    return torch.mul(x, 2, out=out).sigmoid_().mul_(2).sub_(1)
