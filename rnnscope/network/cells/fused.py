"""The cells that PyTorch runs in one fused call, with tanh: cuDNN on CUDA, oneDNN or a C++ loop on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.network.cells import CELLS, Activation, CellName
from rnnscope.network.cells.cell import LayerState

_DENSE_SYMBOLS = 256
"""A larger vocabulary is cut down to the batch's characters, on a CPU: 5 times as fast at 5,000 symbols."""


class _Kernel(NamedTuple):
    module: type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]
    function: Callable[..., tuple[Tensor, ...]]
    """What the module calls."""


_CPU_SLOWDOWN: dict[CellName, float] = {"lstm": 1.7}
"""Cells with a kernel that is faster than the scan on a CPU (`benchmarks/cells.py`: rnn 0.95, gru 0.80)."""

_KERNELS: dict[CellName, _Kernel] = {
    "rnn": _Kernel(nn.RNN, torch.rnn_tanh),
    "lstm": _Kernel(nn.LSTM, torch.lstm),
    "gru": _Kernel(nn.GRU, torch.gru),
}


def fused_module(
    cell: CellName, activation: Activation, input_size: int, hidden_size: int
) -> nn.RNNBase | None:
    """A one-layer `torch.nn` module, which keeps its weights flat for cuDNN; None where PyTorch has none."""
    if cell not in _KERNELS or activation != "tanh":
        return None
    return _KERNELS[cell].module(input_size, hidden_size)


def missing_kernel(
    cell: CellName, activation: Activation, device: str, *, with_states: bool = False
) -> str | None:
    """A note where PyTorch's kernel of a cell cannot be used, on what that costs; None where nothing.

    with_states: whether training needs the cell states of all steps.
    """
    needs_cell_states = with_states and CELLS[cell].has_cell
    if cell not in _KERNELS or (activation == "tanh" and not needs_cell_states):
        return None
    kind = f"{activation} {CELLS[cell].title}"
    if activation == "tanh":
        kind = f"with --change-penalty, {CELLS[cell].title}"
    why = f"{kind} runs without PyTorch's fused kernel"
    if device != "cpu":
        return f"{why}: expect a training step to take several times as long as with it"
    slower = _CPU_SLOWDOWN.get(cell)
    return None if slower is None else f"{why}: a training step takes about {slower} times as long as with it"


def run_fused(module: nn.RNNBase, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
    """Hidden (T, B, H) and the last state, from ids (T, B) or vectors (T, B, I)."""
    parts = tuple(part.unsqueeze(0) for part in state)
    before = parts if len(parts) == 2 else parts[0]
    if inputs.device.type == "cuda" and torch.is_autocast_enabled("cuda"):
        vectors = inputs if inputs.is_floating_point() else _one_hot(inputs, module.input_size, module)
        hidden, last = run_in_type(module, vectors, before, torch.get_autocast_dtype("cuda"))
    elif inputs.is_floating_point():
        hidden, last = module(inputs, before)
    elif module.input_size <= _DENSE_SYMBOLS or inputs.device.type != "cpu":
        hidden, last = module(_one_hot(inputs, module.input_size, module), before)
    else:
        hidden, last = _run_compact(module, inputs, before)
    after = last if len(parts) == 2 else (last,)
    return hidden, tuple(part.squeeze(0).to(old.dtype) for part, old in zip(after, state, strict=True))


def run_in_type(
    module: nn.RNNBase, vectors: Tensor, before: Tensor | LayerState, dtype: torch.dtype
) -> tuple[Tensor, Tensor | LayerState]:
    """The module with inputs, states and weights of type `dtype`; gradients reach the weights in their own.

    On CUDA, PyTorch's autocast gives cuDNN's recurrent kernels float16 even where bfloat16 is asked for, in
    which gradients underflow unless the loss is scaled.
    """
    weights = [weight.to(dtype) for weight in module.parameters()]
    states = before.to(dtype) if isinstance(before, Tensor) else tuple(part.to(dtype) for part in before)
    with torch.autocast(vectors.device.type, enabled=False):
        return _call(module, vectors.to(dtype), states, weights)


def _call(
    module: nn.RNNBase, vectors: Tensor, before: Tensor | LayerState, weights: list[Tensor]
) -> tuple[Tensor, Tensor | LayerState]:
    """What the module computes, with other weights."""
    function = next(kernel.function for kernel in _KERNELS.values() if isinstance(module, kernel.module))
    hidden, *last = function(vectors, before, weights, True, 1, 0.0, module.training, False, False)
    return hidden, tuple(last) if len(last) == 2 else last[0]


def _one_hot(ids: Tensor, size: int, module: nn.RNNBase) -> Tensor:
    return functional.one_hot(ids, size).to(next(module.parameters()).dtype)


def _run_compact(
    module: nn.RNNBase, ids: Tensor, before: Tensor | LayerState
) -> tuple[Tensor, Tensor | LayerState]:
    """As if the vocabulary were the characters in `ids`; not on a GPU, which would wait for their count."""
    weight_ih, *others = module.parameters()
    present, renumbered = torch.unique(ids, return_inverse=True)
    weights = [weight_ih.index_select(1, present), *others]
    return _call(module, _one_hot(renumbered, len(present), module), before, weights)
