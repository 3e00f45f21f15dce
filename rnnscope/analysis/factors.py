"""A crowd of neurons in an order, or as a few factors, so that a heat map of them can be read.

similarity   units whose values go together lie together: average linkage on 1 − r, r the correlation of
             two units along the text, and at each joining the two ends that are most alike meet
factors      |values| (T, H) ≈ W (T, K) · F (K, H), all of them ≥ 0 (Lee & Seung 2001, equation 4):

             F ← F ∘ (Wᵀ V) / (Wᵀ W F)        W ← W ∘ (V Fᵀ) / (W F Fᵀ)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Int = NDArray[np.int64]

_TINY = 1e-9
_AGREED = 1e-5  # an iteration that gains less than this share of the error is the last
_ROWS = 8192  # positions at once, where sums over a text are in double


@dataclass(frozen=True, eq=False)
class Factors:
    """K factors, the one that explains most of the values first.

    along: (T, K) how strong each factor is at each position, 0..1: its maximum is 1.
    units: (K, H) how much each unit takes part in it.
    errors: (iterations,) ‖V − W F‖ / ‖V‖ after each iteration; it never grows.
    """

    along: Float
    units: Float
    errors: Double

    def strongest(self, factor: int, count: int = 10) -> Int:
        """The units that take most part in a factor, the first the most."""
        return np.argsort(-self.units[factor], kind="stable")[:count]


def by_score(scores: NDArray[np.floating]) -> Int:
    """(H,) the units in order of a score, the highest first; those without one, nan, last."""
    return np.argsort(-np.asarray(scores, np.float64), kind="stable")


def by_similarity(values: Float) -> Int:
    """(H,) an order of the units of `values` (T, H) in which those that go together lie together."""
    order, _ = linkage(1.0 - correlations(values))
    return order


def correlations(values: Float) -> Double:
    """(H, H) of every two units along a text; 0 with a unit that never changes, 1 with itself."""
    mean = values.mean(axis=0, dtype=np.float64)
    products = np.zeros((values.shape[1], values.shape[1]))
    for start in range(0, len(values), _ROWS):
        centered = values[start : start + _ROWS] - mean
        products += centered.T @ centered
    deviations = np.sqrt(np.diag(products))
    # What is left of a constant by rounding is no change.
    deviations[deviations <= 1e-6 * np.sqrt(len(values)) * np.maximum(np.abs(mean), _TINY)] = np.inf
    r: Double = np.clip(products / np.outer(deviations, deviations), -1.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return r


def linkage(distances: Double) -> tuple[Int, Double]:
    """Join the closest clusters until there is one: the order of its leaves, and the H − 1 heights.

    The distance of two clusters is the mean over their members. Found by chains of nearest neighbors, which
    end in pairs that are each other's (Benzécri 1982; Juan 1982), in time of H².
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


def factorize(
    values: Float,
    count: int = 10,
    *,
    iterations: int = 200,
    seed: int = 0,
    told: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Factors:
    """Read the magnitudes of `values` (T, H) as `count` factors; the same seed gives the same ones.

    told: how much is done, 0..1, after each iteration. should_stop: ends with the factors so far. It also
    ends where nothing is gained.
    """
    magnitudes = np.abs(values).astype(np.float32)
    size = float(np.linalg.norm(magnitudes))
    units = _first_units(magnitudes, count, np.random.default_rng(seed))
    along = magnitudes @ units.T + np.float32(_TINY)
    errors: list[float] = []
    for iteration in range(iterations):
        units *= (along.T @ magnitudes) / np.maximum((along.T @ along) @ units, _TINY)
        products, overlaps = magnitudes @ units.T, units @ units.T
        along *= products / np.maximum(along @ overlaps, _TINY)
        errors.append(_error(size, along, products, overlaps))
        if told is not None:
            told((iteration + 1) / iterations)
        if should_stop is not None and should_stop():
            break
        if len(errors) > 1 and errors[-2] - errors[-1] <= _AGREED * errors[-2]:
            break
    strength = np.maximum(along.max(axis=0, initial=0.0), _TINY)
    along, units = along / strength, units * strength[:, None]
    order = np.argsort(-np.linalg.norm(along, axis=0) * np.linalg.norm(units, axis=1), kind="stable")
    return Factors(along[:, order], units[order], np.array(errors))


def strengths(values: Float, units: Float, *, iterations: int = 60) -> Float:
    """(T, K) how strong known factors `units` (K, H) are in other `values` (T, H) of the same neurons."""
    magnitudes = np.abs(values).astype(np.float32)
    products, overlaps = magnitudes @ units.T, units @ units.T
    along = products + np.float32(_TINY)
    along *= np.float32(1.0 / max(float(overlaps.sum(axis=0).max(initial=0.0)), _TINY))
    for _ in range(iterations):
        along *= products / np.maximum(along @ overlaps, _TINY)
    return along


def _first_units(magnitudes: Float, count: int, random: np.random.Generator) -> Float:
    """(K, H) to begin with: rows of the values that point in different directions, drawn as k-means++ draws.

    From random numbers all factors begin much the same, and two of them often end as one.
    """
    energy = np.square(magnitudes, dtype=np.float64).sum(axis=1)
    unexplained = energy.copy()
    floor = np.float32(0.01 * magnitudes.mean() + _TINY if magnitudes.size else _TINY)
    chosen = []
    for _ in range(count):
        total = unexplained.sum()
        if total <= _TINY * energy.sum() or total <= 0.0:  # fewer directions than factors
            chosen.append(random.random(magnitudes.shape[1:], np.float32))
            continue
        row = magnitudes[random.choice(len(magnitudes), p=unexplained / total)]
        chosen.append(row / np.linalg.norm(row))
        along_row = np.square(magnitudes @ chosen[-1], dtype=np.float64)
        unexplained = np.minimum(unexplained, np.maximum(energy - along_row, 0.0))
    return np.array(chosen, np.float32) + floor


def _error(size: float, along: Float, products: Float, overlaps: Float) -> float:
    """‖V − W F‖ / ‖V‖ without making W F: ‖V‖² − 2 ⟨W, V Fᵀ⟩ + ⟨Wᵀ W, F Fᵀ⟩."""
    if not size:
        return 0.0
    crossed = float(np.vdot(along.astype(np.float64), products))
    own = float(np.vdot((along.T @ along).astype(np.float64), overlaps))
    return float(np.sqrt(max(0.0, size**2 - 2 * crossed + own)) / size)


def _joined(left: list[int], right: list[int], distances: Double) -> list[int]:
    """Two runs of units end to end, turned so that the closest of their ends meet."""
    turned = (
        (left, right),
        (left, right[::-1]),
        (left[::-1], right),
        (left[::-1], right[::-1]),
    )
    first, second = min(turned, key=lambda pair: float(distances[pair[0][-1], pair[1][0]]))
    return first + second
