"""The LSTM that forgets exactly as much as it takes in (CIFG; Greff et al. 2015, after Cho et al. 2014).

    i, o = σ(a_i), σ(a_o)    g = φ(a_g)    f = 1 − i        a = W x + b + U h'
    c = f ∘ c' + i ∘ g       h = o ∘ φ(c)

The packed matrices have three blocks: input, candidate, output. A forget bias b is an input bias of −b.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnscope.network.cells.cell import LayerState, project
from rnnscope.network.cells.scan import (
    Factors,
    Run,
    ScannedCell,
    Squash,
    add_product,
    backpropagate,
    product_type,
    sigmoid_slope,
    threads_for,
    weight_gradient,
    without_autocast,
)


class Coupled(ScannedCell):
    """Three blocks, input, candidate and output; the forget gate is one minus the input gate."""

    gates = 3

    def forget_bias_(self, bias: float) -> None:
        self.bias_ih.data[: self.hidden_size] = -bias

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        outputs, last = _Scan.apply(products, hidden, cell, self.weight_hh, self.squash)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1], last)

    def visible(self, state: LayerState) -> LayerState:
        return state[0], self.squashed(state[1])

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        first, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        run = _run(products, first, cell, self.weight_hh, self.squash)
        input_gate, candidate, output = run.gates.chunk(3, dim=2)
        return {
            "input": input_gate,
            "forget": 1 - input_gate,
            "candidate": candidate,
            "output": output,
            "cell": run.cells[1:],
            "hidden": run.outputs[1:],
        }, run.state


def _run(products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, squash: Squash) -> Run:
    """The loop; products: W x + b, (T, B, 3H)."""
    run = Run.beginning(products, hidden, cell)
    recurrent = weight.t().contiguous()
    blocks = run.gates.view(*products.shape[:2], 3, -1)
    with threads_for(run):
        for gates, sigmoids, candidate, before, c, s, recalled, h in zip(
            run.gates.unbind(0),
            blocks[:, :, ::2].unbind(0),
            blocks[:, :, 1].unbind(0),
            run.cells[:-1].unbind(0),
            run.cells[1:].unbind(0),
            run.squashed.unbind(0),
            run.outputs[:-1].unbind(0),
            run.outputs[1:].unbind(0),
            strict=True,
        ):
            add_product(gates, recalled, recurrent, out=gates)
            sigmoids.sigmoid_()
            squash.into(candidate, candidate)
            torch.lerp(before, candidate, sigmoids[:, 0], out=c)  # c' + i ∘ (g − c')
            squash.into(c, s)
            torch.mul(sigmoids[:, 1], s, out=h)
    return run


class _Scan(torch.autograd.Function):
    """The loop and, by hand, its gradient."""

    @staticmethod
    def forward(
        ctx: Any, products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, squash: Squash
    ) -> tuple[Tensor, Tensor]:
        ctx.squash, ctx.dtype, ctx.products_dtype = squash, product_type(weight), products.dtype
        with without_autocast(products):
            run = _run(products.to(weight.dtype), hidden, cell, weight.to(ctx.dtype), squash)
        ctx.save_for_backward(*run, weight)
        return run.outputs[1:], run.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        *computed, weight = ctx.saved_tensors
        run = Run(*computed)
        slope = ctx.squash.slope

        def factors(part: slice) -> Factors:
            i, g, o = run.gates[part].chunk(3, dim=2)
            squashed = run.squashed[part]
            in_input = sigmoid_slope(i).mul_(g - run.cells[:-1][part])
            return Factors(
                of_hidden_in_output=sigmoid_slope(o).mul_(squashed),
                of_hidden_in_cell=slope(squashed).mul_(o),
                of_cell_in_early=torch.stack((in_input, slope(g).mul_(i)), dim=2),
                of_cell_in_cell=1 - i,
            )

        with without_autocast(run.gates):
            recurrent = weight.to(ctx.dtype)
            errors, to_hidden, to_cell = backpropagate(
                run,
                to_outputs,
                to_cell,
                factors,
                lambda _, error, d_hidden, out: add_product(d_hidden, error, recurrent, out),
            )
            to_weight = weight_gradient(errors, run.outputs[:-1], ctx.dtype)
        return errors.to(ctx.products_dtype), to_hidden, to_cell, to_weight, None
