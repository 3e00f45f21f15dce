"""The LSTM whose gates see the memory they govern (Gers & Schmidhuber 2000; Graves 2013, equations 7 to 11).

    i = σ(a_i + p_i ∘ c')    f = σ(a_f + p_f ∘ c')    g = φ(a_g)        a = W x + b + U h'
    c = f ∘ c' + i ∘ g       o = σ(a_o + p_o ∘ c)     h = o ∘ φ(c)      c' = c(t−1), h' = h(t−1)

The output gate sees the new c. Peepholes are diagonal: p is (3, H), in the order i, f, o.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rnnscope.architecture import Activation
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


class Peephole(ScannedCell):
    """Blocks are input, forget, candidate, output, and the peepholes lie beside them."""

    gates = 4

    def __init__(self, input_size: int, hidden_size: int, activation: Activation) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.peephole = nn.Parameter(torch.empty(3, hidden_size))

    def reset(self, forget_bias: float, generator: torch.Generator | None) -> None:
        super().reset(forget_bias, generator)
        self.peephole.data.zero_()  # a plain LSTM at first; they grow where they help

    def forget_bias_(self, bias: float) -> None:
        self.bias_ih.data[self.hidden_size : 2 * self.hidden_size] = bias

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        outputs, last = _Scan.apply(products, hidden, cell, self.weight_hh, self.peephole, self.squash)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1], last)

    @torch.no_grad()
    def activations(self, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        gates, cells, _, outputs = _run(products, hidden, cell, self.weight_hh, self.peephole, self.squash)
        input_gate, forget, candidate, output = gates.chunk(4, dim=2)
        return {
            "input": input_gate,
            "forget": forget,
            "candidate": candidate,
            "output": output,
            "cell": cells,
            "hidden": outputs,
        }, (outputs[-1], cells[-1])


def _run(
    products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, peephole: Tensor, squash: Squash
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """From W x + b (T, B, 4H): the gates (T, B, 4H), and c, φ(c) and h, each (T, B, H)."""
    steps, batch, size = products.shape[0], products.shape[1], hidden.shape[1]
    recurrent = weight.t().contiguous()
    gates = torch.empty_like(products)
    early_peepholes, output_peephole = peephole[:2], peephole[2]
    cells, squashed, outputs = gates.new_empty(3, steps, batch, size)
    blocks = gates.view(steps, batch, 4, size)
    for product, whole, early, candidate, output, c, s, h in zip(
        products.unbind(0),
        gates.unbind(0),
        blocks[:, :, :2].unbind(0),
        blocks[:, :, 2].unbind(0),
        blocks[:, :, 3].unbind(0),
        cells.unbind(0),
        squashed.unbind(0),
        outputs.unbind(0),
        strict=True,
    ):
        add_product(product, hidden, recurrent, out=whole)
        early.addcmul_(cell.unsqueeze(1), early_peepholes).sigmoid_()
        squash.into(candidate, candidate)
        torch.mul(early[:, 1], cell, out=c)
        c.addcmul_(early[:, 0], candidate)
        output.addcmul_(c, output_peephole).sigmoid_()
        squash.into(c, s)
        torch.mul(output, s, out=h)
        hidden, cell = h, c
    return gates, cells, squashed, outputs


class _Scan(torch.autograd.Function):
    """The loop and, by hand, its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        products: Tensor,
        hidden: Tensor,
        cell: Tensor,
        weight: Tensor,
        peephole: Tensor,
        squash: Squash,
    ) -> tuple[Tensor, Tensor]:
        ctx.squash, ctx.dtype, ctx.products_dtype = squash, product_type(weight), products.dtype
        with without_autocast(products):
            products = products.to(weight.dtype)
            gates, cells, squashed, outputs = _run(
                products, hidden, cell, weight.to(ctx.dtype), peephole, squash
            )
        ctx.save_for_backward(gates, cells, squashed, outputs, hidden, cell, weight, peephole)
        return outputs, cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        gates, cells, squashed, outputs, hidden, cell, weight, peephole = ctx.saved_tensors
        with without_autocast(gates):
            i, f, g, o = gates.chunk(4, dim=2)
            before = shifted(cells, cell)
            of_hidden_in_output = sigmoid_slope(o).mul_(squashed)
            of_cell_in_early = torch.stack(
                (sigmoid_slope(i).mul_(g), sigmoid_slope(f).mul_(before), ctx.squash.slope(g).mul_(i)), dim=2
            )
            of_hidden_in_cell = ctx.squash.slope(squashed).mul_(o)
            of_hidden_in_cell.addcmul_(of_hidden_in_output, peephole[2])
            of_cell_in_cell = f.addcmul(of_cell_in_early[:, :, 0], peephole[0])
            of_cell_in_cell.addcmul_(of_cell_in_early[:, :, 1], peephole[1])
            recurrent = weight.to(ctx.dtype)
            errors, to_hidden, to_cell = backpropagate(
                to_outputs,
                to_cell,
                Factors(of_hidden_in_output, of_hidden_in_cell, of_cell_in_early, of_cell_in_cell),
                lambda _, error, d_hidden, out: add_product(d_hidden, error, recurrent, out),
            )
            to_weight = weight_gradient(errors, shifted(outputs, hidden), ctx.dtype)
            d_i, d_f, _, d_o = errors.chunk(4, dim=2)
            to_peephole = torch.stack(
                (
                    (d_i * before).sum((0, 1)),
                    (d_f * before).sum((0, 1)),
                    (d_o * cells).sum((0, 1)),
                )
            )
        return errors.to(ctx.products_dtype), to_hidden, to_cell, to_weight, to_peephole, None
