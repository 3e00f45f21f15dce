"""The order of neurons from slow to fast, by how much of their value remains four characters later.

    r(j) = Σ_t (x_j(t) − m_j)(x_j(t + 4) − m_j) / Σ_t (x_j(t) − m_j)²      (autocorrelation at lag 4)

Neurons with a standard deviation below 0.28 come last: their r is dominated by noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LAG = 4
LEAST_DEVIATION = 0.28


def slowest_first(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Units in order, from the (T, H) values of one quantity, −1..1."""
    centered = values - values.mean(axis=0, dtype=np.float64)
    variance = np.square(centered).sum(axis=0)
    lagged = (centered[:-LAG] * centered[LAG:]).sum(axis=0)
    remaining = lagged / np.maximum(variance, 1e-12)
    hardly_moves = np.sqrt(variance / max(len(values), 1)) < LEAST_DEVIATION
    return np.lexsort((-remaining, hardly_moves))
