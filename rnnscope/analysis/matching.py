"""Select and match: which units are active together over exactly one range of a text, and where else.

LSTMVis (Strobelt et al., arXiv 1606.07461, section 5):

    on        a unit is on at a position where its value is above the threshold τ or, with the other sign,
              below −τ
    selected  S: the units that are on at every position of [a, b), and at none of the l positions before it
              or the r positions after it
    match     for a range R let On(R) be the units that are on at every position of R. Ranges are ranked by
                 the largest |S ∩ On(R)|, then the smallest |S ∪ On(R)|, then the greatest length
    Jaccard   |S ∩ On(R)| / |S ∪ On(R)|

A range that could be extended and still share as many units is not a match: the longer one ranks above it. Of
two overlapping ranges only the higher-ranked is listed. A unit that was selected as strongly negative
matches only where it is strongly negative. LSTMVis reads only positive activations, as `positive_only` does.

Like LSTMVis, a query reads one layer by default.

Such a range ends where a shared unit turns off and begins where one turns on, so one pass finds all of them
if it tracks the position at which each unit turned on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.units import AUTO, check_layer, layer_values, quantity_of
from rnnscope.errors import OptionError
from rnnscope.text.display import counted

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

Float = NDArray[np.float32]
Int = NDArray[np.int64]
Short = NDArray[np.int32]

THRESHOLD = 0.3
LEAD = 12
"""Characters of a match's excerpt before the match."""

_WIDEST = 60
"""Characters of a match itself in its excerpt."""
_AFTER = 40
_LONGEST = 20_000
"""The maximum length of the selected range: its activations are in memory at once."""
_POOL = 1 << 17
"""The number of candidates kept; the result is exact as long as the listed ranges are among them."""
_ROWS = 256
"""Positions processed at once, so that their values stay in the cache of the processor."""
_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class MatchedUnit:
    """A selected unit. layer: from 1. unit: from 0. sign: 1 if it is above τ, −1 if it is below −τ."""

    layer: int
    unit: int
    sign: int


@dataclass(frozen=True)
class MatchedRange:
    """A range [start, stop) of the text at which some of the selected units are on together.

    shared: |S ∩ On|. union: |S ∪ On|. jaccard: their quotient. excerpt_start: the position of the first
    character of `text`, an excerpt with the beginning of the range and some characters around it.
    """

    start: int
    stop: int
    shared: int
    union: int
    jaccard: float
    excerpt_start: int
    text: str


@dataclass(frozen=True)
class MatchResult(Result):
    """The units that are on over exactly a range, and the other ranges at which they are on together.

    start, stop: the selected range [start, stop). text: its first characters. layer: from 1; 0 if all
    layers were read. quantity: the quantity that was read. threshold: τ. units: S. matches: best first; none
    overlaps the selected range. positions: the number of characters searched, 0 if S is empty.
    """

    start: int
    stop: int
    text: str
    layer: int
    quantity: str
    threshold: float
    units: tuple[MatchedUnit, ...]
    matches: tuple[MatchedRange, ...]
    positions: int


@dataclass(frozen=True)
class Match(Query[MatchResult]):
    """Match: other ranges at which the same units are active.

    A unit is selected if it is active over exactly the characters START .. STOP−1.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Match(start=100, stop=103))
        >>> best = result.matches[0]
        >>> best.shared <= len(result.units), result.text
        (True, ' tw')
    """

    name = "match"
    activity = "matching"
    example = "--start 100 --stop 112"

    start: int
    """The first character of the range; positions count from 0."""
    stop: int
    """The position after its last character."""
    threshold: float = THRESHOLD
    """A unit is active where its absolute value is above this threshold."""
    before: int = 1
    """Exclude units that are active at one of the N characters before the range; 0 keeps them."""
    after: int = 0
    """Exclude units that are active at one of the N characters after the range; 0 keeps them."""
    layer: int = 1
    """The layer whose units are read; 0 reads all layers together."""
    limit: int = 20
    """The number of matches to list."""
    quantity: str = AUTO
    """A recorded quantity, such as hidden or forget; auto is cell if the network has one, else hidden."""
    positive_only: bool = False
    """Ignore strongly negative values, as LSTMVis does."""
    characters: int = 0
    """Search only the first N characters of the text; 0 searches all."""

    def check(self, architecture: Architecture) -> None:
        if self.layer != 0:
            check_layer(architecture, self.layer)
        quantity_of(architecture, self.quantity)
        check_range("start", self.start, 0)
        check_range("stop", self.stop, self.start + 1, self.start + _LONGEST)
        check_range("threshold", self.threshold, 0, 1)
        check_range("before", self.before, 0, _LONGEST)
        check_range("after", self.after, 0, _LONGEST)
        check_range("limit", self.limit, 1, 1000)
        check_range("characters", self.characters, 0)

    def run(self, context: Context) -> MatchResult:
        quantity = quantity_of(context.architecture, self.quantity)
        layers = [self.layer] if self.layer else range(1, context.architecture.layers + 1)
        first = max(0, self.start - self.before)
        progress = context.progress.part(0.0, 0.0)
        trace = context.reader.trace(first, self.stop + self.after, progress)
        if first + len(trace) < self.stop:
            length = context.reader.length(progress)
            raise OptionError(
                f"the range {self.start:,}:{self.stop:,} ends after the text, "
                f"which has {counted(length, 'character')}"
            )
        around = np.concatenate([trace.shown(layer, quantity) for layer in layers], axis=1)
        selection = select(
            around,
            self.start - first,
            self.stop - first,
            threshold=self.threshold,
            before=self.before,
            after=self.after,
            negative=not self.positive_only,
        )
        selection = replace(selection, start=self.start, stop=self.stop)
        values: Iterable[Float] = ()
        if len(selection):
            values = layer_values(context, layers, quantity, self.characters)
        found = match(values, selection, limit=self.limit, exclude=(self.start, self.stop))
        size = context.architecture.hidden_size
        return match_result(self.layer, quantity, size, found, context.reader.read)


@dataclass(frozen=True, eq=False)
class Selection:
    """The units that are on over exactly [start, stop).

    units: (S,) columns of the values. signs: (S,) int8, 1 above τ, −1 below −τ. negative: whether strongly
    negative units are included.
    """

    start: int
    stop: int
    threshold: float
    units: Int
    signs: NDArray[np.int8]
    negative: bool

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True, eq=False)
class Matches:
    """Other ranges, best first; all arrays are (M,).

    starts, stops: the ranges [start, stop). shared: |S ∩ On|. union: |S ∪ On|. positions: the number of
    characters searched.
    """

    selection: Selection
    starts: Int
    stops: Int
    shared: Int
    union: Int
    positions: int

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """shared / union."""
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
    """The units that are on over exactly [start, stop) of `values` (T, H), as displayed (−1..1).

    before, after: the margins l and r; truncated at the ends of the text. Raises ValueError if
    [start, stop) is not a range of the values.
    """
    if not 0 <= start < stop <= len(values):
        raise ValueError(f"[{start}, {stop}) is not a range of {len(values)} positions")
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
    limit: int = 20,
    exclude: tuple[int, int] | None = None,
    pool: int = _POOL,
) -> Matches:
    """Rank the ranges of a text by the number of units they share with `selection`.

    values: (T, H), or an iterable of consecutive parts (n, H), of which one is in memory at a time.
    exclude: a range [a, b) that no match may overlap, such as the selection itself. pool: the number of
    candidates kept.
    """
    candidates = _Pool(selection, exclude, pool)
    positions = 0
    for signs, starts, ends in _runs(values, selection):
        candidates.add(signs, starts, ends, positions)
        positions += len(signs)
    return candidates.listed(limit, positions)


def match_result(
    layer: int, quantity: str, hidden_size: int, matches: Matches, read: Callable[[int, int], str]
) -> MatchResult:
    """Name the units, and read the text of the matches.

    layer: 0 if the columns of the values are the units of all layers. read: returns the characters
    start .. stop−1.
    """
    selection = matches.selection
    units = [
        MatchedUnit(layer or column // hidden_size + 1, column % hidden_size, sign)
        for column, sign in zip(selection.units.tolist(), selection.signs.tolist(), strict=True)
    ]
    ranges = []
    for start, stop, shared, union, jaccard in zip(
        matches.starts.tolist(),
        matches.stops.tolist(),
        matches.shared.tolist(),
        matches.union.tolist(),
        matches.jaccard.tolist(),
        strict=True,
    ):
        first = max(0, start - LEAD)
        text = read(first, min(stop, start + _WIDEST) + _AFTER)
        ranges.append(MatchedRange(start, stop, shared, union, jaccard, first, text))
    return MatchResult(
        selection.start,
        selection.stop,
        read(selection.start, min(selection.stop, selection.start + _WIDEST)),
        layer,
        quantity,
        selection.threshold,
        tuple(units),
        tuple(ranges),
        matches.positions,
    )


class _Pool:
    """The best candidates so far, in no order: arrays (N, 4) of shared, union, start, stop."""

    def __init__(self, selection: Selection, exclude: tuple[int, int] | None, most: int) -> None:
        self._selection = selection
        self._most = most
        self._exclude = exclude
        self._candidates: list[Int] = []
        self._size = 0
        self._least_shared = 1

    def add(self, signs: NDArray[np.int8], starts: Short, ends: NDArray[np.bool_], first: int) -> None:
        """Add the ranges that end within the rows; `first` is the position of the first row.

        signs, starts: (n, H) the sign of each unit, and the position since which it has that sign. ends: (n,
        H) whether the sign changes after the row.
        """
        units = self._selection.units
        is_on = signs[:, units] == self._selection.signs
        turns_off = is_on & ends[:, units]
        rows = np.flatnonzero(turns_off.any(axis=1) & (is_on.sum(axis=1) >= self._least_shared))
        if not len(rows):
            return
        # Sorted by start: a range from the k-th start shares k units; of equal starts the last counts.
        since = np.where(is_on[rows], starts[np.ix_(rows, units)], np.int32(_NEVER))
        first_to_end = np.where(turns_off[rows], since, np.int32(_NEVER)).min(axis=1, keepdims=True)
        since.sort(axis=1)
        is_last_equal = np.ones_like(since, dtype=np.bool_)
        is_last_equal[:, :-1] = since[:, :-1] != since[:, 1:]
        shared = np.arange(1, len(units) + 1)
        # The range must end here, so it contains a unit that turns off here and turned on no later.
        is_range = (
            (since != _NEVER) & is_last_equal & (since >= first_to_end) & (shared >= self._least_shared)
        )
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
        if self._size > 2 * self._most:
            best = self._ranked()[: self._most]
            self._candidates, self._size = [best], len(best)
            self._least_shared = int(best[-1, 0])

    def listed(self, limit: int, positions: int) -> Matches:
        """The best candidates that do not overlap a better one."""
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
    """Rows of the text: the sign of each unit (n, H), its start position, and whether it changes next.

    A row is yielded once its successor is known; after the last row of the text every sign changes.
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
    """1 above the threshold, −1 below its negative if `negative`, else 0."""
    signs = (values > threshold).astype(np.int8)
    if negative:
        signs -= values < -threshold
    return signs
