"""Charts as SVG for HTML pages: lines over training steps, and points within the unit square.

Shapes have classes in place of colors, which the page's style sheet sets for light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnscope.export.page import escaped
from rnnscope.render.text import tick

Float = NDArray[np.float64]

_WIDTH, _HEIGHT = 800, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 110, 12, 34
_MOST_POINTS = 600
"""A line of more points is drawn through the means of as many consecutive groups."""
_LABEL_GAP = 14


@dataclass(frozen=True, eq=False)
class Curve:
    """A line: its name, its class, and its points (N,), (N,)."""

    name: str
    kind: str
    steps: NDArray[np.int64]
    values: Float


@dataclass(frozen=True)
class Level:
    """A horizontal line at a value."""

    name: str
    value: float


def line_chart(curves: Sequence[Curve], levels: Sequence[Level], *, best: tuple[int, float] | None) -> str:
    """Loss curves with a logarithmic vertical axis. best: the step and the value of a marked point."""
    drawn = [_thinned(curve) for curve in curves]
    drawn = [curve for curve in drawn if len(curve.steps)]
    if not drawn:
        return ""
    last = max(1, max(int(curve.steps[-1]) for curve in drawn))
    values = np.concatenate([curve.values for curve in drawn] + [[best[1]] if best else []])
    low, high = float(values.min()), float(values.max())
    low = max(low / 1.08, 1e-9)
    high = max(high * 1.02, 1.1 * low)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x(steps: ArrayLike) -> Float:
        return _LEFT + np.asarray(steps, np.float64) / last * (right - _LEFT)

    def y(nats: ArrayLike) -> Float:
        share = np.log(np.maximum(np.asarray(nats, np.float64), low) / low) / math.log(high / low)
        return bottom - share * (bottom - _TOP)

    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>loss</title>']
    for value in value_ticks(low, high):
        at, name = float(y(value)), tick(value, len(f"{value:f}".rstrip("0").partition(".")[2]))
        parts.append(f'<path class="grid" d="M{_LEFT} {at:.1f}H{right}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{name}</text>')
    for step in step_ticks(last):
        at = float(x(step))
        parts.append(f'<path class="grid" d="M{at:.1f} {bottom}v4"/>')
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{tick(step)}</text>'
        )
    parts.append(
        f'<text class="tick" x="{right}" y="{_HEIGHT - 2}" text-anchor="end">step</text>'
        f'<text class="tick" x="{_LEFT}" y="{_TOP - 2}">nats per character</text>'
    )
    names: list[tuple[float, str, str]] = []
    for level in levels:
        if low <= level.value <= high:
            at = float(y(level.value))
            parts.append(f'<path class="level" d="M{_LEFT} {at:.1f}H{right}"/>')
            names.append((at, level.name, "level"))
    for curve in drawn:
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(curve.steps), y(curve.values), strict=True))
        parts.append(f'<polyline class="{curve.kind}" points="{points}"/>')
        names.append((float(y(curve.values[-1])), curve.name, curve.kind))
    if best is not None:
        parts.append(
            f'<circle class="best" cx="{float(x(best[0])):.1f}" cy="{float(y(best[1])):.1f}" r="4"/>'
        )
    below = -math.inf
    for at, name, kind in sorted(names):
        below = max(at, below + _LABEL_GAP)
        parts.append(f'<text class="name {kind}" x="{right + 6}" y="{below + 4:.1f}">{escaped(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def unit_square(points: Sequence[tuple[str, Float, Float]], *, x_name: str, y_name: str) -> str:
    """Points (class, (N,), (N,)) with both coordinates within 0..1, below the diagonal x + y = 1."""
    size, left, bottom = 300, 44, 36
    parts = [
        f'<svg class="chart square" viewBox="0 0 {size + left + 12} {size + bottom + 12}" role="img">',
        f"<title>{escaped(y_name)} against {escaped(x_name)}</title>",
        f'<path class="axis" d="M{left} 8V{size + 8}H{left + size}"/>',
        f'<path class="grid" d="M{left} 8L{left + size} {size + 8}"/>',
    ]
    for share in (0, 0.5, 1):
        parts.append(
            f'<text class="tick" x="{left + share * size:g}" y="{size + 24}" text-anchor="middle">'
            f"{share:g}</text>"
            f'<text class="tick" x="{left - 6}" y="{size + 12 - share * size:g}" text-anchor="end">'
            f"{share:g}</text>"
        )
    parts.append(
        f'<text class="tick" x="{left + size}" y="{size + 40}" text-anchor="end">{escaped(x_name)}</text>'
        f'<text class="tick" transform="translate(12 {size + 8}) rotate(-90)">{escaped(y_name)}</text>'
    )
    for kind, across, up in points:
        parts += [
            f'<circle class="{kind}" cx="{left + a * size:.1f}" cy="{size + 8 - b * size:.1f}" r="3"/>'
            for a, b in zip(across.tolist(), up.tolist(), strict=True)
        ]
    return "\n".join([*parts, "</svg>"])


def value_ticks(low: float, high: float) -> list[float]:
    """Round values from `low` to `high` for a logarithmic axis."""
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), tuple(each / 10 for each in range(10, 100))):
        ticks = [
            digit * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for digit in digits
            if low <= digit * 10.0**power <= high
        ]
        if len(ticks) >= 3:
            return [float(f"{tick:.3g}") for tick in ticks[:: max(1, len(ticks) // 8)]]
    return [float(f"{low:.4g}"), float(f"{high:.4g}")]


def step_ticks(last: int) -> list[int]:
    """About five round steps from 0 to the last."""
    unit = 10 ** math.floor(math.log10(last))
    every = next((unit // part for part in (1, 2, 5) if unit >= part and last / (unit // part) >= 4), unit)
    return list(range(0, last + 1, max(1, every)))


def _thinned(curve: Curve) -> Curve:
    """The curve without values that are not finite, through at most 600 points."""
    is_finite = np.isfinite(curve.values)
    steps, values = curve.steps[is_finite], curve.values[is_finite]
    if len(steps) <= _MOST_POINTS:
        return Curve(curve.name, curve.kind, steps, values)
    starts = np.arange(_MOST_POINTS) * len(steps) // _MOST_POINTS
    sizes = np.diff(starts, append=len(steps))
    means = np.add.reduceat(values, starts) / sizes
    return Curve(curve.name, curve.kind, steps[starts + sizes - 1], means)
