"""A network with clamped units: each has a constant value at every step of the forward pass.

A fused kernel cannot be interrupted at every step to overwrite a unit. Instead the weights of the unit are
replaced so that it computes its value v, and the network is as fast as the original. The weights of its rows
are zero, and biases of ±100 hold its gates at σ = 1 or σ = 0:

    rnn              h = tanh(b)                           b = artanh(v)
    gru              z = 1, so h = h'                      starts at h' = v; the candidate is v as well,
                                                           else n + z·(h' − n) drifts by rounding
    lstm and others  f = 1, i = 0, so c = c'               starts at c' = v; to clamp the hidden state:
                     o = 1, so h = φ(c)                    starts at c' = φ⁻¹(v)

Everything that reads the unit sees v at every step, including the first: its own layer one step later, the
next layer, the read-out. The output gate still applies to a clamped cell c, so the output of the unit is
o·φ(v). In a trace the gates of a clamped unit have the replaced values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rnnscope.network.architecture import Activation, Architecture
from rnnscope.network.cells import CELLS
from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler

if TYPE_CHECKING:
    from rnnscope.analysis.ablation import Clamp

_OPEN, _SHUT = 100.0, -100.0
_JUST_BELOW_ONE = 1.0 - 2.0**-53


class Clamped(CharRNN):
    """A copy of a network with some units clamped; it is traced, evaluated and sampled like any other.

    It also accepts a state of the original network and sets the clamped units in it.
    """

    def __init__(self, model: CharRNN, clamps: Iterable[Clamp]) -> None:
        """clamps: units of the network, with values within their range (see `Ablate.check`).

        Those of a network that is clamped already stay, except for units that are clamped again.
        """
        clamps = tuple(clamps)
        if isinstance(model, Clamped):
            again = {(clamp.layer, clamp.unit) for clamp in clamps}
            stay = (clamp for clamp in model.clamps if (clamp.layer, clamp.unit) not in again)
            model, clamps = model.intact, (*stay, *clamps)
        super().__init__(
            model.architecture,
            model.vocabulary,
            generator=torch.Generator().manual_seed(0),
            document_separator=model.document_separator,
        )
        self.to(model.readout.weight).eval()
        self.clamps: tuple[Clamp, ...] = clamps
        self._intact = (model,)  # in a tuple, so that it is no submodule
        with torch.no_grad():
            given = model.tensors()
            for name, tensor in self.tensors().items():
                tensor.copy_(given[name])
            for clamp in self.clamps:
                self._rewire(clamp)
        for layer, cell in enumerate(self.layers):
            values = tuple(
                (part, clamp.unit, value)
                for clamp in self.clamps
                if clamp.layer == layer + 1
                for part, value in self._initial_values(clamp)
            )
            if values:
                self.cells[layer] = _ClampedCell(cell, values)

    @property
    def intact(self) -> CharRNN:
        """The network without clamps."""
        return self._intact[0]

    def _initial_values(self, clamp: Clamp) -> list[tuple[int, float]]:
        """The values of the parts of a unit's state: 0 is the hidden state, 1 the cell."""
        if clamp.quantity == "cell":
            return [(1, clamp.value)]
        hidden = (0, clamp.value)
        if self.layers[clamp.layer - 1].state_parts == 1:
            return [hidden]
        return [hidden, (1, _inverse_activation(clamp.value, self.architecture.activation))]

    def _rewire(self, clamp: Clamp) -> None:
        tensors = self.layers[clamp.layer - 1].tensors()
        for block, bias in _constant(self.architecture, clamp).items():
            row = block * self.architecture.hidden_size + clamp.unit
            for name in ("weight_ih", "weight_hh", "bias_hh"):
                tensors[name][row] = 0.0
            tensors["bias_ih"][row] = bias
        if "peephole" in tensors:
            tensors["peephole"][: 2 if clamp.quantity == "cell" else 3, clamp.unit] = 0.0


class _ClampedCell(Cell):
    """A cell that sets some units of its initial state."""

    def __init__(self, cell: Cell, values: tuple[tuple[int, int, float], ...]) -> None:
        """values: part of the state, unit, value."""
        super().__init__(cell.input_size, cell.hidden_size)
        self.state_parts = cell.state_parts
        self.cell = cell
        self._values = values

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        hidden, last = self.cell(inputs, self._clamped(state))
        return hidden, last

    def states(self, inputs: Tensor, state: LayerState) -> LayerState:
        return self.cell.states(inputs, self._clamped(state))

    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        return self.cell.activations(inputs, self._clamped(state), hidden)

    def tensors(self) -> dict[str, Tensor]:
        return self.cell.tensors()

    def visible(self, state: LayerState) -> LayerState:
        return self.cell.visible(state)

    def initial_state(self, batch_size: int) -> LayerState:
        return self._clamped(self.cell.initial_state(batch_size))

    def _clamped(self, state: LayerState) -> LayerState:
        parts = tuple(part.clone() for part in state)
        for part, unit, value in self._values:
            parts[part][:, unit] = value
        return parts


def sample_paired(
    model: CharRNN,
    clamps: Sequence[Clamp],
    prime: Iterable[int],
    length: int,
    *,
    temperature: float = 0.8,
    seed: int = 0,
) -> Iterator[tuple[tuple[int, float], tuple[int, float]]]:
    """Two samples that continue the same ids with the same random numbers, without and with the clamps.

    Yields, for each position, the id and its probability in each sample.
    """
    read = list(prime)
    streams = []
    for network in (model, Clamped(model, clamps)):
        sampler = Sampler(network)
        sampler.feed(read)
        streams.append(sampler.stream(length, temperature=temperature, seed=seed))
    yield from zip(*streams, strict=True)


def _constant(architecture: Architecture, clamp: Clamp) -> dict[int, float]:
    """The biases, per block of the packed matrices, that hold a unit at its value."""
    cell = CELLS[architecture.cell]
    values = dict(cell.constant)
    if cell.has_cell and clamp.quantity == "hidden":
        values["output"] = 1.0
    own = _inverse_activation(clamp.value, architecture.activation)
    biases = {None: own, 0.0: _SHUT, 1.0: _OPEN}
    return {cell.blocks.index(block): biases[value] for block, value in values.items()}


def _inverse_activation(value: float, squash: Activation) -> float:
    """φ⁻¹; at the ends of the range, a number that φ rounds to them."""
    within = max(-_JUST_BELOW_ONE, min(_JUST_BELOW_ONE, value))
    return math.atanh(within) if squash == "tanh" else within / (1.0 - abs(within))
