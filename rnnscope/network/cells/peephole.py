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

from rnnscope.network.architecture import Activation
from rnnscope.network.cells.cell import LayerState, lstm_quantities, project
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
        outputs, last = _Scan.apply(  # type: ignore[no-untyped-call]
            products, hidden, cell, self.weight_hh, self.peephole, self.squash
        )
        return outputs, (outputs[-1], last)

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        first, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        run = _run(products, first, cell, self.weight_hh, self.peephole, self.squash)
        return lstm_quantities(run.gates, run.cells[1:], run.outputs[1:]), run.state


def _run(
    products: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, peephole: Tensor, squash: Squash
) -> Run:
    """The loop; products: W x + b, (T, B, 4H)."""
    run = Run.beginning(products, hidden, cell)
    recurrent = weight.t().contiguous()
    early_peepholes, output_peephole = peephole[:2], peephole[2]
    blocks = run.gates.view(*products.shape[:2], 4, -1)
    with threads_for(run):
        for gates, early, candidate, output, before, c, s, recalled, h in zip(
            run.gates.unbind(0),
            blocks[:, :, :2].unbind(0),
            blocks[:, :, 2].unbind(0),
            blocks[:, :, 3].unbind(0),
            run.cells[:-1].unbind(0),
            run.cells[1:].unbind(0),
            run.squashed.unbind(0),
            run.outputs[:-1].unbind(0),
            run.outputs[1:].unbind(0),
            strict=True,
        ):
            add_product(gates, recalled, recurrent, out=gates)
            early.addcmul_(before.unsqueeze(1), early_peepholes).sigmoid_()
            squash.into(candidate, candidate)
            torch.mul(early[:, 1], before, out=c)
            c.addcmul_(early[:, 0], candidate)
            output.addcmul_(c, output_peephole).sigmoid_()
            squash.into(c, s)
            torch.mul(output, s, out=h)
    return run


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
            run = _run(products.to(weight.dtype), hidden, cell, weight.to(ctx.dtype), peephole, squash)
        ctx.save_for_backward(*run, weight, peephole)
        return run.outputs[1:], run.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        *computed, weight, peephole = ctx.saved_tensors
        run = Run(*computed)
        slope = ctx.squash.slope

        def factors(part: slice) -> Factors:
            i, f, g, o = run.gates[part].chunk(4, dim=2)
            squashed = run.squashed[part]
            in_output = sigmoid_slope(o).mul_(squashed)
            in_input = sigmoid_slope(i).mul_(g)
            in_forget = sigmoid_slope(f).mul_(run.cells[:-1][part])
            return Factors(
                of_hidden_in_output=in_output,
                of_hidden_in_cell=slope(squashed).mul_(o).addcmul_(in_output, peephole[2]),
                of_cell_in_early=torch.stack((in_input, in_forget, slope(g).mul_(i)), dim=2),
                of_cell_in_cell=f.addcmul(in_input, peephole[0]).addcmul_(in_forget, peephole[1]),
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
            d_i, d_f, _, d_o = errors.chunk(4, dim=2)
            seen = ((d_i, run.cells[:-1]), (d_f, run.cells[:-1]), (d_o, run.cells[1:]))
            to_peephole = torch.stack([(error * c).sum((0, 1)) for error, c in seen])
        return errors.to(ctx.products_dtype), to_hidden, to_cell, to_weight, to_peephole, None
