"""What a network does without some of its units: they are held at a value, and everything else runs on.

A fused kernel cannot be stopped at every step. So the unit itself is rewired to say nothing but its value v,
and the run is as fast as ever. With weights of its rows zero and biases of ±100, at which σ is 1 or 0:

    rnn              h = tanh(b)                           b = artanh(v)
    gru              z = 1, so h = h'                      begun at h' = v
    lstm, its kin    f = 1, i = 0, so c = c'               begun at c' = v; to hold hidden:
                     o = 1, so h = φ(c)                    begun at c' = φ⁻¹(v)

All that reads the unit sees v at every step, the first included: its own layer a step later, the next
layer, the read-out. Of a held cell c the output gate is left alone, so that the unit still shows o·φ(v). The
gates of a held unit, as a trace shows them, are those of the rewiring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.effects import Ablation, Clamp
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Activation, Architecture
from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.model import CharRNN, State
from rnnscope.network.sampling import Sampler
from rnnscope.progress import Progress
from rnnscope.tracing.record import true_log_probabilities
from rnnscope.tracing.trace import Float

_OPEN, _SHUT = 100.0, -100.0
_JUST_BELOW_ONE = 1.0 - 2.0**-53

# Blocks of the packed matrices, and the rows of the peepholes.
_INPUT, _FORGET, _OUTPUT = 0, 1, 3
_COUPLED_INPUT, _COUPLED_OUTPUT = 0, 2
_GRU_UPDATE, _GRU_CANDIDATE = 1, 2


class Clamped(CharRNN):
    """A copy of a network with some units held; it is traced, evaluated and sampled as any other.

    A state of the untouched network may be given to it: the held units take their values in it.
    """

    def __init__(self, model: CharRNN, clamps: Iterable[Clamp]) -> None:
        """Raises OptionError where there is no such unit or it cannot have that value."""
        super().__init__(model.architecture, model.vocabulary, generator=torch.Generator().manual_seed(0))
        self.to(model.readout.weight).eval()
        self.clamps = tuple(clamps)
        with torch.no_grad():
            given = model.tensors()
            for name, tensor in self.tensors().items():
                tensor.copy_(given[name])
            for clamp in self.clamps:
                _check(self.architecture, clamp)
                self._rewire(clamp)
        for layer, cell in enumerate(self.layers):
            held = tuple(
                (part, clamp.unit, value)
                for clamp in self.clamps
                if clamp.layer == layer + 1
                for part, value in self._beginning(clamp)
            )
            if held:
                self.cells[layer] = (_Held if cell.state_parts == 2 else _HeldHidden)(cell, held)

    def _beginning(self, clamp: Clamp) -> list[tuple[int, float]]:
        """What the parts of a unit's state are: 0 is hidden, 1 the cell."""
        if clamp.quantity == "cell":
            return [(1, clamp.value)]
        hidden = (0, clamp.value)
        if self.architecture.cell in ("rnn", "gru"):
            return [hidden]
        return [hidden, (1, _unsquashed(clamp.value, self.architecture.activation))]

    def _rewire(self, clamp: Clamp) -> None:
        tensors = self.layers[clamp.layer - 1].tensors()
        for block, bias in _constant(self.architecture, clamp).items():
            row = block * self.architecture.hidden_size + clamp.unit
            for name in ("weight_ih", "weight_hh", "bias_hh"):
                tensors[name][row] = 0.0
            tensors["bias_ih"][row] = bias
        if "peephole" in tensors:
            tensors["peephole"][: 2 if clamp.quantity == "cell" else 3, clamp.unit] = 0.0


class _Held(Cell):
    """A cell whose state holds some units at their values from before its first step."""

    def __init__(self, cell: Cell, held: tuple[tuple[int, int, float], ...]) -> None:
        """held: part of the state, unit, value."""
        super().__init__(cell.input_size, cell.hidden_size)
        self.cell = cell
        self._values = held

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        hidden, last = self.cell(inputs, self._held(state))
        return hidden, last

    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        return self.cell.activations(inputs, self._held(state), hidden)

    def tensors(self) -> dict[str, Tensor]:
        return self.cell.tensors()

    def initial_state(self, batch_size: int) -> LayerState:
        return self._held(self.cell.initial_state(batch_size))

    def _held(self, state: LayerState) -> LayerState:
        parts = tuple(part.clone() for part in state)
        for part, unit, value in self._values:
            parts[part][:, unit] = value
        return parts


class _HeldHidden(_Held):
    """One without a cell state."""

    state_parts = 1


def ablate(
    model: CharRNN,
    ids: NDArray[Any],
    clamps: Sequence[Clamp],
    state: State | None = None,
    *,
    plain: Float | None = None,
    told: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Ablation:
    """Read `ids` (T,) with and without `clamps`, from `state` or from nothing.

    plain: ln p of the untouched network from an earlier call, which need not be found again. Raises
    OptionError as `Clamped` does, and Cancelled.
    """
    network = Clamped(model, clamps)
    progress = Progress(lambda share: None if told is None else told(share), should_stop or (lambda: False))
    if plain is None:
        plain = true_log_probabilities(model, ids, state, progress=progress.part(0.0, 0.5))
        progress = progress.part(0.5, 1.0)
    clamped = true_log_probabilities(network, ids, state, progress=progress)
    return Ablation(network.clamps, plain, clamped)


def sample_side_by_side(
    model: CharRNN,
    clamps: Sequence[Clamp],
    prime: Iterable[int],
    length: int | None,
    *,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = 0,
) -> Iterator[tuple[tuple[int, float], tuple[int, float]]]:
    """Two texts after the same ids and from the same random numbers, without the clamps and with them.

    Yields for each place the id and its probability in either text. They part where the clamps first matter.
    """
    read = list(prime)
    streams = []
    for network in (model, Clamped(model, clamps)):
        sampler = Sampler(network)
        sampler.feed(read)
        streams.append(sampler.stream(length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed))
    yield from zip(*streams, strict=True)


def _constant(architecture: Architecture, clamp: Clamp) -> dict[int, float]:
    """The biases, block by block, with which a unit's gates keep it at its value."""
    shows_itself = clamp.quantity == "hidden"
    match architecture.cell:
        case "rnn":
            return {0: _unsquashed(clamp.value, architecture.activation)}
        case "gru":
            # A candidate of v as well: else the kernel's n + z·(h' − n) would drift by its rounding.
            return {_GRU_UPDATE: _OPEN, _GRU_CANDIDATE: _unsquashed(clamp.value, architecture.activation)}
        case "coupled":
            return {_COUPLED_INPUT: _SHUT} | ({_COUPLED_OUTPUT: _OPEN} if shows_itself else {})
        case "lstm" | "peephole" | "multiplicative":
            return {_INPUT: _SHUT, _FORGET: _OPEN} | ({_OUTPUT: _OPEN} if shows_itself else {})


def _unsquashed(value: float, squash: Activation) -> float:
    """φ⁻¹, at the ends of its range a number whose φ rounds to them."""
    within = max(-_JUST_BELOW_ONE, min(_JUST_BELOW_ONE, value))
    return math.atanh(within) if squash == "tanh" else within / (1.0 - abs(within))


def _check(architecture: Architecture, clamp: Clamp) -> None:
    name = f"{clamp.layer}/{clamp.unit}"
    if not (1 <= clamp.layer <= architecture.layers and 0 <= clamp.unit < architecture.hidden_size):
        raise OptionError(f"there is no unit {name} in {architecture.title}")
    if clamp.quantity == "cell" and architecture.cell in ("rnn", "gru"):
        raise OptionError(f"{architecture.title} has no cell to hold; hold the hidden state of {name}")
    if not math.isfinite(clamp.value) or (clamp.quantity == "hidden" and abs(clamp.value) > 1.0):
        raise OptionError(f"a hidden state is within −1..1; {name} cannot be held at {clamp.value:g}")
