"""Select and match (LSTMVis: Strobelt et al. 2016, arXiv 1606.07461, section 5): which units are on together
over exactly this stretch of a text, and where else are they?

    on        a unit is on at a position where its value is above τ, or, with the other sign, below −τ
    selected  S, those on at all of [a, b), and at none of the l positions before it or the r after it
    match     for a range R let On(R) be what is on at all of R, margins not looked at. Ranges are ranked by
                 |S ∩ On(R)| the most, then |S ∪ On(R)| the least, then the longest
    Jaccard   |S ∩ On(R)| / |S ∪ On(R)|

A range that could be longer and still share as many units is no match of its own: the longer one ranks above
it. And of two ranges that overlap only the one ranked above is listed. A unit of one sign is not the unit of
the other: what was selected as strongly negative matches only there.

A range so defined ends where a shared unit goes off and begins where one came on, so that all of them are
found in one pass that knows of every unit since when it is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Int = NDArray[np.int64]
Short = NDArray[np.int32]

THRESHOLD = 0.3
_POOL = 1 << 17  # candidates kept; what is listed is the best of all as long as so many suffice to list it
_ROWS = 256  # positions at once, so that what is known of them stays in the cache
_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Selection:
    """The units on over exactly [start, stop).

    units: (S,) columns of the values it was made from. signs: (S,) int8, 1 above τ, −1 below −τ.
    """

    start: int
    stop: int
    threshold: float
    units: Int
    signs: NDArray[np.int8]
    negative: bool
    """Whether strongly negative units were looked for as well."""

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True, eq=False)
class Matches:
    """Other ranges, best first; all arrays are (M,).

    starts, stops: the ranges [start, stop). shared: |S ∩ On|. union: |S ∪ On|. jaccard: their quotient.
    """

    selection: Selection
    starts: Int
    stops: Int
    shared: Int
    union: Int
    positions: int
    """How many characters were searched."""

    @property
    def jaccard(self) -> NDArray[np.float64]:
        return self.shared / np.maximum(self.union, 1)

    def __len__(self) -> int:
        return len(self.starts)


def select(
    values: Float,
    start: int,
    stop: int,
    *,
    threshold: float = THRESHOLD,
    before: int = 1,
    after: int = 0,
    negative: bool = True,
) -> Selection:
    """The units on over exactly [start, stop) of `values` (T, H), as they are shown (−1..1).

    before, after: the margins l and r; where the text ends within one, only what there is of it counts.
    """
    if not 0 <= start < stop <= len(values):
        raise ValueError(f"[{start}, {stop}) is no range of {len(values)} positions")
    signs = _signs(values[max(0, start - before) : stop + after], threshold, negative)
    first = min(before, start)
    inside = signs[first : first + stop - start]
    margins = np.concatenate((signs[:first], signs[first + stop - start :]))
    chosen = (inside[0] != 0) & (inside == inside[0]).all(axis=0) & (margins != inside[0]).all(axis=0)
    units = np.flatnonzero(chosen)
    return Selection(start, stop, threshold, units, inside[0, units], negative)


def match(
    values: Float | Iterable[Float],
    selection: Selection,
    *,
    limit: int = 50,
    exclude: tuple[int, int] | None = None,
    told: Callable[[int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Matches:
    """Rank the ranges of a text, of any length, by the units they share with `selection`.

    values: (T, H), or stretches of it in their order, each (n, H); of these one is held at a time.
    exclude: a range [a, b) that no match may overlap, such as the selection itself.
    told: called with how many positions were searched. should_stop: ends the search with what it has.
    """
    pool = _Pool(selection, exclude)
    positions = 0
    for signs, starts, ends in _runs(values, selection):
        pool.add(signs, starts, ends, positions)
        positions += len(signs)
        if told is not None:
            told(positions)
        if should_stop is not None and should_stop():
            break
    return pool.listed(limit, positions)


class _Pool:
    """The best candidates so far, in no order: arrays (N, 4) of shared, union, start, stop."""

    def __init__(self, selection: Selection, exclude: tuple[int, int] | None) -> None:
        self._selection = selection
        self._exclude = exclude
        self._candidates: list[Int] = []
        self._size = 0
        self._least_shared = 1

    def add(self, signs: NDArray[np.int8], starts: Short, ends: NDArray[np.bool_], first: int) -> None:
        """Take the ranges that end within some rows; `first` is the position of the first row.

        signs, starts: (n, H) how each unit is, and since where. ends: (n, H) whether it changes then.
        """
        units = self._selection.units
        is_on = signs[:, units] == self._selection.signs
        goes_off = is_on & ends[:, units]
        rows = np.flatnonzero(goes_off.any(axis=1) & (is_on.sum(axis=1) >= self._least_shared))
        if not len(rows):
            return
        # Begun in order: with the k-th beginning k units are shared, of equal ones the last.
        since = np.where(is_on[rows], starts[np.ix_(rows, units)], np.int32(_NEVER))
        first_to_go = np.where(goes_off[rows], since, np.int32(_NEVER)).min(axis=1, keepdims=True)
        since.sort(axis=1)
        is_last_equal = np.ones_like(since, dtype=np.bool_)
        is_last_equal[:, :-1] = since[:, :-1] != since[:, 1:]
        shared = np.arange(1, len(units) + 1)
        # It must end here, and so hold a unit that goes off: one that began no later.
        is_range = (since != _NEVER) & is_last_equal & (since >= first_to_go) & (shared >= self._least_shared)
        at, column = np.nonzero(is_range)
        begin, end = since[at, column].astype(np.int64), rows[at] + first + 1
        if self._exclude is not None:
            a, b = self._exclude
            kept = (end <= a) | (begin >= b)
            at, column, begin, end = at[kept], column[kept], begin[kept], end[kept]
        on_throughout = np.empty(len(at), np.int64)
        for part in range(0, len(at), _ROWS):
            some = slice(part, part + _ROWS)
            row = rows[at[some]]
            on_throughout[some] = np.count_nonzero(
                (signs[row] != 0) & (starts[row] <= begin[some, None]), axis=1
            )
        union = len(units) + on_throughout - shared[column]
        self._candidates.append(np.stack((shared[column], union, begin, end), axis=1))
        self._size += len(at)
        if self._size > 2 * _POOL:
            best = self._ranked()[:_POOL]
            self._candidates, self._size = [best], len(best)
            self._least_shared = int(best[-1, 0])

    def listed(self, limit: int, positions: int) -> Matches:
        """The best that do not overlap a better one."""
        chosen: list[int] = []
        ranked = self._ranked()
        taken = np.zeros(positions + 1, np.bool_)
        for place, (_, _, begin, end) in enumerate(ranked.tolist()):
            if len(chosen) == limit:
                break
            if not taken[begin:end].any():
                taken[begin:end] = True
                chosen.append(place)
        shared, union, starts, stops = ranked[chosen].T
        return Matches(self._selection, starts, stops, shared, union, positions)

    def _ranked(self) -> Int:
        candidates = np.concatenate((np.empty((0, 4), np.int64), *self._candidates))
        shared, union, begin, end = candidates.T
        return candidates[np.lexsort((begin, begin - end, union, -shared))]


def _runs(
    values: Float | Iterable[Float], selection: Selection
) -> Iterator[tuple[NDArray[np.int8], Short, NDArray[np.bool_]]]:
    """Rows of the text: each unit's sign (n, H), since which position it has it, whether it then changes.

    A row comes when its successor is known, the last one of all with everything ending.
    """
    position = 0
    last: NDArray[np.int8] | None = None
    since: Short | None = None
    for rows in _pieces(values):
        signs = _signs(rows, selection.threshold, selection.negative)
        if last is None or since is None:
            last, since = signs[0], np.zeros(signs.shape[1], np.int32)
            signs, position = signs[1:], 1
        if not len(signs):
            continue
        changes = signs != np.concatenate((last[None], signs[:-1]))
        now = np.arange(position, position + len(signs), dtype=np.int32)
        begun = np.where(changes, now[:, None], np.int32(0))
        starts = np.maximum.accumulate(np.concatenate((since[None], begun)), axis=0)
        yield np.concatenate((last[None], signs[:-1])), starts[:-1], changes
        position += len(signs)
        last, since = signs[-1], starts[-1]
    if last is not None and since is not None:
        yield last[None], since[None], np.ones((1, len(last)), np.bool_)


def _pieces(values: Float | Iterable[Float]) -> Iterator[Float]:
    for stretch in [values] if isinstance(values, np.ndarray) else values:
        for start in range(0, len(stretch), _ROWS):
            yield stretch[start : start + _ROWS]


def _signs(values: Float, threshold: float, negative: bool) -> NDArray[np.int8]:
    """1 above the threshold, −1 below its negative where that counts, else 0."""
    signs = (values > threshold).astype(np.int8)
    if negative:
        signs -= values < -threshold
    return signs
