"""Long short-term memory with a forget gate (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

With a = W_ih x + b_ih + W_hh h' + b_hh, h' = h(t−1) and c' = c(t−1), as in PyTorch's `nn.LSTM`:

    i = σ(a_i)    f = σ(a_f)    g = φ(a_g)    o = σ(a_o)
    c = f ∘ c' + i ∘ g          h = o ∘ φ(c)

Backward, with dc the gradient that reaches c:

    dc += dh ∘ o ∘ φ'(c)      da_o = dh ∘ φ(c) ∘ σ'(a_o)      dc' = dc ∘ f
    da_i = dc ∘ g ∘ σ'(a_i)   da_f = dc ∘ c' ∘ σ'(a_f)        da_g = dc ∘ i ∘ φ'(a_g)
"""

from __future__ import annotations

from typing import ClassVar

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Equations, Factors, Frame, Weights


class LSTM(Equations):
    """Blocks i, f, g, o; φ(c) is kept for the backward pass."""

    title = "LSTM"
    blocks = ("input", "forget", "candidate", "output")
    quantities: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output", "cell", "hidden")
    gates = ("input", "forget", "output")
    forget_bias = ("forget", +1)
    constant: ClassVar = {"input": 0.0, "forget": 1.0}
    formulas = ("f·c", "i·g")
    saved: ClassVar[tuple[str, ...]] = ("squashed",)

    def split(self, gates: Array) -> tuple[Array, ...]:
        early = gates[..., :2, :]
        return early, early[..., 0, :], early[..., 1, :], gates[..., 2, :], gates[..., 3, :]

    def activate(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        early, _, _, g, o = t.parts
        f.sigmoid_(early)
        f.squash(g, out=g)
        f.sigmoid_(o)

    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        _, i, forget, g, o = t.parts
        squashed = t.saved[0]
        f.multiply(forget, t.cell_before, out=t.cell)
        f.add_multiplied_(t.cell, i, g)
        f.squash(t.cell, out=squashed)
        f.multiply(o, squashed, out=t.hidden)

    def write(self, t: Frame, f: Arithmetic) -> Array:
        _, i, forget, g, _ = t.parts
        f.multiply(i, g, out=t.cell)
        return forget

    def factors(self, t: Frame, backward: Backward) -> Factors:
        f = backward.f
        _, i, forget, g, o = t.parts
        squashed = t.saved[0]
        return Factors(
            blocks=(
                f.sigmoid_slope(i) * g,
                f.sigmoid_slope(forget) * t.cell_before,
                f.squash_slope(g) * i,
            ),
            kept=forget,
            shown=f.squash_slope(squashed) * o,
            output=f.sigmoid_slope(o) * squashed,
        )


CELL = LSTM()
