"""The gated recurrent unit (Cho et al. 2014, equations 5 to 8, with the reset gate of PyTorch's `nn.GRU`).

With a = W_ih x + b_ih, n = W_hh h' + b_hh and h' = h(t−1):

    r = σ(a_r + n_r)    z = σ(a_z + n_z)    g = φ(a_g + r ∘ n_g)
    h = (1 − z) ∘ g + z ∘ h'

An update gate z of 1 keeps everything. Backward:

    dh' = dh ∘ z                  da_z = dh ∘ (h' − g) ∘ σ'(z)
    da_g = dh ∘ (1 − z) ∘ φ'(g)   da_r = da_g ∘ n_g ∘ σ'(r)      dn = (da_r, da_z, r ∘ da_g)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Equations, Factors, Frame, Weights


class GRU(Equations):
    """Blocks r, z, g; n_g is kept for the backward pass. There is no forget gate to bias."""

    title = "GRU"
    blocks = ("reset", "update", "candidate")
    quantities = ("reset", "update", "candidate", "hidden")
    gates = ("reset", "update")
    constant: ClassVar = {"update": 1.0, "candidate": None}
    formulas = ("z·h", "(1−z)·n")
    saved = ("recalled",)
    projections: ClassVar = {"weight_ih": ("bias_ih",)}
    recurrent = ("weight_hh", "bias_hh")

    def split(self, gates: Array) -> tuple[Array, ...]:
        early = gates[..., :2, :]
        return early, early[..., 0, :], early[..., 1, :], gates[..., 2, :]

    def recall(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        n = f.product(w["weight_hh"], t.hidden_before)
        n += w["bias_hh"]
        n = n.reshape((*t.hidden_before.shape[:-1], 3, -1))
        early = t.parts[0]
        early += n[..., :2, :]
        t.saved[0][...] = n[..., 2, :]

    def activate(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        early, r, _, g = t.parts
        f.sigmoid_(early)
        f.add_multiplied_(g, r, t.saved[0])
        f.squash(g, out=g)

    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        _, _, z, g = t.parts
        f.interpolate(g, t.hidden_before, z, out=t.hidden)

    def written(self, values: Callable[[str], Array]) -> Array:
        return (1 - values("update")) * values("candidate")

    def factors(self, t: Frame, backward: Backward) -> Factors:
        f = backward.f
        _, r, z, g = t.parts
        to_g = f.squash_slope(g) * (1 - z)
        return Factors(
            blocks=(
                to_g * t.saved[0] * f.sigmoid_slope(r),
                (t.hidden_before - g) * f.sigmoid_slope(z),
                to_g,
            ),
            kept=z,
        )

    def recall_back(self, t: int, errors: Array, backward: Backward, base: Array, out: Array) -> None:
        to_n = _through_reset(errors, backward.whole.parts[1][t])
        backward.f.add_product(base, backward.w["weight_hh"], to_n, out=out)

    def gradients(self, errors: Array, backward: Backward) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        to_n = _through_reset(errors, backward.whole.parts[1])
        return (backward.f.outer(to_n, backward.whole.hidden_before), to_n.sum((0, 1))), ()


def _through_reset(errors: Array, r: Array) -> Array:
    """dn from da, (…, 3·H): the candidate's block is multiplied by r."""
    to_n = errors.clone()
    to_n[..., -r.shape[-1] :] *= r
    return to_n


CELL = GRU()
