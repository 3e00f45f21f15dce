"""The LSTM with coupled input and forget gates (CIFG; Greff et al. 2015, appendix A; after Cho et al. 2014).

    i = σ(a_i)    g = φ(a_g)    o = σ(a_o)    f = 1 − i        a, c' and h' as in the LSTM
    c = f ∘ c' + i ∘ g          h = o ∘ φ(c)

A forget bias b is an input bias of −b. Backward: as in the LSTM, with da_i = dc ∘ (g − c') ∘ σ'(a_i).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Equations, Factors, Frame, Weights


class Coupled(Equations):
    """Blocks i, g, o; the forget gate is recorded as 1 − i."""

    title = "coupled LSTM"
    blocks = ("input", "candidate", "output")
    quantities = ("input", "forget", "candidate", "output", "cell", "hidden")
    gates = ("input", "forget", "output")
    forget_bias = ("input", -1)
    constant: ClassVar = {"input": 0.0}
    formulas = ("f·c", "i·g")
    saved = ("squashed",)

    def split(self, gates: Array) -> tuple[Array, ...]:
        return gates[..., ::2, :], gates[..., 0, :], gates[..., 1, :], gates[..., 2, :]

    def activate(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        sigmoids, _, g, _ = t.parts
        f.sigmoid_(sigmoids)
        f.squash(g, out=g)

    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        _, i, g, o = t.parts
        squashed = t.saved[0]
        f.interpolate(t.cell_before, g, i, out=t.cell)
        f.squash(t.cell, out=squashed)
        f.multiply(o, squashed, out=t.hidden)

    def derived(self, known: Mapping[str, Array]) -> dict[str, Array]:
        return {"forget": 1 - known["input"]}

    def factors(self, t: Frame, backward: Backward) -> Factors:
        f = backward.f
        _, i, g, o = t.parts
        squashed = t.saved[0]
        return Factors(
            blocks=(f.sigmoid_slope(i) * (g - t.cell_before), f.squash_slope(g) * i),
            kept=1 - i,
            shown=f.squash_slope(squashed) * o,
            output=f.sigmoid_slope(o) * squashed,
        )


CELL = Coupled()
