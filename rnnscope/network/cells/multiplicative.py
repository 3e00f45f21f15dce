"""The LSTM whose recurrent matrix depends on the character read (Krause et al. 2016, equations 16 to 22).

    m = (W_mx x) ∘ (W_mh h')                                a = W x + b + U m
    i, f, o = σ(a_i), σ(a_f), σ(a_o)     g = φ(a_g)
    c = f ∘ c' + i ∘ g                   h = o ∘ φ(c)

The factor m takes the place of h' in every gate; `weight_hh` is the matrix U that it is multiplied by.
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

    def visible(self, state: LayerState) -> LayerState:
        return state[0], self.squashed(state[1])

    @torch.no_grad()
    def activations(
        self, inputs: Tensor, state: LayerState, hidden: Tensor | None = None
    ) -> tuple[dict[str, Tensor], LayerState]:
        first, cell = state
        products = project(inputs, self.weight_ih, self.bias_ih + self.bias_hh)
        from_input = project(inputs, self.weight_mx)
        run, _, factor = _run(products, from_input, first, cell, self.weight_hh, self.weight_mh, self.squash)
        return {"factor": factor} | lstm_quantities(run.gates, run.cells[1:], run.outputs[1:]), run.state


def _run(
    products: Tensor,
    from_input: Tensor,
    hidden: Tensor,
    cell: Tensor,
    weight: Tensor,
    weight_mh: Tensor,
    squash: Squash,
) -> tuple[Run, Tensor, Tensor]:
    """The loop; products: W x + b, (T, B, 4H); from_input: W_mx x, (T, B, H).

    Returns the run, and of every step W_mh h' and m, (T, B, H).
    """
    run = Run.beginning(products, hidden, cell)
    from_hidden, factors = torch.empty_like(from_input), torch.empty_like(from_input)
    recurrent, recalling = weight.t().contiguous(), weight_mh.t().contiguous()
    nothing = torch.zeros_like(hidden)
    blocks = run.gates.view(*products.shape[:2], 4, -1)
    with threads_for(run):
        for x, r, m, gates, early, candidate, output, before, c, s, recalled, h in zip(
            from_input.unbind(0),
            from_hidden.unbind(0),
            factors.unbind(0),
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
            add_product(nothing, recalled, recalling, out=r)
            torch.mul(x, r, out=m)
            add_product(gates, m, recurrent, out=gates)
            early.sigmoid_()
            output.sigmoid_()
            squash.into(candidate, candidate)
            torch.mul(early[:, 1], before, out=c)
            c.addcmul_(early[:, 0], candidate)
            squash.into(c, s)
            torch.mul(output, s, out=h)
    return run, from_hidden, factors


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
            run, from_hidden, factors = _run(products, from_input, hidden, cell, *weights, squash)
        ctx.save_for_backward(*run, from_input, from_hidden, factors, weight, weight_mh)
        return run.outputs[1:], run.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Tensor, to_cell: Tensor) -> tuple[Tensor | None, ...]:
        *computed, from_input, from_hidden, m, weight, weight_mh = ctx.saved_tensors
        run = Run(*computed)
        slope = ctx.squash.slope

        def factors(part: slice) -> Factors:
            i, f, g, o = run.gates[part].chunk(4, dim=2)
            squashed = run.squashed[part]
            in_input = sigmoid_slope(i).mul_(g)
            in_forget = sigmoid_slope(f).mul_(run.cells[:-1][part])
            return Factors(
                of_hidden_in_output=sigmoid_slope(o).mul_(squashed),
                of_hidden_in_cell=slope(squashed).mul_(o),
                of_cell_in_early=torch.stack((in_input, in_forget, slope(g).mul_(i)), dim=2),
                of_cell_in_cell=f,
            )

        with without_autocast(run.gates):
            recurrent, recalling = weight.to(ctx.dtype), weight_mh.to(ctx.dtype)
            to_m, to_from_hidden = torch.empty_like(m), torch.empty_like(m)
            nothing = torch.zeros_like(m[0])

            def through_factor(t: int, error: Tensor, d_hidden: Tensor, out: Tensor) -> None:
                add_product(nothing, error, recurrent, out=to_m[t])
                torch.mul(to_m[t], from_input[t], out=to_from_hidden[t])
                add_product(d_hidden, to_from_hidden[t], recalling, out)

            errors, to_hidden, to_cell = backpropagate(run, to_outputs, to_cell, factors, through_factor)
            to_weight = weight_gradient(errors, m, ctx.dtype)
            to_weight_mh = weight_gradient(to_from_hidden, run.outputs[:-1], ctx.dtype)
            to_from_input = to_m.mul_(from_hidden)
        return (
            errors.to(ctx.products_dtype),
            to_from_input.to(ctx.products_dtype),
            to_hidden,
            to_cell,
            to_weight,
            to_weight_mh,
            None,
        )
