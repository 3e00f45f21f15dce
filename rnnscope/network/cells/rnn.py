"""The plain recurrent network (Elman 1990, "Finding structure in time"; PyTorch's `nn.RNN`).

    h = φ(W_ih x + b_ih + W_hh h' + b_hh)          h' = h(t−1)

Its one block is h itself. Backward: dL/da = φ'(a) ∘ dh.
"""

from __future__ import annotations

from typing import ClassVar

from rnnscope.network.cells.equations import Arithmetic, Array, Backward, Equations, Factors, Frame, Weights


class RNN(Equations):
    """One block, recorded as `hidden`."""

    title = "RNN"
    blocks = ("hidden",)
    quantities = ("hidden",)
    gates = ()
    constant: ClassVar = {"hidden": None}

    def split(self, gates: Array) -> tuple[Array, ...]:
        return (gates[..., 0, :],)

    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        f.squash(t.parts[0], out=t.hidden)

    def factors(self, t: Frame, backward: Backward) -> Factors:
        return Factors(blocks=(backward.f.squash_slope(t.hidden),), kept=None)


CELL = RNN()
