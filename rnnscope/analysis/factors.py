"""Factors: the activity of the units of a layer as a few patterns.

Non-negative matrix factorization (Lee & Seung 2001, equation 4) of the magnitudes of the hidden states:

    |h| (T, H) ≈ W (T, K) · F (K, H), all of them ≥ 0

    F ← F ∘ (Wᵀ V) / (Wᵀ W F)        W ← W ∘ (V Fᵀ) / (W F Fᵀ)

F is learned once, from positions spread over the text; W is then computed for any part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.contexts import Excerpt
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.units import check_layer
from rnnscope.errors import TextError
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Int = NDArray[np.int64]

_QUANTITY = "hidden"
_LEARNED_FROM = 4000
"""Number of equally spaced positions from which factors are learned; more change the result little."""
_AROUND = 40
_TINY = 1e-9
_AGREED = 1e-5
"""Stop when an iteration reduces the error by less than this share."""


@dataclass(frozen=True, eq=False)
class Factorization:
    """K factors, ordered by how much of the values they explain, the largest first.

    along: (T, K) float32, the strength of each factor at each position, scaled to a maximum of 1 over the
    positions from which the factors were learned. units: (K, H) float32, the weight of each unit in each
    factor.
    errors: (iterations,) ‖V − W F‖ / ‖V‖ after each iteration; never increases.
    """

    along: Float
    units: Float
    errors: Double

    def strongest(self, factor: int, count: int = 10) -> Int:
        """The units with the largest weights in a factor, the largest first."""
        return np.argsort(-self.units[factor], kind="stable")[:count]


@dataclass(frozen=True, eq=False)
class FactorsResult(Result):
    """The units of a layer as K factors.

    layer: from 1. positions: the number of characters read. learned_from: the number of those from which
    the factors were learned. start: the first character of `factors.along`, which is (0, K) if no range was
    requested. factors: the factors. peaks: for each factor the text around the position where it is
    strongest; the values are the strength of the factor.
    """

    layer: int
    positions: int
    learned_from: int
    start: int
    factors: Factorization
    peaks: tuple[Excerpt, ...]


@dataclass(frozen=True)
class Factors(Query[FactorsResult]):
    """Factors: the activity of a layer as a few patterns (NMF).

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Factors(count=3, stop=50))
        >>> result.factors.units.shape, result.factors.along.shape, len(result.peaks)
        ((3, 256), (50, 3), 3)
    """

    name = "factors"
    activity = "factorizing"
    example = "--count 12"

    layer: int = 1
    """The layer whose hidden states are read; layers count from 1."""
    count: int = 12
    """Number of factors, at most the number of units of the layer."""
    start: int = 0
    """The first character of the range for which strengths are computed; positions count from 0."""
    stop: int = 0
    """The position after the last character of that range; 0 omits strengths."""
    characters: int = 20_000
    """Learn from the first N characters of the text; 0 learns from all."""
    seed: int = 0
    """Seed of the initial factors."""

    def check(self, architecture: Architecture) -> None:
        check_layer(architecture, self.layer)
        check_range("count", self.count, 1, 1000)
        check_range("start", self.start, 0)
        if self.stop or self.start:
            check_range("stop", self.stop, self.start + 1)
        check_range("characters", self.characters, 0)
        check_range("seed", self.seed, 0)

    def run(self, context: Context) -> FactorsResult:
        if not self.stop:
            return self._learned(context)
        learned = context.ask(replace(self, start=0, stop=0), context.progress.part(0.0, 0.9))
        parts = [
            strengths(trace.shown(self.layer, _QUANTITY), learned.factors.units)
            for trace in context.reader.traces(self.start, self.stop, context.progress.part(0.9, 1.0))
        ]
        if not parts:
            raise TextError(f"the text ends before {self.start:,}")
        return replace(
            learned, start=self.start, factors=replace(learned.factors, along=np.concatenate(parts))
        )

    def _learned(self, context: Context) -> FactorsResult:
        """The factors, without their strengths along a range."""
        reader, progress = context.reader, context.progress
        length = reader.length(progress.part(0.0, 0.0))
        positions = min(self.characters or length, length)
        if not positions:
            raise TextError("the text is empty: there are no positions to learn from")
        step = max(1, positions // _LEARNED_FROM)
        at, rows = 0, []
        for trace in reader.traces(0, positions, progress.part(0.0, 0.5)):
            rows.append(trace.shown(self.layer, _QUANTITY)[-at % step :: step])
            at += len(trace)
        values = np.concatenate(rows)
        count = min(self.count, values.shape[1])
        found = factorize(values, count, seed=self.seed, progress=progress.part(0.5, 0.9))
        peaks = []
        for factor, place in enumerate(found.along.argmax(axis=0).tolist()):
            position = place * step
            first = max(0, position - _AROUND)
            trace = reader.trace(first, position + _AROUND + 1, progress.part(0.9, 0.9))
            along = strengths(trace.shown(self.layer, _QUANTITY), found.units)[:, factor]
            text = reader.read(first, first + len(along))
            peaks.append(Excerpt(position, float(along[position - first]), first, text, along))
        no_stretch = replace(found, along=found.along[:0])
        return FactorsResult(self.layer, positions, len(values), 0, no_stretch, tuple(peaks))


def factorize(
    values: Float,
    count: int = 10,
    *,
    iterations: int = 200,
    seed: int = 0,
    progress: Progress = NO_PROGRESS,
) -> Factorization:
    """The magnitudes of `values` (T, H) as `count` factors; the same seed gives the same factors.

    Stops early at convergence. Raises Cancelled.
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
        progress((iteration + 1) / iterations)
        if len(errors) > 1 and errors[-2] - errors[-1] <= _AGREED * errors[-2]:
            break
    strength = np.maximum(along.max(axis=0, initial=0.0), _TINY)
    along, units = along / strength, units * strength[:, None]
    order = np.argsort(-np.linalg.norm(along, axis=0) * np.linalg.norm(units, axis=1), kind="stable")
    return Factorization(along[:, order], units[order], np.array(errors))


def strengths(values: Float, units: Float, *, iterations: int = 60) -> Float:
    """(T, K) the strength of given factors `units` (K, H) in `values` (T, H) of the same units."""
    magnitudes = np.abs(values).astype(np.float32)
    products, overlaps = magnitudes @ units.T, units @ units.T
    along = products + np.float32(_TINY)
    along *= np.float32(1.0 / max(float(overlaps.sum(axis=0).max(initial=0.0)), _TINY))
    for _ in range(iterations):
        along *= products / np.maximum(along @ overlaps, _TINY)
    return along


def _first_units(magnitudes: Float, count: int, random: np.random.Generator) -> Float:
    """(K, H) initial factors: rows of the values that point in different directions, drawn as in k-means++.

    Random numbers would make all factors similar at first, and two of them would often converge to one.
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
    """‖V − W F‖ / ‖V‖ without computing W F: ‖V‖² − 2 ⟨W, V Fᵀ⟩ + ⟨Wᵀ W, F Fᵀ⟩."""
    if not size:
        return 0.0
    crossed = float(np.vdot(along.astype(np.float64), products))
    own = float(np.vdot((along.T @ along).astype(np.float64), overlaps))
    return float(np.sqrt(max(0.0, size**2 - 2 * crossed + own)) / size)
