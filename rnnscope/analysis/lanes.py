"""Reading a long text fast: cut into lanes that the network reads side by side, each with a warm state.

    lane 0   |────────────────|
    lane 1        ┄┄┄|────────────────|              ┄ read, and not counted
    lane 2                        ┄┄┄|────────────────|

A lane starts from zero some 256 characters before what it counts, at an empty line where there is one: that
is where a network forgets anyway. So lane 0 is exact, and another lane is as exact as its network is
forgetful. A batch makes each step one large matrix product, from which every quantity is read as it is
computed: it costs little more than a run that tells the last layer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rnnscope.cells import Cell
from rnnscope.cells.cell import LayerState, lstm_quantities, project
from rnnscope.cells.fused import GRU, LSTM
from rnnscope.model import CharRNN, State

WARM_UP = 256
STEPS = 16
"""Characters of every lane that are recorded at once."""


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


@torch.no_grad()
def read_lanes(
    model: CharRNN, ids: NDArray[np.integer], lanes: Lanes
) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
    """Every quantity "LAYER/QUANTITY" (t, B, H) of the next t ≤ 16 characters of all lanes, with the first
    of these characters' number in its lane. The network computes in its own type, without dropout.
    """
    state = _warm(model, ids, lanes)
    for first in range(0, lanes.length, STEPS):
        steps = np.arange(first, min(first + STEPS, lanes.length))
        recorded, state = _record(model, ids[lanes.starts + steps[:, None]], state)
        yield first, recorded


def _warm(model: CharRNN, ids: NDArray[np.integer], lanes: Lanes) -> State:
    """The state before the first character of every lane."""
    begins = np.array([_beginning(model, ids, int(start)) for start in lanes.starts])
    delays = WARM_UP - (lanes.starts - begins)  # lane 0 begins when all others are warm
    state = model.initial_state(len(lanes))
    borders = np.unique(np.append(delays, WARM_UP)).tolist()
    for border, following in zip(borders, [*borders[1:], WARM_UP], strict=True):
        fresh = torch.from_numpy(delays == border).to(model.device)
        state = tuple(tuple(part.masked_fill(fresh[:, None], 0) for part in layer) for layer in state)
        if following > border:
            at = lanes.starts - WARM_UP + np.arange(border, following)[:, None]
            _, state = _record(model, ids[at.clip(0)], state)
    return state


def _beginning(model: CharRNN, ids: NDArray[np.integer], start: int) -> int:
    """Where a lane starts from zero: after an empty line that is near enough, and not too near."""
    earliest = max(0, start - WARM_UP)
    stretch = model.vocabulary.decode(ids[earliest : max(earliest, start - WARM_UP // 2)])
    empty = stretch.rfind("\n\n") if model.vocabulary.kind == "characters" else -1
    return earliest + empty + 2 if empty >= 0 else earliest


def _record(model: CharRNN, ids: NDArray[np.integer], state: State) -> tuple[dict[str, Tensor], State]:
    """All quantities (t, B, H) along ids (t, B), and the last state."""
    recorded: dict[str, Tensor] = {}
    last = []
    with torch.autocast(model.device.type, enabled=False):
        values = model.embed(torch.from_numpy(ids.astype(np.int64)).to(model.device))
        for number, (cell, before) in enumerate(zip(model.layers, state, strict=True), start=1):
            found, after = _activations(cell, values, before)
            recorded |= {f"{number}/{quantity}": tensor for quantity, tensor in found.items()}
            values = found["hidden"]
            last.append(after)
    return recorded, tuple(last)


def _activations(cell: Cell, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
    """As the cell's own, which for fused cells works the gates out anew after a run that hides them.

    Over a batch it is faster to take the steps here; a GPU prefers few large calls.
    """
    if inputs.device.type == "cpu" and isinstance(cell, LSTM):
        return _lstm(cell, inputs, state)
    if inputs.device.type == "cpu" and isinstance(cell, GRU):
        return _gru(cell, inputs, state)
    return cell.activations(inputs, state)


def _lstm(cell: LSTM, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
    weight, size = cell.tensors(), cell.hidden_size
    gates = project(inputs, weight["weight_ih"], weight["bias_ih"] + weight["bias_hh"])
    recurrent = weight["weight_hh"].t()
    cells, outputs = (gates.new_empty(*gates.shape[:2], size) for _ in range(2))
    hidden, memory = state
    for step, (kept, shown) in zip(gates, zip(cells, outputs, strict=True), strict=True):
        step.addmm_(hidden, recurrent)
        input_gate, forget, candidate, output = step.chunk(4, dim=1)
        step[:, : 2 * size].sigmoid_()
        candidate.tanh_()
        output.sigmoid_()
        memory = torch.mul(memory, forget, out=kept).addcmul_(input_gate, candidate)
        hidden = torch.tanh(memory, out=shown).mul_(output)
    return lstm_quantities(gates, cells, outputs), (hidden.clone(), memory.clone())


def _gru(cell: GRU, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
    weight, size = cell.tensors(), cell.hidden_size
    gates = project(inputs, weight["weight_ih"], weight["bias_ih"])
    outputs = gates.new_empty(*gates.shape[:2], size)
    hidden = state[0]
    for step, shown in zip(gates, outputs, strict=True):
        recalled = functional.linear(hidden, weight["weight_hh"], weight["bias_hh"])
        reset, update, candidate = step.chunk(3, dim=1)
        step[:, : 2 * size].add_(recalled[:, : 2 * size]).sigmoid_()
        candidate.addcmul_(reset, recalled[:, 2 * size :]).tanh_()
        hidden = torch.lerp(candidate, hidden, update, out=shown)  # (1 − z) ∘ g + z ∘ h'
    reset, update, candidate = gates.chunk(3, dim=2)
    return {"reset": reset, "update": update, "candidate": candidate, "hidden": outputs}, (hidden.clone(),)
