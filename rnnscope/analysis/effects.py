"""Gradient flow as a result that a screen can show without torch; `gradient_flow` computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How far back a loss is felt.

    title: of the network, such as `LSTM 1×256`.
    norms: (layers, D) ‖∂ loss_T / ∂ h_t‖₂ at T − t = 0, 1, … D − 1, the mean over `positions` predictions.
    """

    title: str
    norms: Double
    positions: int
