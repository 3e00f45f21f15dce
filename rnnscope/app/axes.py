"""Axes of a chart: convert between numbers and dots, and choose the numbers to label."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnscope.app.braille import DOTS_HIGH
from rnnscope.render.text import LEAST_DECIMAL, tick

Float = NDArray[np.float64]

_TICK_WIDTH = 5
"""Columns of the longest label of a value axis."""


@dataclass(frozen=True)
class StepAxis:
    """Steps along `dots` columns of dots; `low` is in the middle of the first, `high` of the last."""

    low: float
    high: float
    dots: int
    logarithmic: bool = True

    def dot(self, step: float) -> float:
        """The (fractional) column of a step, which may lie outside the axis."""
        return float(self.dot_of(np.array(step)))

    def dot_of(self, steps: Float) -> Float:
        """The (fractional) columns of many steps."""
        low, high = self._unfold(np.array([self.low, self.high])).tolist()
        dots: Float = (self._unfold(steps) - low) / max(high - low, 1e-9) * (self.dots - 1)
        return dots

    def step(self, dot: ArrayLike) -> Float:
        """The steps at these (fractional) columns."""
        low, high = self._unfold(np.array([self.low, self.high])).tolist()
        place: Float = low + np.asarray(dot, dtype=np.float64) / max(self.dots - 1, 1) * (high - low)
        return np.power(10.0, place) if self.logarithmic else place

    def edges(self) -> Float:
        """(dots + 1,) the steps at which one column of dots ends and the next begins."""
        return self.step(np.arange(self.dots + 1) - 0.5)

    def ticks(self) -> list[int]:
        """Steps to label: powers of ten over several decades, else round numbers."""
        low, high = max(self.low, 1.0) if self.logarithmic else self.low, self.high
        if not self.logarithmic or high < 2 * low:
            unit = _round_unit((high - low) / 4)
            return [int(i * unit) for i in range(math.ceil(low / unit), math.floor(high / unit) + 1)]
        multiples = (1,) if high > 30 * low else (1, 2, 5)
        powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [m * 10**k for k in powers for m in multiples if low <= m * 10**k <= high]

    def _unfold(self, steps: Float) -> Float:
        return np.log10(np.maximum(steps, 1.0)) if self.logarithmic else steps


_SMALLEST_WINDOW = 2.0**-10


@dataclass(frozen=True)
class Window:
    """The part of a step axis that is shown; its lengths are shares of the whole axis."""

    low: float = 1.0
    high: float | None = None
    """None follows the end of the axis."""

    def of(self, whole: StepAxis) -> StepAxis:
        """The axis of this part alone."""
        start, end = self._shares(whole)
        low, high = whole.step(np.array([start, end]) * (whole.dots - 1)).tolist()
        return StepAxis(low, high, whole.dots, whole.logarithmic)

    def is_whole(self, whole: StepAxis) -> bool:
        return self._shares(whole) == (0.0, 1.0)

    def scaled(self, whole: StepAxis, factor: float, at: float = 1.0) -> Window:
        """A window `factor` times as long; what lies at a share `at` of it stays there if it can."""
        start, end = self._shares(whole)
        length = min(1.0, max(_SMALLEST_WINDOW, (end - start) * factor))
        return _window(whole, start + at * (end - start - length), length)

    def moved(self, whole: StepAxis, by: float) -> Window:
        """The window moved later by a multiple of its length."""
        start, end = self._shares(whole)
        return _window(whole, start + by * (end - start), end - start)

    def _shares(self, whole: StepAxis) -> tuple[float, float]:
        """Start and end as shares of the whole axis."""
        last = max(whole.dots - 1, 1)
        start = max(0.0, whole.dot(self.low) / last)
        end = 1.0 if self.high is None else min(1.0, whole.dot(self.high) / last)
        return (start, end) if end - start >= _SMALLEST_WINDOW / 2 else (0.0, 1.0)


def _window(whole: StepAxis, start: float, length: float) -> Window:
    start = max(0.0, min(start, 1.0 - length))
    low, high = whole.step(np.array([start, start + length]) * (whole.dots - 1)).tolist()
    return Window(low, None if start + length > 1.0 - 1e-9 else high)


@dataclass(frozen=True)
class ValueAxis:
    """Positive values on a log axis down `rows` rows of cells; `high` is the first dot, `low` the last."""

    low: float
    high: float
    rows: int

    def dots(self, values: ArrayLike) -> Float:
        """The (fractional) dots of values, counted from above; NaN stays NaN."""
        safe: Float = np.log(np.maximum(np.asarray(values, dtype=np.float64), 1e-12))
        span = max(math.log(self.high) - math.log(self.low), 1e-9)
        return (math.log(self.high) - safe) / span * (self.rows * DOTS_HIGH - 1)

    def row(self, value: float) -> int:
        """The row of cells in which a value lies, kept within the axis."""
        return int(np.clip(np.rint(self.dots(value)) // DOTS_HIGH, 0, self.rows - 1))

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    def ticks(self, *, aligned: bool = True, through: float | None = None) -> dict[int, str]:
        """Every other row, or fewer of many, with the roundest number that lies in it.

        Aligned numbers below 10 have equally many decimals, at least one; others as few as each needs. One of
        the rows is that of `through`.
        """
        ratio = math.log(self.high / self.low) / max(self.rows * DOTS_HIGH - 1, 1)
        stride = max(2, self.rows // 8)
        first = self.row(through) % stride if through is not None and self.contains(through) else 0
        found: dict[int, tuple[float, int]] = {}
        for row in range(first, self.rows, stride):
            top = self.high * math.exp(-ratio * (row * DOTS_HIGH - 0.5))
            bottom = self.high * math.exp(-ratio * (row * DOTS_HIGH + DOTS_HIGH - 0.5))
            found[row] = roundest(bottom, top)
        most = max((decimals for value, decimals in found.values() if LEAST_DECIMAL <= value < 10), default=0)
        labels: dict[int, str] = {}
        for row, (value, decimals) in found.items():
            is_aligned = aligned and LEAST_DECIMAL <= value < 10
            label = tick(value, max(1, most) if is_aligned else decimals)
            # numbers too close for so few columns are labeled once
            if len(label) <= _TICK_WIDTH and label not in labels.values():
                labels[row] = label
        return labels


def roundest(low: float, high: float) -> tuple[float, int]:
    """The roundest number within low..high (0 < low < high), and the decimals that it needs."""
    exponent = math.ceil(math.log10(high))
    while True:
        for multiple in (1.0, 0.5, 0.2):
            unit = multiple * 10.0**exponent
            middle = unit * round((low + high) / 2 / unit)
            for candidate in (middle, unit * math.floor(high / unit)):
                if low <= candidate <= high:
                    return candidate, max(0, -exponent + (multiple < 1))
        exponent -= 1


def grown(limits: tuple[float, float] | None, low: float, high: float) -> tuple[float, float]:
    """Limits of a log axis that hold low..high and all that they held before.

    They grow in strides of 4 %, so that a falling curve does not move the axis at every step.
    """
    if high < 1.25 * low:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(1.25), middle * math.sqrt(1.25)
    if limits is not None and limits[0] <= low and high <= limits[1]:
        return limits
    stride = math.log(1.04)
    new_low = math.exp(math.floor(math.log(low) / stride) * stride)
    new_high = math.exp(math.ceil(math.log(high) / stride) * stride)
    if limits is None:
        return new_low, new_high
    return (
        limits[0] if limits[0] <= low else new_low,
        limits[1] if high <= limits[1] else new_high,
    )


def _round_unit(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is not below `least`."""
    unit = 10.0 ** math.floor(math.log10(max(least, 1.0)))
    return next((unit * m for m in (1, 2, 5) if unit * m >= least), unit * 10)
