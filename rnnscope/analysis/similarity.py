"""An order of units in which correlated units are adjacent.

Average linkage on 1 − r, r the correlation of two units along the text; each merge is oriented so that
the most similar ends meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Int = NDArray[np.int64]

_TINY = 1e-9
_ROWS = 8192
"""Positions per block of the float64 sums over a text."""


def by_similarity(values: Float) -> Int:
    """(H,) an order of the units of `values` (T, H) in which correlated units are adjacent."""
    order, _ = linkage(1.0 - correlations(values))
    return order


def correlations(values: Float, *, rows: int = _ROWS) -> Double:
    """(H, H) correlations of `values` (T, H); 0 with a constant unit, 1 on the diagonal.

    rows: positions per block.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    products = np.zeros((values.shape[1], values.shape[1]))
    for start in range(0, len(values), rows):
        centered = values[start : start + rows] - mean
        products += centered.T @ centered
    deviations = np.sqrt(np.diag(products))
    # The rounding error of a constant is not a variance.
    deviations[deviations <= 1e-6 * np.sqrt(len(values)) * np.maximum(np.abs(mean), _TINY)] = np.inf
    r: Double = np.clip(products / np.outer(deviations, deviations), -1.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return r


def linkage(distances: Double) -> tuple[Int, Double]:
    """Merge the closest clusters until one is left; returns the order of its leaves and the H − 1 heights.

    The distance of two clusters is the mean over their members. The nearest-neighbor chain algorithm
    (Benzécri 1982; Juan 1982) takes time proportional to H².
    """
    between = np.array(distances, np.float64)
    np.fill_diagonal(between, np.inf)
    count = len(between)
    leaves = [[unit] for unit in range(count)]
    heights: list[float] = []
    chain: list[int] = []
    while len(heights) < count - 1:
        if not chain:
            chain.append(next(cluster for cluster in range(count) if leaves[cluster]))
        here = chain[-1]
        nearest = int(np.argmin(between[here]))
        if len(chain) == 1 or between[here, nearest] < between[here, chain[-2]]:
            chain.append(nearest)
            continue
        other = chain[-2]
        chain = chain[:-2]
        heights.append(float(between[here, other]))
        own, its = len(leaves[here]), len(leaves[other])
        mixed = (own * between[here] + its * between[other]) / (own + its)
        between[here], between[:, here] = mixed, mixed
        between[other], between[:, other] = np.inf, np.inf
        between[here, here] = np.inf
        leaves[here], leaves[other] = _joined(leaves[here], leaves[other], distances), []
    order = max(leaves, key=len, default=[])
    return np.array(order, np.int64), np.sort(heights)


def _joined(left: list[int], right: list[int], distances: Double) -> list[int]:
    """Two orders concatenated, reversed if needed so that their closest ends meet."""
    turned = (
        (left, right),
        (left, right[::-1]),
        (left[::-1], right),
        (left[::-1], right[::-1]),
    )
    first, second = min(turned, key=lambda pair: float(distances[pair[0][-1], pair[1][0]]))
    return first + second
