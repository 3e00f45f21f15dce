"""Top contexts of a unit: where in a text its value is highest, lowest, and in between.

    peak     a position whose value is the highest among all positions at most d before or after it; of equal
             values one that is drawn by a seeded generator counts as higher. So two peaks are more than d
             apart, the neighbors of a summit are not peaks of their own, and the peaks of a saturated unit
             are spread over the text. The lowest are the peaks of the negated value.
    bands    a few positions from each of several equal shares of all positions, ordered by value: what the
             unit does most of the time. The shares are those of a seeded sample of the text, or of the whole
             text where it is short.

One pass over a text of any length; it keeps the best peaks so far, the sample, and a histogram.
Top activating contexts: Karpathy, Johnson & Fei-Fei (arXiv 1506.02078); Radford et al. (arXiv 1704.01444).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
_NO_KEY = np.int64(np.iinfo(np.int64).min)
"""The key of a position that is not a peak."""


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
    """Some of the positions whose value is from `low` to `high`, in order of value."""

    low: float
    high: float
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, eq=False)
class ContextsResult(Result):
    """Where one quantity of one unit is highest, lowest, and in between.

    layer: from 1. unit: from 0. quantity: what was read. Values are as they are colored: gates 0..1,
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
        >>> result = session.ask(rnnscope.Contexts(layer=1, unit=37, limit=2))
        >>> result.quantity, len(result.highest), len(result.bands)
        ('cell', 2, 4)
        >>> best = result.highest[0]
        >>> bool(best.values[best.position - best.start] == best.value)
        True
    """

    name = "contexts"
    activity = "reading contexts"

    layer: int
    """The unit's layer; layers count from 1."""
    unit: int
    """The unit; units count from 0."""
    quantity: str = AUTO
    """A recorded quantity, such as hidden or forget; auto is the cell where there is one, else hidden."""
    limit: int = 10
    """How many of the highest, and of the lowest, positions to list."""
    bands: int = 4
    """Bands of values between the two, each with up to three positions; 0 leaves them out."""
    around: int = 40
    """Characters shown before and after a position; two listed peaks are farther apart than this."""
    characters: int = 0
    """Read only so many characters from the beginning of the text; 0 reads all."""
    seed: int = 0
    """Seed of the generator that draws among equal values, and the positions of the bands."""

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


def top_contexts(
    query: Contexts, stretches: Iterable[Float], read: Callable[[int, int], str]
) -> ContextsResult:
    """Look through one unit's values along a text, in consecutive stretches (n,) of any lengths.

    query: its quantity is a recorded one. read: gives the characters start .. stop−1 of the text.
    """
    highest, lowest, sample = _Best(query.limit), _Best(query.limit), _Best(_SAMPLE)
    random = np.random.default_rng(query.seed)
    edges = bin_edges(query.quantity)
    counts = np.zeros(len(edges) - 1, np.int64)
    for window in _windows(stretches, query.around, random):
        counts += bin_counts(window.inside, edges)
        highest.add(window, window.peaks(1))
        lowest.add(window, window.peaks(-1))
        sample.add(window, window.draws)
    positions = int(counts.sum())
    histogram = HistogramResult(query.layer, query.unit, query.quantity, positions, edges, counts)

    def with_text(excerpts: Iterable[Excerpt]) -> tuple[Excerpt, ...]:
        return tuple(replace(one, text=read(one.start, one.start + len(one.values))) for one in excerpts)

    bands = _bands(sample.excerpts, query.bands)
    return ContextsResult(
        query.layer,
        query.unit,
        query.quantity,
        positions,
        with_text(_ordered(highest.excerpts, -1)),
        with_text(_ordered(lowest.excerpts, 1)),
        tuple(replace(band, excerpts=with_text(band.excerpts)) for band in bands),
        histogram,
    )


@dataclass(frozen=True, eq=False)
class _Window:
    """Some positions, [first, first + count), whose neighbors are known as far as the text goes.

    values: (n,) those of the `before` neighbors before the positions too, and of the ones after.
    random: (n,) int64 from 0 to 2³² − 1, one draw for each value.
    """

    values: Float
    random: NDArray[np.int64]
    first: int
    before: int
    count: int
    width: int

    @property
    def inside(self) -> Float:
        return self.values[self.before : self.before + self.count]

    @property
    def draws(self) -> NDArray[np.int64]:
        """(count,) keys by which the highest are a sample of all positions."""
        return self.random[self.before : self.before + self.count]

    def peaks(self, sign: int) -> NDArray[np.int64]:
        """(count,) keys that order the peaks of `sign` times the values; the others have the least key."""
        keys = (_as_ordered_integers(sign * self.values) << 32) | self.random
        # So that `width` positions are on either side of each; there is nothing beyond the text.
        after = len(keys) - self.before - self.count
        least = np.full(self.width, _NO_KEY)
        padded = np.concatenate((least[self.before :], keys, least[after:]))
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * self.width + 1).max(axis=1)
        own = keys[self.before : self.before + self.count]
        return np.where(own == around, own, _NO_KEY)

    def excerpt(self, place: int) -> Excerpt:
        at = self.before + place
        start = max(0, at - self.width)
        values = self.values[start : at + self.width + 1].copy()
        position = self.first + place
        return Excerpt(position, float(self.values[at]), position - (at - start), "", values)


def _as_ordered_integers(values: Float) -> NDArray[np.int64]:
    """Integers in the order of the values; equal values, −0 and 0 among them, have equal ones."""
    bits = (values + np.float32(0.0)).view(np.int32)
    # The bits of a negative float fall as it rises, but for the sign.
    return np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)


def _windows(stretches: Iterable[Float], width: int, random: np.random.Generator) -> Iterator[_Window]:
    """Every position once, with `width` neighbors on either side where the text has them."""
    values: Float = np.empty(0, np.float32)
    draws = np.empty(0, np.int64)
    first = before = 0  # of the values at hand: the first position not yet given, and how many precede it
    for stretch in stretches:
        values = np.concatenate((values, np.asarray(stretch, np.float32)))
        draws = np.concatenate((draws, random.integers(0, 1 << 32, len(stretch))))
        count = len(values) - before - width
        if count > 0:
            yield _Window(values, draws, first, before, count, width)
            first += count
            kept = min(width, before + count)
            values, draws = values[before + count - kept :], draws[before + count - kept :]
            before = kept
    if len(values) > before:
        yield _Window(values, draws, first, before, len(values) - before, width)


class _Best:
    """The excerpts of the highest keys so far; of equal keys the earlier."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._best: list[tuple[int, Excerpt]] = []

    def add(self, window: _Window, keys: NDArray[np.int64]) -> None:
        """Take the positions of a window whose key (count,) is among the best."""
        least = self._best[-1][0] if len(self._best) == self._count else _NO_KEY
        places = np.flatnonzero(keys > least)
        places = places[np.argsort(-keys[places], kind="stable")][: self._count]
        new = [(int(keys[place]), window.excerpt(place)) for place in places.tolist()]
        self._best = sorted((*self._best, *new), key=lambda keyed: -keyed[0])[: self._count]

    @property
    def excerpts(self) -> list[Excerpt]:
        return [excerpt for _, excerpt in self._best]


def _ordered(excerpts: Iterable[Excerpt], sign: int) -> list[Excerpt]:
    """By `sign` times the value; of equal values in the order of the text."""
    return sorted(excerpts, key=lambda one: (sign * one.value, one.position))


def _bands(sample: Iterable[Excerpt], bands: int) -> list[Band]:
    """Equal shares of the sample by value; from each the positions at equal steps, its ends left out."""
    ordered = _ordered(sample, 1)
    found = []
    for band in range(bands if ordered else 0):
        share = ordered[band * len(ordered) // bands : (band + 1) * len(ordered) // bands]
        if share:
            steps = min(_IN_BAND, len(share))
            chosen = [share[(2 * step + 1) * len(share) // (2 * steps)] for step in range(steps)]
            found.append(Band(share[0].value, share[-1].value, tuple(chosen)))
    return found
