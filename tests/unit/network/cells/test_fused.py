"""The type in which PyTorch's fused kernels compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from rnnscope.network.cells.fused import run_in_type

KERNELS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


class Arguments(TorchFunctionMode):
    """Keeps the types of all tensors that reach a recurrent kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.types: set[torch.dtype] = set()

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in (torch.lstm, torch.gru, torch.rnn_tanh):
            self.types |= {tensor.dtype for tensor in torch.utils._pytree.tree_leaves(arguments[:3])}
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_kernel_gets_the_type_that_was_asked_for(cell: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module = KERNELS[cell](5, 7)
    vectors = torch.randn(9, 3, 5)
    state = torch.zeros(1, 3, 7)
    before = (state, state.clone()) if cell == "lstm" else state
    with Arguments() as seen, torch.autocast("cpu", torch.float16):
        hidden, _ = run_in_type(module, vectors, before, dtype)
    assert seen.types == {dtype}
    assert hidden.dtype == dtype
    expected, _ = module(vectors, before)
    torch.testing.assert_close(
        hidden.float(), expected, atol=0.02 if dtype == torch.bfloat16 else 1e-6, rtol=0
    )


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_reach_the_weights_in_their_own_type(cell: str) -> None:
    torch.manual_seed(0)
    module = KERNELS[cell](5, 7)
    vectors, state = torch.randn(9, 3, 5), torch.zeros(1, 3, 7)
    before = (state, state.clone()) if cell == "lstm" else state
    module(vectors, before)[0].square().sum().backward()
    expected = [weight.grad.clone() for weight in module.parameters() if weight.grad is not None]
    module.zero_grad()
    run_in_type(module, vectors, before, torch.bfloat16)[0].float().square().sum().backward()
    for weight, gradient in zip(module.parameters(), expected, strict=True):
        assert weight.grad is not None
        assert weight.grad.dtype == torch.float32
        assert (weight.grad - gradient).norm() < 0.05 * gradient.norm()
