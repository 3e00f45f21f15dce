"""The LSTM whose recurrent matrix depends on the character read (Krause et al. 2016, equations 16 to 22).

    m = (W_mx x) ∘ (W_mh h')                                a = W x + b + U m
    i, f, o = σ(a_i), σ(a_f), σ(a_o)     g = φ(a_g)
    c = f ∘ c' + i ∘ g                   h = o ∘ φ(c)

The factor m takes the place of h' in every gate; `weight_hh` is the matrix U that it is multiplied by.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Multiplicative(ScannedCell):
    """Blocks as in the LSTM; `weight_mx` (H, I) and `weight_mh` (H, H) make the factor."""

    gates = 4

    def __init__(self, input_size: int, hidden_size: int, activation: Activation) -> None:
        super().__init__(input_size, hidden_size, activation)
        self.weight_mx = nn.Parameter(torch.empty(hidden_size, input_size))
        self.weight_mh = nn.Parameter(torch.empty(hidden_size, hidden_size))

    def forget_bias_(self, bias: float) -> None:
        self.bias_ih.data[self.hidden_size : 2 * self.hidden_size] = bias

    def forward(self, inputs: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        from_input = project(inputs, self.weight_mx)
        outputs, last = _Scan.apply(  # type: ignore[no-untyped-call]
            products, from_input, hidden, cell, self.weight_hh, self.weight_mh, self.squash
        )
        return outputs, (outputs[-1], last)

    @torch.no_grad()
    def activations(self, inputs: Tensor, state: LayerState) -> tuple[dict[str, Tensor], LayerState]:
        hidden, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        from_input = project(inputs, self.weight_mx)
        run = _run(products, from_input, hidden, cell, self.weight_hh, self.weight_mh, self.squash)
        input_gate, forget, candidate, output = run.gates.chunk(4, dim=2)
        return {
            "factor": run.factors,
            "input": input_gate,
            "forget": forget,
            "candidate": candidate,
            "output": output,
            "cell": run.cells,
            "hidden": run.outputs,
        }, (run.outputs[-1], run.cells[-1])


class _Run(NamedTuple):
    """All that the loop computed; each (T, B, H), the gates (T, B, 4H)."""

    gates: Tensor
    recalled: Tensor
    """W_mh h'."""
    factors: Tensor
    cells: Tensor
    squashed: Tensor
    """φ(c)."""
    outputs: Tensor


def _run(
    products: Tensor,
    from_input: Tensor,
    hidden: Tensor,
    cell: Tensor,
    weight: Tensor,
    weight_mh: Tensor,
    squash: Squash,
) -> _Run:
    """From products, W x + b (T, B, 4H), and from_input, W_mx x (T, B, H)."""
    steps, batch, size = from_input.shape
    recurrent, recalling = weight.t().contiguous(), weight_mh.t().contiguous()
    gates = torch.empty_like(products)
    run = _Run(gates, *products.new_empty(5, steps, batch, size))
    nothing = torch.zeros_like(hidden)
    blocks = gates.view(steps, batch, 4, size)
    for product, whole, early, candidate, output, x, r, m, c, s, h in zip(
        products.unbind(0),
        gates.unbind(0),
        blocks[:, :, :2].unbind(0),
        blocks[:, :, 2].unbind(0),
        blocks[:, :, 3].unbind(0),
        from_input.unbind(0),
        *(values.unbind(0) for values in run[1:]),
        strict=True,
    ):
        add_product(nothing, hidden, recalling, out=r)
        torch.mul(x, r, out=m)
        add_product(product, m, recurrent, out=whole)
        early.sigmoid_()
        output.sigmoid_()
        squash.into(candidate, candidate)
        torch.mul(early[:, 1], cell, out=c)
        c.addcmul_(early[:, 0], candidate)
        squash.into(c, s)
        torch.mul(output, s, out=h)
        hidden, cell = h, c
    return run


class _Scan(torch.autograd.Function):
    """The loop and, by hand, its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        products: Tensor,
        from_input: Tensor,
        hidden: Tensor,
        cell: Tensor,
        weight: Tensor,
        weight_mh: Tensor,
        squash: Squash,
    ) -> tuple[Tensor, Tensor]:
        ctx.squash, ctx.dtype, ctx.products_dtype = squash, product_type(weight), products.dtype
        with without_autocast(products):
            products, from_input = products.to(weight.dtype), from_input.to(weight.dtype)
            weights = weight.to(ctx.dtype), weight_mh.to(ctx.dtype)
            run = _run(products, from_input, hidden, cell, *weights, squash)
        ctx.save_for_backward(from_input, *run, hidden, cell, weight, weight_mh)
        return run.outputs, run.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        from_input, *kept, hidden, cell, weight, weight_mh = ctx.saved_tensors
        run = _Run(*kept)
        with without_autocast(run.gates):
            i, f, g, o = run.gates.chunk(4, dim=2)
            recurrent, recalling = weight.to(ctx.dtype), weight_mh.to(ctx.dtype)
            to_factors, to_recalled = torch.empty_like(run.factors), torch.empty_like(run.factors)
            nothing = torch.zeros_like(hidden)

            def through_factor(t: int, error: Tensor, d_hidden: Tensor, out: Tensor) -> None:
                add_product(nothing, error, recurrent, out=to_factors[t])
                torch.mul(to_factors[t], from_input[t], out=to_recalled[t])
                add_product(d_hidden, to_recalled[t], recalling, out)

            errors, to_hidden, to_cell = backpropagate(
                to_outputs,
                to_cell,
                Factors(
                    of_hidden_in_output=sigmoid_slope(o).mul_(run.squashed),
                    of_hidden_in_cell=ctx.squash.slope(run.squashed).mul_(o),
                    of_cell_in_early=torch.stack(
                        (
                            sigmoid_slope(i).mul_(g),
                            sigmoid_slope(f).mul_(shifted(run.cells, cell)),
                            ctx.squash.slope(g).mul_(i),
                        ),
                        dim=2,
                    ),
                    of_cell_in_cell=f,
                ),
                through_factor,
            )
            to_weight = weight_gradient(errors, run.factors, ctx.dtype)
            to_weight_mh = weight_gradient(to_recalled, shifted(run.outputs, hidden), ctx.dtype)
            to_input = to_factors.mul_(run.recalled)
        return (
            errors.to(ctx.products_dtype),
            to_input.to(ctx.products_dtype),
            to_hidden,
            to_cell,
            to_weight,
            to_weight_mh,
            None,
        )
