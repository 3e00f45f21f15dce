"""What every recurrent cell offers: a layer that trains, and one that tells all it computed.

A cell maps inputs x(1..T) and a state to outputs h(1..T). Its packed matrices have H rows a gate:

    gates(t) = W_ih x(t) + b_ih + W_hh h(t−1) + b_hh        W_ih: (G·H, I)   W_hh: (G·H, H)

The inputs of a one-hot layer are the characters' ids themselves: W_ih x is then a column of W_ih, and no
one-hot array is made where it can be helped.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

LayerState = tuple[Tensor, ...]
"""(hidden,) or (hidden, cell), each (B, H)."""


class Cell(nn.Module, ABC):
    """One recurrent layer: ids (T, B) or vectors (T, B, I) in, hidden (T, B, H) and the last state out."""

    gates: ClassVar[int]
    """G, the number of blocks in the packed matrices."""
    state_parts: ClassVar[int] = 2
    """1 for a state of hidden alone, 2 for hidden and cell."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    @abstractmethod
    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Run over `inputs` from `state`. Returns hidden (T, B, H) and the last state."""

    @abstractmethod
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        """Every recorded quantity (T, B, H) by name, and the last state. Makes no gradients.

        hidden: what `forward` returned for the same, where it is known; spares a fused cell a second run.
        """

    def visible(self, state: LayerState) -> LayerState:
        """What of a state can be seen from outside: (h, φ(c)), except where gates look at c itself."""
        return state

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """The parameters under their names in a model file, without the `layers.N.` before them."""

    @abstractmethod
    def forget_bias_(self, bias: float) -> None:
        """Set what the forget gate is given beside its products, so that memories last at the start."""

    def reset(self, forget_bias: float, generator: torch.Generator | None) -> None:
        """Draw new weights: each gate's block by Xavier, biases zero but the forget bias."""
        for name, tensor in self.tensors().items():
            if name.startswith("weight"):
                for block in tensor.data.chunk(tensor.shape[0] // self.hidden_size):
                    xavier_(block, generator)
            else:
                tensor.data.zero_()
        self.forget_bias_(forget_bias)

    def initial_state(self, batch_size: int) -> LayerState:
        """Zeros (B, H), one a part of the state."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch_size, self.hidden_size) for _ in range(self.state_parts))


def xavier_(weight: Tensor, generator: torch.Generator | None) -> None:
    """Fill an (outputs, inputs) matrix so that signals keep their variance (Glorot & Bengio 2010)."""
    bound = math.sqrt(6.0 / (weight.shape[0] + weight.shape[1]))
    weight.uniform_(-bound, bound, generator=generator)


def project(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b of vectors (T, B, I), or of ids (T, B) that stand for one-hot vectors: (T, B, rows of W)."""
    if inputs.is_floating_point():
        return functional.linear(inputs, weight, bias)
    # Transposed and added to before it is picked from: a vocabulary is smaller than a batch.
    columns = weight.t().contiguous() if bias is None else weight.t() + bias
    return functional.embedding(inputs, columns)


def lstm_quantities(gates: Tensor, cell: Tensor, hidden: Tensor) -> dict[str, Tensor]:
    """What is recorded of a cell with the LSTM's blocks: gates (T, B, 4H), the others (T, B, H)."""
    input_gate, forget, candidate, output = gates.chunk(4, dim=2)
    return {
        "input": input_gate,
        "forget": forget,
        "candidate": candidate,
        "output": output,
        "cell": cell,
        "hidden": hidden,
    }


def shifted(outputs: Tensor, first: Tensor) -> Tensor:
    """What each step saw of the step before: `first` (B, H), then all of (T, B, H) but the last."""
    return torch.cat((first.unsqueeze(0), outputs[:-1]))
