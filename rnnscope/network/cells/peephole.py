"""The LSTM with peephole connections (Gers & Schmidhuber 2000; Graves 2013, equations 7 to 11).

    i = σ(a_i + p_i ∘ c')    f = σ(a_f + p_f ∘ c')    g = φ(a_g)        a, c' and h' as in the LSTM
    c = f ∘ c' + i ∘ g       o = σ(a_o + p_o ∘ c)     h = o ∘ φ(c)

The output gate sees the new c. The connections are diagonal: p is (3, H), in the order i, f, o; it starts at
zero, as a plain LSTM. Backward, beyond the LSTM's: dc += da_o ∘ p_o, and dc' += da_i ∘ p_i + da_f ∘ p_f.
"""

from __future__ import annotations

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Factors, Frame, Weights
from rnnscope.network.cells.lstm import LSTM


class Peephole(LSTM):
    """The LSTM's blocks, and the parameter `peephole`."""

    title = "peephole LSTM"
    cell_is_seen = True
    recurrent = ("weight_hh", "peephole")

    def extra_shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"peephole": (3, hidden)}

    def activate(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        f.squash(t.parts[3], out=t.parts[3])

    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        early, i, forget, g, o = t.parts
        p, squashed = w["peephole"], t.saved[0]
        f.add_multiplied_(early, t.cell_before[..., None, :], p[:2])
        f.sigmoid_(early)
        f.multiply(forget, t.cell_before, out=t.cell)
        f.add_multiplied_(t.cell, i, g)
        f.add_multiplied_(o, t.cell, p[2])
        f.sigmoid_(o)
        f.squash(t.cell, out=squashed)
        f.multiply(o, squashed, out=t.hidden)

    def factors(self, t: Frame, backward: Backward) -> Factors:
        f = backward.f
        _, i, forget, g, o = t.parts
        p, squashed = backward.w["peephole"], t.saved[0]
        to_i, to_f = f.sigmoid_slope(i) * g, f.sigmoid_slope(forget) * t.cell_before
        to_o = f.sigmoid_slope(o) * squashed
        return Factors(
            blocks=(to_i, to_f, f.squash_slope(g) * i),
            kept=forget + to_i * p[0] + to_f * p[1],
            shown=f.squash_slope(squashed) * o + to_o * p[2],
            output=to_o,
        )

    def gradients(self, errors: Array, backward: Backward) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        t = backward.whole
        _, to_i, to_f, _, to_o = self.split(errors.reshape(*errors.shape[:2], 4, -1))
        seen = (to_i, t.cell_before), (to_f, t.cell_before), (to_o, t.cell)
        to_peephole = errors.new_empty(3, to_o.shape[-1])
        for row, (error, c) in zip(to_peephole, seen, strict=True):
            row[:] = (error * c).sum((0, 1))
        return (backward.f.outer(errors, t.hidden_before), to_peephole), ()


CELL = Peephole()
