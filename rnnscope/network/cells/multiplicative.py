"""The multiplicative LSTM (Krause et al. 2016, equations 16 to 22).

    m = (W_mx x) ∘ (W_mh h')          a = W_ih x + b_ih + W_hh m + b_hh          then as in the LSTM

The factor m takes the place of h' in every gate, so that the recurrent matrix depends on the character read.
Backward: dm = W_hhᵀ da, and dh' = W_mhᵀ (dm ∘ W_mx x).
"""

from __future__ import annotations

from typing import ClassVar

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Frame, Weights
from rnnscope.network.cells.lstm import LSTM


class Multiplicative(LSTM):
    """The LSTM's blocks; `weight_mx` and `weight_mh` make the factor. W_mh h' is kept for the way back."""

    title = "multiplicative LSTM"
    quantities = ("factor", *LSTM.quantities)
    unbounded = ("cell", "factor")
    saved = ("squashed", "factor", "recalled")
    saved_back = 2
    projections: ClassVar = {"weight_ih": ("bias_ih", "bias_hh"), "weight_mx": ()}
    recurrent = ("weight_hh", "weight_mh")

    def extra_shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"weight_mx": (hidden, inputs), "weight_mh": (hidden, hidden)}

    def recall(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        _, factor, recalled = t.saved
        recalled[...] = f.product(w["weight_mh"], t.hidden_before)
        f.multiply(t.inputs[0], recalled, out=factor)
        f.add_product(t.gates, w["weight_hh"], factor, out=t.gates)

    def recall_back(self, t: int, errors: Array, backward: Backward, base: Array, out: Array) -> None:
        whole, w, f, (to_factor, to_recalled) = backward
        to_factor[t] = f.product(w["weight_hh"], errors)
        to_recalled[t] = to_factor[t] * whole.inputs[0][t]
        f.add_product(base, w["weight_mh"], to_recalled[t], out=out)

    def gradients(self, errors: Array, backward: Backward) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        whole, _, f, (to_factor, to_recalled) = backward
        _, factor, recalled = whole.saved
        to_weights = f.outer(errors, factor), f.outer(to_recalled, whole.hidden_before)
        return to_weights, (to_factor * recalled,)


CELL = Multiplicative()
