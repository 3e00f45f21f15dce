"""A layer that runs a registered cell: on PyTorch's fused kernel where it has one, otherwise by the scan."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.network.cells import CELLS, Activation, CellName
from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.cells.fused import fused_module, run_fused
from rnnscope.network.cells.scan import ARITHMETIC, record, scan

_FEW_ROWS = 8
"""Up to this batch size, a fused kernel and one product for all steps record faster than the scan does."""


class Layer(Cell):
    """A cell's parameters and how to run it; weights are not yet drawn."""

    def __init__(
        self, name: CellName, input_size: int, hidden_size: int, activation: Activation = "tanh"
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.equations = CELLS[name]
        self.state_parts = 1 + self.equations.has_cell
        self.fused = fused_module(name, activation, input_size, hidden_size)
        self._arithmetic = ARITHMETIC[activation]
        if self.fused is None:
            for tensor, shape in self.equations.shapes(input_size, hidden_size).items():
                self.register_parameter(tensor, nn.Parameter(torch.empty(shape)))

    def tensors(self) -> dict[str, Tensor]:
        owner = self if self.fused is None else self.fused
        return {name.removesuffix("_l0"): tensor for name, tensor in owner.named_parameters()}

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        if self.fused is not None:
            return run_fused(self.fused, inputs, state)
        states = self.states(inputs, state)
        return states[0], tuple(part[-1] for part in states)

    def states(self, inputs: Tensor, state: LayerState) -> LayerState:
        if self.fused is not None and not self.equations.has_cell:
            return run_fused(self.fused, inputs, state)[:1]
        projected, weights = self._operands(inputs)
        return scan(self.equations, self._arithmetic, projected, state, weights)

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        only_hidden = self.equations.quantities == ("hidden",)
        if self.fused is None or (len(state[0]) > _FEW_ROWS and not only_hidden):
            hidden = None
        elif hidden is None:
            hidden, _ = self(inputs, state)
        if hidden is not None and only_hidden:
            return {"hidden": hidden}, (hidden[-1],)
        projected, weights = self._operands(inputs)
        return record(self.equations, self._arithmetic, projected, state, weights, hidden)

    def _operands(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The products with the inputs, and the parameters of the recurrence, as `scan` takes them."""
        tensors, cell = self.tensors(), self.equations
        projected = [
            project(inputs, tensors[weight], *(tensors[bias] for bias in biases))
            for weight, biases in cell.projections.items()
        ]
        return projected, [tensors[name] for name in cell.recurrent]

    def visible(self, state: LayerState) -> LayerState:
        if not self.equations.has_cell or self.equations.cell_is_seen:
            return state
        hidden, cell = state
        squashed = torch.empty_like(cell)
        self._arithmetic.squash(cell, out=squashed)
        return hidden, squashed

    @torch.no_grad()
    def reset(self, forget_bias: float, generator: torch.Generator | None) -> None:
        """Draw new weights: each block of a matrix by Xavier; other parameters zero but the forget bias."""
        for name, tensor in self.tensors().items():
            tensor.zero_()
            if name.startswith("weight"):
                for block in tensor.chunk(tensor.shape[0] // self.hidden_size):
                    xavier_(block, generator)
        self.forget_bias_(forget_bias)

    @torch.no_grad()
    def forget_bias_(self, bias: float) -> None:
        """Set the forget gate's bias, so that memories last when training starts."""
        if self.equations.forget_bias is not None:
            block, sign = self.equations.forget_bias
            first = self.equations.blocks.index(block) * self.hidden_size
            self.tensors()["bias_ih"][first : first + self.hidden_size] = sign * bias


def xavier_(weight: Tensor, generator: torch.Generator | None) -> None:
    """Fill an (outputs, inputs) matrix so that signals keep their variance (Glorot & Bengio 2010)."""
    bound = math.sqrt(6.0 / (weight.shape[0] + weight.shape[1]))
    weight.uniform_(-bound, bound, generator=generator)


def project(inputs: Tensor, weight: Tensor, *biases: Tensor) -> Tensor:
    """W x + b of vectors (T, B, I), or of ids (T, B) that stand for one-hot vectors: (T, B, rows of W)."""
    bias = sum(biases[1:], biases[0]) if biases else None
    if inputs.is_floating_point():
        return functional.linear(inputs, weight, bias)
    # Transposed and added to before columns are selected: a vocabulary is smaller than a batch.
    columns = weight.t().contiguous() if bias is None else weight.t() + bias
    return functional.embedding(inputs, columns)
