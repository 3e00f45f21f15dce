"""Runs a network over a few steps of many rows and reads every quantity as it is computed.

A batch makes each step one large matrix product; to read the gates costs little more than a run that tells
the last layer alone, since fused kernels take the same products and hide them. The first layer's product with
what it reads is taken once for every symbol: from then on each step looks it up.

tanh(x) = 2 σ(2x) − 1, for torch's own tanh takes ten times as long as its σ: off by a rounding of 1. Weights
of what is to be its tanh are doubled beforehand, which rounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.threads import Threads
from rnnscope.network.architecture import CellName
from rnnscope.network.cells import CELLS
from rnnscope.network.cells.cell import LayerState
from rnnscope.network.cells.product import prepared, product
from rnnscope.network.model import CharRNN, State

_LEAST_ROWS = 16
"""Rows that are worth a thread."""

_MINUS_ONE = torch.tensor(-1.0)
"""For 2x − 1 in one pass, as −1 + 2 · x; to multiply and then to subtract takes two."""

Recorded: TypeAlias = dict[str, Tensor]


class Stepper:
    """Takes steps of all layers, always into the same memory, which is slow to get.

    On a CPU the steps of RNN, LSTM and GRU are taken here, each thread with rows of its own; a network of
    another kind, or on another device, is run as it runs itself.
    """

    def __init__(self, model: CharRNN, threads: Threads, rows: int) -> None:
        """rows: of how many steps will mostly be, on all threads."""
        self.model, self._threads = model, threads
        shape = model.architecture
        suits = model.device.type == "cpu" and shape.activation == "tanh"
        self._kind = _KINDS.get(shape.cell) if suits else None
        self._layers: list[_Layer] = []
        if self._kind is not None:
            self._layers = _layers(model, self._kind, len(range(rows)[threads.slices(rows, _LEAST_ROWS)[0]]))
        self._rooms: list[_Room] = []

    @torch.no_grad()
    def read(self, ids: NDArray[np.integer], state: State) -> tuple[Recorded, State]:
        """All quantities "LAYER/QUANTITY" (t, B, H) along ids (t, B), and the last state.

        They are overwritten by what is read next.
        """
        known = torch.from_numpy(ids.astype(np.int64)).to(self.model.device)
        with torch.autocast(self.model.device.type, enabled=False):
            return self._run(known, state) if self._kind is None else self._step(self._kind, known, state)

    def _run(self, ids: Tensor, state: State) -> tuple[Recorded, State]:
        recorded: Recorded = {}
        last = []
        values = self.model.embed(ids)
        for number, (cell, before) in enumerate(zip(self.model.layers, state, strict=True), start=1):
            found, after = cell.activations(values, before)
            recorded |= {f"{number}/{quantity}": tensor for quantity, tensor in found.items()}
            values = found["hidden"]
            last.append(after)
        return recorded, tuple(last)

    def _step(self, kind: _Kind, ids: Tensor, state: State) -> tuple[Recorded, State]:
        steps, rows = ids.shape
        rooms = self._emptied(kind, steps, rows)

        def run(part: slice) -> None:
            below = ids[:, part]
            for layer, room, before in zip(self._layers, rooms, state, strict=True):
                mine = _Room(*(each[:, part] for each in room.tensors))
                kind.run(layer, below, mine, tuple(each[part] for each in before))
                below = mine.hidden

        self._threads.each(run, self._threads.slices(rows, _LEAST_ROWS))
        recorded = {
            f"{number}/{quantity}": tensor
            for number, room in enumerate(rooms, start=1)
            for quantity, tensor in kind.quantities(room).items()
        }
        return recorded, tuple(kind.last(room) for room in rooms)

    def _emptied(self, kind: _Kind, steps: int, rows: int) -> list[_Room]:
        """A room for each layer, used before where it is wide enough."""
        known = self._rooms[0].hidden.shape[:2] if self._rooms else (0, 0)
        if known[0] < steps or known[1] != rows:
            self._rooms = [kind.room(layer, steps, rows) for layer in self._layers]
        return [_Room(*(each[:steps] for each in room.tensors)) for room in self._rooms]


@dataclass(frozen=True)
class _Room:
    """Where a layer's values go: gates (t, B, G · H), cell and hidden (t, B, H)."""

    gates: Tensor
    cell: Tensor
    hidden: Tensor

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.gates, self.cell, self.hidden


@dataclass(frozen=True)
class _Layer:
    """One layer's weights, and of the first layer what it reads of every symbol."""

    size: int
    table: Tensor | None
    """(V, G · H): W x + b of every symbol's x."""
    weight: Tensor
    bias: Tensor
    recurrent: Tensor
    recurrent_bias: Tensor | None
    """Where a gate comes between, so that it cannot be part of `bias`."""

    def read(self, below: Tensor, out: Tensor) -> None:
        """out (B, G · H) = W x + b, of ids (B,) or of the layer below (B, H)."""
        if self.table is not None:
            torch.index_select(self.table, 0, below, out=out)
        else:
            out.copy_(product(below, self.weight, self.bias))


def _layers(model: CharRNN, kind: _Kind, rows: int) -> list[_Layer]:
    found = []
    for number, cell in enumerate(model.layers):
        known = {name: tensor.detach().clone() for name, tensor in cell.tensors().items()}
        for tensor in known.values():
            tensor.chunk(len(tensor) // cell.hidden_size)[kind.is_tanh].mul_(2)
        weight, bias, apart = known["weight_ih"], known["bias_ih"], None
        if model.architecture.cell == "gru":
            apart = known["bias_hh"]
        else:
            bias = bias + known["bias_hh"]
        table = _table(model, weight, bias) if number == 0 else None
        weight, recurrent = prepared(weight, rows), prepared(known["weight_hh"], rows)
        found.append(_Layer(cell.hidden_size, table, weight, bias, recurrent, apart))
    return found


def _table(model: CharRNN, weight: Tensor, bias: Tensor) -> Tensor:
    if model.embedding is None:  # one-hot: a column for each symbol
        return (weight.t() + bias).contiguous()
    return product(model.embedding.weight.detach(), weight, bias)


@dataclass(frozen=True)
class _Kind:
    """How a kind of cell takes its steps, and what is in the memory then."""

    gates: int
    cells: int
    is_tanh: int
    """Which part of the weights is of what becomes its tanh."""
    run: Callable[[_Layer, Tensor, _Room, LayerState], None]
    """Fill the room along ids (t, B), or along what the layer below showed (t, B, H)."""
    quantities: Callable[[_Room], Recorded]

    def room(self, layer: _Layer, steps: int, rows: int) -> _Room:
        widths = self.gates * layer.size, self.cells * layer.size, layer.size
        return _Room(*(layer.bias.new_empty(steps, rows, width) for width in widths))

    def last(self, room: _Room) -> LayerState:
        carried = (room.hidden, room.cell) if self.cells else (room.hidden,)
        return tuple(each[-1].clone() for each in carried)


def _lstm(layer: _Layer, below: Tensor, room: _Room, state: LayerState) -> None:
    hidden, memory = state
    for read, step, kept, shown in zip(below, *room.tensors, strict=True):
        layer.read(read, step)
        step.add_(product(hidden, layer.recurrent)).sigmoid_()
        input_gate, forget, candidate, output = step.chunk(4, dim=1)
        torch.add(_MINUS_ONE, candidate, alpha=2, out=candidate)
        memory = torch.mul(memory, forget, out=kept).addcmul_(input_gate, candidate)
        hidden = _tanh(torch.mul(memory, 2, out=shown)).mul_(output)


def _gru(layer: _Layer, below: Tensor, room: _Room, state: LayerState) -> None:
    (hidden,) = state
    both = 2 * hidden.shape[1]
    for read, step, shown in zip(below, room.gates, room.hidden, strict=True):
        layer.read(read, step)
        recalled = product(hidden, layer.recurrent, layer.recurrent_bias)
        reset, update, candidate = step.chunk(3, dim=1)
        step[:, :both].add_(recalled[:, :both]).sigmoid_()
        _tanh(candidate.addcmul_(reset, recalled[:, both:]))
        hidden = torch.lerp(candidate, hidden, update, out=shown)  # (1 − z) ∘ g + z ∘ h'


def _rnn(layer: _Layer, below: Tensor, room: _Room, state: LayerState) -> None:
    (hidden,) = state
    for read, shown in zip(below, room.hidden, strict=True):
        layer.read(read, shown)
        hidden = _tanh(shown.add_(product(hidden, layer.recurrent)))


def _tanh(doubled: Tensor) -> Tensor:
    """tanh(x) in place of 2x."""
    return torch.add(_MINUS_ONE, doubled.sigmoid_(), alpha=2, out=doubled)


def _of_lstm(room: _Room) -> Recorded:
    gates = dict(zip(CELLS["lstm"].blocks, room.gates.chunk(4, dim=2), strict=True))
    return gates | {"cell": room.cell, "hidden": room.hidden}


def _of_gru(room: _Room) -> Recorded:
    reset, update, candidate = room.gates.chunk(3, dim=2)
    return {"reset": reset, "update": update, "candidate": candidate, "hidden": room.hidden}


def _of_rnn(room: _Room) -> Recorded:
    return {"hidden": room.hidden}


_KINDS: dict[CellName, _Kind] = {
    "rnn": _Kind(0, 0, 0, _rnn, _of_rnn),
    "lstm": _Kind(4, 1, 2, _lstm, _of_lstm),
    "gru": _Kind(3, 0, 2, _gru, _of_gru),
}
