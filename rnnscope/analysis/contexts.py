"""Top contexts of a unit: where in a text its value is highest, lowest, and in between.

    peak     a position whose value is the highest among all positions at most d before or after it; of equal
             values one drawn by a seeded generator counts as higher. So two peaks are more than d
             apart, the neighbors of a peak are not peaks, and the peaks of a saturated unit are spread over
             the text. The lowest are the peaks of the negated value.
    bands    a few positions from each of several equal shares of all positions, ordered by value: what the
             unit does most of the time. The shares are those of a seeded sample of the text, or of the whole
             text if it is short.

Top activating contexts: Karpathy, Johnson & Fei-Fei (arXiv 1506.02078); Radford et al. (arXiv 1704.01444).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.histogram import HistogramResult, bin_counts, bin_edges
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.units import AUTO, check_unit, quantity_of, unit_values

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

Float = NDArray[np.float32]

_SAMPLE = 4096
"""Positions from which the bands are drawn."""
_IN_BAND = 3
"""Positions listed of each band."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A position of the text, its value, and the characters and values around it.

    position: in the text, from 0. value: at the position. start: of the first character of the excerpt.
    text: n characters. values: (n,) float32, one per character; `values[position - start]` is `value`.
    """

    position: int
    value: float
    start: int
    text: str
    values: Float


@dataclass(frozen=True, eq=False)
class Band:
    """Some of the positions with a value from `low` to `high`, in order of value."""

    low: float
    high: float
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, eq=False)
class ContextsResult(Result):
    """Where one quantity of one unit is highest, lowest, and in between.

    layer: from 1. unit: from 0. quantity: the quantity that was read. Values are as displayed: gates 0..1,
    everything else −1..1 (the cell state squashed). positions: the number of characters read.
    highest: best first. lowest: lowest first. bands: lowest band first. histogram: of all positions.
    """

    layer: int
    unit: int
    quantity: str
    positions: int
    highest: tuple[Excerpt, ...]
    lowest: tuple[Excerpt, ...]
    bands: tuple[Band, ...]
    histogram: HistogramResult


@dataclass(frozen=True)
class Contexts(Query[ContextsResult]):
    """Top contexts: where the value of a unit is highest and lowest.

    Between the two it lists a few positions from bands of values, which show what the unit does most of the
    time.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Contexts(layer=1, unit=41, limit=2))
        >>> result.quantity, len(result.highest), len(result.bands)
        ('cell', 2, 4)
        >>> best = result.highest[0]
        >>> bool(best.values[best.position - best.start] == best.value)
        True
    """

    name = "contexts"
    activity = "reading contexts"
    example = "--layer 1 --unit 41"

    layer: int
    """The unit's layer; layers count from 1."""
    unit: int
    """The unit; units count from 0."""
    quantity: str = AUTO
    """A recorded quantity, such as hidden or forget; auto is cell if the network has one, else hidden."""
    limit: int = 10
    """The number of highest and of lowest positions to list."""
    bands: int = 4
    """The number of bands of values, each with up to three positions; 0 disables bands."""
    around: int = 40
    """Characters shown before and after a position; two listed peaks are farther apart than this."""
    characters: int = 0
    """Read only the first N characters of the text; 0 reads all."""
    seed: int = 0
    """Seed for the choice among equal values and of the positions of the bands."""

    def check(self, architecture: Architecture) -> None:
        check_unit(architecture, self.layer, self.unit)
        quantity_of(architecture, self.quantity)
        check_range("limit", self.limit, 1, 1000)
        check_range("bands", self.bands, 0, 100)
        check_range("around", self.around, 1, 1000)
        check_range("characters", self.characters, 0)
        check_range("seed", self.seed, 0)

    def run(self, context: Context) -> ContextsResult:
        query = replace(self, quantity=quantity_of(context.architecture, self.quantity))
        values = unit_values(context, self.layer, self.unit, query.quantity, self.characters)
        return top_contexts(query, values, context.reader.read)


def top_contexts(query: Contexts, values: Float, read: Callable[[int, int], str]) -> ContextsResult:
    """The top contexts of one unit, from its values (n,) along a text.

    query: a query with a recorded quantity. read: returns the characters start .. stop−1 of the text.
    """
    random = np.random.default_rng(query.seed)
    draws = random.integers(0, 1 << 32, len(values))

    def excerpts(positions: NDArray[np.intp]) -> tuple[Excerpt, ...]:
        found = []
        for position in positions.tolist():
            start = max(0, position - query.around)
            part = values[start : position + query.around + 1].copy()
            text = read(start, start + len(part))
            found.append(Excerpt(position, float(values[position]), start, text, part))
        return tuple(found)

    def best(sign: int) -> tuple[Excerpt, ...]:
        keys = (_as_ordered_integers(sign * values) << 32) | draws
        peaks = _peaks(keys, query.around)
        chosen = peaks[np.argsort(-keys[peaks])[: query.limit]]
        return excerpts(chosen[np.lexsort((chosen, -sign * values[chosen]))])

    sample = np.sort(random.choice(len(values), min(len(values), _SAMPLE), replace=False))
    ordered = sample[np.argsort(values[sample], kind="stable")]
    bands = []
    for share in np.array_split(ordered, query.bands) if query.bands else []:
        if len(share):
            steps = min(_IN_BAND, len(share))
            places = (2 * np.arange(steps) + 1) * len(share) // (2 * steps)
            low, high = values[share[[0, -1]]].tolist()
            bands.append(Band(low, high, excerpts(share[places])))
    edges = bin_edges(query.quantity)
    unit = (query.layer, query.unit, query.quantity)
    histogram = HistogramResult(*unit, len(values), edges, bin_counts(values, edges))
    return ContextsResult(*unit, len(values), best(1), best(-1), tuple(bands), histogram)


def _peaks(keys: NDArray[np.int64], width: int) -> NDArray[np.intp]:
    """The positions with the highest key among all positions at most `width` before or after."""
    least = np.full(width, np.iinfo(np.int64).min)
    padded = np.concatenate((least, keys, least))
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1).max(axis=1)
    return np.flatnonzero(keys == highest)


def _as_ordered_integers(values: Float) -> NDArray[np.int64]:
    """Integers in the order of the values; equal values, such as −0 and 0, have equal integers."""
    bits = (values + np.float32(0.0)).view(np.int32)
    # The bits of a negative float, without the sign, decrease as the float increases.
    return np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
