"""What excites a neuron: the places of a text where one value is highest, lowest, and in between.

    peak     a position higher than all within the d before it, and not lower than any within the d after it.
             So ten neighbors of one summit are one peak, a plateau is the place where it begins, and two
             peaks are more than d apart. The lowest are the peaks of the value's negative.
    bands    a few positions drawn from each of some equal shares of all positions, ordered by value: what the
             neuron does most of the time. The shares are those of a seeded sample of the text, all of it
             where it is short.

One pass over a text of any length; kept are the best so far, the sample, and a histogram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

WIDTH = 40
"""Characters shown on either side; also d, how far apart two peaks are at least."""
_SAMPLE = 4096


@dataclass(frozen=True, eq=False)
class Context:
    """A position, its value, and the values around it; `values[position - start]` is its own."""

    position: int
    value: float
    start: int
    values: Float

    @property
    def stop(self) -> int:
        """The characters shown are [start, stop)."""
        return self.start + len(self.values)


@dataclass(frozen=True, eq=False)
class Band:
    """Some positions, in order of value, of those whose value is from `low` to `high`."""

    low: float
    high: float
    contexts: tuple[Context, ...]


@dataclass(frozen=True, eq=False)
class TopContexts:
    """Where a value is highest (best first), lowest (lowest first), and in each band (lowest band first).

    histogram: (bins,) how many positions lie between each two of `edges` (bins + 1,).
    """

    positions: int
    highest: tuple[Context, ...]
    lowest: tuple[Context, ...]
    bands: tuple[Band, ...]
    histogram: NDArray[np.int64]
    edges: NDArray[np.float64]


def top_contexts(
    stretches: Iterable[Float],
    *,
    highest: int = 10,
    lowest: int = 10,
    bands: int = 4,
    each: int = 3,
    width: int = WIDTH,
    value_range: tuple[float, float] = (-1.0, 1.0),
    bins: int = 50,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> TopContexts:
    """Look through one unit's values along a text, in stretches (n,) of any lengths.

    bands, each: how many bands, and how many positions of each. value_range: what the histogram spans; values
    outside it count in its first or last bin. should_stop: ends the pass with what it has.
    """
    tops, bottoms = _Best(highest), _Best(lowest)
    sample = _Best(_SAMPLE)
    random = np.random.default_rng(seed)
    histogram = np.zeros(bins, np.int64)
    edges = np.linspace(*value_range, bins + 1)
    for window in _windows(stretches, width):
        inside = window.inside
        bounded = np.clip(inside, *value_range)
        histogram += np.histogram(bounded, edges)[0]
        tops.add(window, np.where(window.peaks(1), inside, -np.inf))
        bottoms.add(window, np.where(window.peaks(-1), -inside, -np.inf))
        sample.add(window, random.random(len(inside)))
        if should_stop is not None and should_stop():
            break
    return TopContexts(
        int(histogram.sum()),
        tuple(tops.contexts),
        tuple(bottoms.contexts),
        _bands(sample.contexts, bands, each),
        histogram,
        edges,
    )


@dataclass(frozen=True, eq=False)
class _Window:
    """Some positions, [first, stop), whose neighbors are known as far as the text goes.

    values: those of the neighbors `before` it too, and of the ones after.
    """

    values: Float
    first: int
    before: int
    count: int
    width: int

    @property
    def inside(self) -> Float:
        return self.values[self.before : self.before + self.count]

    def peaks(self, sign: int) -> NDArray[np.bool_]:
        """(count,) which positions are peaks of the values times `sign`."""
        edge = np.full(self.width, -np.inf, np.float32)
        values = self.values * np.float32(sign)
        # So that `width` positions are on either side of each; there is nothing beyond the text.
        after = len(values) - self.before - self.count
        padded = np.concatenate((edge[self.before :], values, edge[after:]))
        reach = np.lib.stride_tricks.sliding_window_view(padded, self.width).max(axis=1)
        own = values[self.before : self.before + self.count]
        peaks: NDArray[np.bool_] = (own > reach[: self.count]) & (
            own >= reach[self.width + 1 : self.width + 1 + self.count]
        )
        return peaks

    def context(self, place: int) -> Context:
        at = self.before + place
        start = max(0, at - self.width)
        values = self.values[start : at + self.width + 1].copy()
        return Context(self.first + place, float(self.values[at]), self.first + place - (at - start), values)


def _windows(stretches: Iterable[Float], width: int) -> Iterable[_Window]:
    """Every position once, with `width` neighbors on either side where the text has them."""
    held: Float = np.empty(0, np.float32)
    first = before = 0  # of what is held, the first position not yet given, and how many precede it
    for stretch in stretches:
        held = np.concatenate((held, np.asarray(stretch, np.float32)))
        count = len(held) - before - width
        if count > 0:
            yield _Window(held, first, before, count, width)
            first += count
            kept = min(width, before + count)
            held, before = held[before + count - kept :], kept
    if len(held) > before:
        yield _Window(held, first, before, len(held) - before, width)


class _Best:
    """The contexts of the highest scores so far; of equal scores the earlier."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[float, Context]] = []

    def add(self, window: _Window, scores: NDArray[np.floating]) -> None:
        """Take the positions of a window whose score (count,) is among the best; −inf is none."""
        least = self._kept[-1][0] if len(self._kept) == self._count else -np.inf
        places = np.flatnonzero(scores > least)
        places = places[np.argsort(-scores[places], kind="stable")][: self._count]
        new = [(float(scores[place]), window.context(place)) for place in places.tolist()]
        self._kept = sorted((*self._kept, *new), key=lambda scored: -scored[0])[: self._count]

    @property
    def contexts(self) -> list[Context]:
        return [context for _, context in self._kept]


def _bands(sample: list[Context], bands: int, each: int) -> tuple[Band, ...]:
    """Equal shares of the sample by value; of each the positions at equal steps, its ends left out."""
    ordered = sorted(sample, key=lambda context: (context.value, context.position))
    found = []
    for band in range(bands if ordered else 0):
        share = ordered[band * len(ordered) // bands : (band + 1) * len(ordered) // bands]
        if share:
            steps = min(each, len(share))
            chosen = [share[(2 * step + 1) * len(share) // (2 * steps)] for step in range(steps)]
            found.append(Band(share[0].value, share[-1].value, tuple(chosen)))
    return tuple(found)
