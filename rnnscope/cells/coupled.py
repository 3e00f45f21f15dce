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

from rnnscope.cells.cell import LayerState, project, shifted
from rnnscope.cells.scan import (
    Factors,
    ScannedCell,
    Squash,
    add_product,
    backpropagate,
    product_type,
    sigmoid_slope,
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

    @torch.no_grad()
    def activations(self, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        gates, cells, _, outputs = _run(products, hidden, cell, self.weight_hh, self.squash)
        input_gate, candidate, output = gates.chunk(3, dim=2)
        return {
            "input": input_gate,
            "forget": 1 - input_gate,
            "candidate": candidate,
            "output": output,
            "cell": cells,
            "hidden": outputs,
        }, (outputs[-1], cells[-1])


def _run(
    products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, squash: Squash
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """From W x + b (T, B, 3H): the gates (T, B, 3H), and c, φ(c) and h, each (T, B, H)."""
    steps, batch, size = products.shape[0], products.shape[1], hidden.shape[1]
    recurrent = weight.t().contiguous()
    gates = torch.empty_like(products)
    cells, squashed, outputs = gates.new_empty(3, steps, batch, size)
    blocks = gates.view(steps, batch, 3, size)
    for product, whole, sigmoids, input_gate, candidate, output, c, s, h in zip(
        products.unbind(0),
        gates.unbind(0),
        blocks[:, :, ::2].unbind(0),
        blocks[:, :, 0].unbind(0),
        blocks[:, :, 1].unbind(0),
        blocks[:, :, 2].unbind(0),
        cells.unbind(0),
        squashed.unbind(0),
        outputs.unbind(0),
        strict=True,
    ):
        add_product(product, hidden, recurrent, out=whole)
        sigmoids.sigmoid_()
        squash.into(candidate, candidate)
        torch.lerp(cell, candidate, input_gate, out=c)  # c' + i ∘ (g − c')
        squash.into(c, s)
        torch.mul(output, s, out=h)
        hidden, cell = h, c
    return gates, cells, squashed, outputs


class _Scan(torch.autograd.Function):
    """The loop and, by hand, its gradient."""

    @staticmethod
    def forward(
        ctx: Any, products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, squash: Squash
    ) -> tuple[Tensor, Tensor]:
        ctx.squash, ctx.dtype, ctx.products_dtype = squash, product_type(weight), products.dtype
        with without_autocast(products):
            products = products.to(weight.dtype)
            gates, cells, squashed, outputs = _run(products, hidden, cell, weight.to(ctx.dtype), squash)
        ctx.save_for_backward(gates, cells, squashed, outputs, hidden, cell, weight)
        return outputs, cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        gates, cells, squashed, outputs, hidden, cell, weight = ctx.saved_tensors
        with without_autocast(gates):
            i, g, o = gates.chunk(3, dim=2)
            before = shifted(cells, cell)
            recurrent = weight.to(ctx.dtype)
            errors, to_hidden, to_cell = backpropagate(
                to_outputs,
                to_cell,
                Factors(
                    of_hidden_in_output=sigmoid_slope(o).mul_(squashed),
                    of_hidden_in_cell=ctx.squash.slope(squashed).mul_(o),
                    of_cell_in_early=torch.stack(
                        (sigmoid_slope(i).mul_(g - before), ctx.squash.slope(g).mul_(i)), dim=2
                    ),
                    of_cell_in_cell=1 - i,
                ),
                lambda _, error, d_hidden, out: add_product(d_hidden, error, recurrent, out),
            )
            to_weight = weight_gradient(errors, shifted(outputs, hidden), ctx.dtype)
        return errors.to(ctx.products_dtype), to_hidden, to_cell, to_weight, None
