"""The three cells that PyTorch runs in one fused call: cuDNN on CUDA, oneDNN or a C++ loop on a CPU.

With h' = h(t−1) and the gates in the order of the packed matrices:

    rnn    h = tanh(W x + b + U h')                                                   Elman 1990
    lstm   i, f, o = σ(…)   g = tanh(…)   c = f ∘ c' + i ∘ g   h = o ∘ tanh(c)         Gers et al. 2000
    gru    r, z = σ(…)   g = tanh(W x + b + r ∘ (U h' + d))   h = (1 − z) ∘ g + z ∘ h' Cho et al. 2014

A fused run tells only h. But with every h(t−1) known, all gates of all steps are one matrix product, and c
follows by an element-wise scan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.network.cells.cell import Cell, LayerState, lstm_quantities, project, shifted
from rnnscope.network.cells.product import product

_DENSE_SYMBOLS = 256
"""A larger vocabulary is cut down to the characters that a batch has, on a CPU: 5 times as fast at 5,000."""


class _FusedCell(Cell):
    """A one-layer `torch.nn` module, which keeps its weights flat for cuDNN."""

    core: nn.RNNBase
    kernel: ClassVar[Callable[..., tuple[Tensor, ...]]]
    """The function that the module calls."""

    def tensors(self) -> dict[str, Tensor]:
        return {name.removesuffix("_l0"): weight for name, weight in self.core.named_parameters()}

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        before = tuple(part.unsqueeze(0) for part in state)
        if inputs.is_floating_point():
            hidden, *last = self._run(inputs, before)
        elif self.input_size <= _DENSE_SYMBOLS or inputs.device.type != "cpu":
            hidden, *last = self._run(self._one_hot(inputs, self.input_size), before)
        else:
            hidden, *last = self._run_compact(inputs, before)
        return hidden, tuple(part.squeeze(0).to(old.dtype) for part, old in zip(last, state, strict=True))

    def _one_hot(self, ids: Tensor, size: int) -> Tensor:
        return functional.one_hot(ids, size).to(self.tensors()["weight_ih"].dtype)

    def _run(self, vectors: Tensor, state: LayerState) -> tuple[Tensor, ...]:
        hidden, last = self.core(vectors, state[0])
        return hidden, last

    def _run_compact(self, ids: Tensor, state: LayerState) -> tuple[Tensor, ...]:
        """As if the vocabulary were the characters in `ids`; counting them would make a GPU wait."""
        weight_ih, *others = self.tensors().values()
        present, renumbered = torch.unique(ids, return_inverse=True)
        weights = [weight_ih.index_select(1, present), *others]
        vectors = self._one_hot(renumbered, len(present))
        before = state if self.state_parts == 2 else state[0]
        return type(self).kernel(vectors, before, weights, True, 1, 0.0, self.training, False, False)


class RNN(_FusedCell):
    """The plain recurrent network."""

    gates = 1
    kernel = torch.rnn_tanh
    state_parts = 1

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.core = nn.RNN(input_size, hidden_size)

    def forget_bias_(self, bias: float) -> None:
        """It has no forget gate."""

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        if hidden is None:
            hidden, _ = self(inputs, state)
        return {"hidden": hidden}, (hidden[-1],)


class LSTM(_FusedCell):
    """Long short-term memory with a forget gate; blocks are input, forget, candidate, output."""

    gates = 4
    kernel = torch.lstm

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.core = nn.LSTM(input_size, hidden_size)

    def forget_bias_(self, bias: float) -> None:
        self.tensors()["bias_ih"].data[self.hidden_size : 2 * self.hidden_size] = bias

    def visible(self, state: LayerState) -> LayerState:
        return state[0], state[1].tanh()

    def _run(self, vectors: Tensor, state: LayerState) -> tuple[Tensor, ...]:
        hidden, (last, cell) = self.core(vectors, state)
        return hidden, last, cell

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        if hidden is None:
            hidden, _ = self(inputs, state)
        weight = self.tensors()
        gates = _projected(inputs, weight["weight_ih"], weight["bias_ih"] + weight["bias_hh"])
        gates += product(shifted(hidden, state[0]), weight["weight_hh"])
        input_gate, forget, candidate, output = gates.chunk(4, dim=2)
        for gate in (input_gate, forget, output):
            gate.sigmoid_()
        candidate.tanh_()
        cell = input_gate * candidate  # what is written at each step; the scan adds what is kept
        before = state[1]
        for kept, written in zip(forget.unbind(0), cell.unbind(0), strict=True):
            before = written.addcmul_(kept, before)
        return lstm_quantities(gates, cell, hidden), (hidden[-1], cell[-1])


class GRU(_FusedCell):
    """The gated recurrent unit; blocks are reset, update, candidate. An update gate of 1 keeps everything."""

    gates = 3
    kernel = torch.gru
    state_parts = 1

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.core = nn.GRU(input_size, hidden_size)

    def forget_bias_(self, bias: float) -> None:
        """It has no forget gate; the update gate starts half open, as published."""

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        if hidden is None:
            hidden, _ = self(inputs, state)
        weight = self.tensors()
        gates = _projected(inputs, weight["weight_ih"], weight["bias_ih"])
        recurrent = product(shifted(hidden, state[0]), weight["weight_hh"], weight["bias_hh"])
        reset, update, candidate = gates.chunk(self.gates, dim=2)
        seen_by_reset, seen_by_update, seen_by_candidate = recurrent.chunk(self.gates, dim=2)
        reset.add_(seen_by_reset).sigmoid_()
        update.add_(seen_by_update).sigmoid_()
        candidate.addcmul_(reset, seen_by_candidate).tanh_()
        return {"reset": reset, "update": update, "candidate": candidate, "hidden": hidden}, (hidden[-1],)


def _projected(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """W x + b where no gradient is asked for."""
    if inputs.is_floating_point():
        return product(inputs, weight, bias)
    return project(inputs, weight, bias)
