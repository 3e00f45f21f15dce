"""What a chart draws, as values: series gathered into columns of dots, and rows of styled cells.

A cell shows one thing, the last of this list that has a dot in it: envelope, curve, second curve (the two
curves take turns where they share cells). A dotted level is drawn where no curve is near, and a vertical rule
behind both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style

from rnnscope.app import braille
from rnnscope.app.axes import StepAxis, ValueAxis
from rnnscope.app.history import Series
from rnnscope.render.text import tick
from rnnscope.theme.palette import Palette
from rnnscope.theme.segments import coded_segments, segments

Float = NDArray[np.float64]

# What a cell of the plot shows; the same with the reading crosshair through it comes _CROSSHAIR later.
_EMPTY, _ENVELOPE, _CURVE, _SECOND, _LEVEL, _NAME = range(6)
_CROSSHAIR = 6
_TOKENS = ("text", "raw", "azure", "amber", "rule", "mute")
SECOND_GLYPH = "o"
"""What the second curve is drawn with where there is no color."""
_RULE = "┆"
_PARTED = 1.015
"""The second curve is drawn where it differs by this ratio, and by a dot."""
_SPIKES = 20
"""One column in this many may reach beyond the limits."""


@dataclass(frozen=True)
class Level:
    """A horizontal line at a reference value."""

    name: str
    value: float


@dataclass(frozen=True)
class Rule:
    """A vertical line in a column of cells, with a name next to it where there is room."""

    name: str
    column: int


@dataclass(frozen=True, eq=False)
class Columns:
    """A series by columns of dots: (C,) each, NaN where a column holds no step."""

    low: Float
    high: Float
    smooth: Float

    @staticmethod
    def of(series: Series, axis: StepAxis) -> Columns:
        """Lowest and highest value and mean of the smoothed ones of the rows within each column."""
        low, high, smooth = (np.full(axis.dots, np.nan) for _ in range(3))
        bounds = np.searchsorted(series.steps, axis.edges())
        filled = np.flatnonzero(np.diff(bounds))
        if len(filled):
            starts, end = bounds[filled], int(bounds[-1])
            low[filled] = np.minimum.reduceat(series.low[:end], starts)
            high[filled] = np.maximum.reduceat(series.high[:end], starts)
            sums = np.add.reduceat(series.smooth[:end], starts)
            smooth[filled] = sums / (bounds[filled + 1] - starts)
        return Columns(low, high, smooth)

    def range(self) -> Float:
        """The values that the limits must include: the whole curve, and the envelope without its spikes."""
        parts = [self.smooth[np.isfinite(self.smooth)]]
        lows, highs = (np.sort(edge[np.isfinite(edge)]) for edge in (self.low, self.high))
        spikes = -(-len(lows) // _SPIKES)
        parts += [lows[spikes : spikes + 1], highs[-spikes - 1 : -spikes]]
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Curves:
    """What one plot shows, already in the unit of its axis."""

    columns: Columns
    second_steps: Float
    second_values: Float
    levels: Sequence[Level]


def draw(
    palette: Palette,
    curves: Curves,
    steps: StepAxis,
    values: ValueAxis,
    *,
    marked: Sequence[int] = (),
    marks: Sequence[int] = (),
    rules: Sequence[Rule] = (),
) -> list[list[Segment]]:
    """The rows of the plot.

    `marked` are the columns of cells that are being read or selected; `marks` are columns with a `!` at the
    bottom. Without color the second curve is drawn by the letter o.
    """
    height = values.rows * braille.DOTS_HIGH
    places = _joined(values.dots(curves.columns.smooth))
    top, bottom = values.dots(curves.columns.high), values.dots(curves.columns.low)
    second_places = _parted(curves, steps, values, places)
    envelope = braille.cells(braille.between(top, bottom, height))
    curve = braille.cells(braille.line(places, height))
    second = braille.cells(braille.line(second_places, height))

    keys: NDArray[np.intp] = np.full(curve.shape, _EMPTY)
    codes: NDArray[np.uint32] = np.zeros(curve.shape, dtype=np.uint32)
    # A cell has one color: curves that share cells take turns at them, and the envelope gives way to both.
    shared = (curve > 0) & (second > 0)
    shared[:, ::-2] = False  # the last column is the second curve's
    second[shared] = 0
    layers = [(envelope, _ENVELOPE), (curve, _CURVE), (second, _SECOND)]
    # Without color the envelope would hide the curve.
    for layer, key in layers[1:] if palette.depth == "none" else layers:
        present = layer > 0
        codes[present] = layer[present]
        keys[present] = key
    points = np.where(keys == _EMPTY, ord(" "), braille.BLANK + codes).astype(np.uint32)
    if palette.depth == "none":
        points[keys == _SECOND] = ord(SECOND_GLYPH)
    is_free = (keys == _EMPTY) | (keys == _LEVEL)
    _draw_levels(points, keys, curves.levels, values)
    _draw_rules(points, keys, rules, is_free)
    for column in marks:
        points[-1, column], keys[-1, column] = ord("!"), _SECOND
    if len(marked):
        keys[:, marked] += _CROSSHAIR
        if palette.depth in ("16", "none"):
            for edge in (marked[0], marked[-1]):
                points[:, edge] = np.where(points[:, edge] == ord(" "), ord("│"), points[:, edge])
    styles = _styles(palette)
    return [coded_segments(points[row], keys[row], styles) for row in range(values.rows)]


def step_labels(
    palette: Palette, steps: StepAxis, present: int, divergences: Sequence[int], *, unit: str
) -> tuple[list[Segment], list[int]]:
    """The row below the plot: the present step, `!` where a run diverged, round steps where there is room.

    `unit` follows the present step, such as ` steps`. Also the columns of divergences that found no room.
    """
    width = steps.dots // braille.DOTS_WIDE
    mute = palette.ink("mute")
    cells: list[tuple[str, Style]] = [(" ", mute)] * width
    taken: set[int] = set()

    def place(label: list[tuple[str, Style]], step: float, *, gap: int = 1) -> bool:
        start = column_of(steps, step) - (len(label) - 1) // 2
        start = max(0, min(start, width - len(label)))
        span = range(start, start + len(label))
        fits = len(label) <= width and taken.isdisjoint(span)
        if fits:
            cells[start : span.stop] = label
            taken.update(range(start - gap, span.stop + gap))
        return fits

    strong = palette.ink("text")
    place([(letter, strong) for letter in f"{present:,}"] + [(letter, mute) for letter in unit], present)
    warning = palette.ink("amber", bold=True)
    homeless = [column_of(steps, step) for step in divergences if not place([("!", warning)], step, gap=0)]
    for step in steps.ticks():
        place([(letter, mute) for letter in tick(step)], step)
    return segments(cells), homeless


def column_of(steps: StepAxis, step: float) -> int:
    """The column of cells in which a step of the axis lies."""
    return int(steps.dot(step) / braille.DOTS_WIDE)


@lru_cache(maxsize=16)
def _styles(palette: Palette) -> tuple[Style, ...]:
    """The styles of a plot's cells, then the same under the crosshair."""
    plain = tuple(palette.ink(token) for token in _TOKENS)
    return plain + tuple(palette.ink(token, on="crosshair") for token in _TOKENS)


def _draw_levels(
    points: NDArray[np.uint32], keys: NDArray[np.intp], levels: Sequence[Level], values: ValueAxis
) -> None:
    """Dots through the rows of the levels, except for the cells on a curve or next to one."""
    near = keys != _EMPTY
    near[:, 1:] |= keys[:, :-1] != _EMPTY
    near[:, :-1] |= keys[:, 1:] != _EMPTY
    for level in levels:
        if values.contains(level.value):
            row = values.row(level.value)
            free = ~near[row]
            points[row, free] = ord("┈")
            keys[row, free] = _LEVEL


def _draw_rules(
    points: NDArray[np.uint32], keys: NDArray[np.intp], rules: Sequence[Rule], is_free: NDArray[np.bool_]
) -> None:
    """Lines behind the curves; each name is in the first row where it hides nothing, at either side."""
    width = points.shape[1]
    for rule in rules:
        rows = is_free[:, rule.column]
        points[rows, rule.column], keys[rows, rule.column] = ord(_RULE), _LEVEL
    taken = ~is_free
    taken[:, [rule.column for rule in rules]] = True
    for rule in rules:
        name = np.array([*map(ord, rule.name)], np.uint32)
        starts = (rule.column + 1, rule.column - len(name))
        places = ((row, start) for row in range(len(points)) for start in starts)
        for row, start in places:
            span = slice(start, start + len(name))
            around = slice(max(0, start - 1), start + len(name) + 1)
            if 0 <= start <= width - len(name) and not taken[row, span].any():
                points[row, span], keys[row, span] = name, _NAME
                taken[row, around] = True
                break


def _parted(curves: Curves, steps: StepAxis, values: ValueAxis, places: Float) -> Float:
    """(C,) the places of the second curve where it lies apart from the first, else NaN."""
    columns = np.arange(steps.dots, dtype=np.float64)
    if not len(curves.second_steps):
        return np.full(steps.dots, np.nan)
    dots = steps.dot_of(curves.second_steps)
    # Half a column of grace, so that a point is seen although it lies between two columns.
    second = np.interp(columns, dots, values.dots(curves.second_values))
    outside = (columns < dots[0] - 0.5) | (columns > dots[-1] + 0.5)
    apart = max(1.0, float(values.dots(1.0) - values.dots(_PARTED)))
    return np.where(outside | ~(np.abs(second - places) >= apart), np.nan, second)


def _joined(places: Float) -> Float:
    """The places with gaps between known ones bridged by straight lines."""
    known = np.isfinite(places)
    if not known.any():
        return places
    columns = np.arange(len(places))
    return np.interp(columns, columns[known], places[known], left=np.nan, right=np.nan)
