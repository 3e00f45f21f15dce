"""Histograms of many units' values where features are on, and sums against features that are numbers.

All that a score needs of a text of any length is in fixed arrays. Of boolean features, positions are counted
by which of them are on there, so that one count over (which are on, bin) serves them all:

    counts (s, bin)  ──Σ over the s in which feature f is on──▶  on (f, bin)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.control import Control
from rnnscope.analysis.statistics import (
    BINS,
    Bools,
    Doubles,
    auc_of_counts,
    average_precision_of_counts,
    ranks_of_bins,
)
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.analysis.threads import Threads
from rnnscope.network.cells.product import product

Float = NDArray[np.float32]

_MOST_KINDS = 96
"""Kinds of positions, by the features that are on there, that are told apart in one count."""
_MOST_BITS = 48
"""Features that have a bit each in the number of a kind, below its weight."""
_COLUMNS = 64
_SLICE = 2048
"""Positions whose ranks stay in the processor's cache."""


class Tally:
    """What has been counted of C columns (one quantity of one unit each) for F booleans and G numbers."""

    def __init__(self, columns: int, booleans: int, numbers: int) -> None:
        self.total = np.zeros((columns, BINS), np.int64)
        self.on = np.zeros((columns, booleans, BINS), np.int32)
        self._ranks = np.zeros((columns, BINS), np.float32)
        self._ranked = 0.0
        """How many positions the sums below are over; each of a sample may stand for some."""
        self._products = np.zeros((columns, numbers), np.float64)
        self._of_ranks = np.zeros((2, columns), np.float64)
        self._of_numbers = np.zeros((2, numbers), np.float64)
        """Sums, and sums of squares."""
        self.control: Control | None = None
        """What of a thinned text tells how far the counts are off."""

    @property
    def positions(self) -> int:
        return int(self.total[0].sum()) if len(self.total) else 0

    def add(
        self,
        bins: Tensor,
        is_on: Bools,
        numbers: Float,
        weights: NDArray[np.int64] | None = None,
        sample: NDArray[np.int64] | None = None,
        *,
        threads: Threads,
        should_stop: Stop | None = None,
    ) -> None:
        """Count n more positions: bins (C, n) uint8, is_on (F, n), numbers (G, n), and how many positions
        each of them stands for (n,).

        Of numbers a `sample` (n,) may be enough: how many positions each stands for there, where it is not 0.
        Raises Stopped, and is then of no use.
        """
        each = np.ones(bins.shape[1], np.int64) if weights is None else weights
        run = _Blocks(threads, len(self.total), should_stop)
        self._count(bins, is_on, 0, each, run)
        if len(numbers):
            self._rank(bins, numbers, each if sample is None else sample, run)

    def _count(
        self, bins: Tensor, group: Bools, first: int, weights: NDArray[np.int64], run: _Blocks
    ) -> None:
        """Count all at once or, where that makes too many kinds, one half of the features and the other."""
        bits = np.arange(len(group))[:, None]
        if len(group) <= _MOST_BITS:
            codes = weights << len(group)
            for bit, on in enumerate(group):
                codes |= on.astype(np.int64) << bit
            kinds, which = np.unique(codes, return_inverse=True)
        if len(group) > _MOST_BITS or (len(kinds) > _MOST_KINDS and len(group) > 1):
            middle = len(group) // 2
            self._count(bins, group[:middle], first, weights, run)
            self._count(bins, group[middle:], first + middle, weights, run)
            return
        # The first row has all kinds: it counts every position.
        stands_for = kinds >> len(group)
        rows = np.concatenate([np.ones((1, len(kinds)), np.int64), kinds >> bits & 1]) * stands_for
        width = np.int16 if len(kinds) * BINS <= 1 << 15 else np.int32
        key = torch.from_numpy((which * BINS).astype(width))
        run(partial(self._count_block, bins, key, torch.from_numpy(rows).float(), first))

    def _count_block(self, bins: Tensor, key: Tensor, rows: Tensor, first: int, columns: slice) -> None:
        size = rows.shape[1] * BINS
        placed = torch.empty_like(key)
        counts = torch.empty(len(self.total[columns]), size)
        for row, column in zip(counts, bins[columns], strict=True):
            row.copy_(torch.bincount(placed.copy_(column).add_(key), minlength=size))
        found = torch.matmul(rows, counts.view(len(counts), -1, BINS)).int().numpy()
        if first == 0:
            self.total[columns] += found[:, 0]
        self.on[columns, first : first + len(rows) - 1] += found[:, 1:]

    def _rank(self, bins: Tensor, numbers: Float, weights: NDArray[np.int64], run: _Blocks) -> None:
        if not self._ranked:
            self._ranks = ranks_of_bins(self.total)  # of the first positions, and kept from then on
        at = np.flatnonzero(weights)
        few = numbers[:, at]
        counted = weights[at].astype(np.float32)
        rows = torch.from_numpy(np.concatenate([few * counted, counted[None]]))
        run(partial(self._multiply, bins, None if len(at) == bins.shape[1] else torch.from_numpy(at), rows))
        self._ranked += float(counted.sum(dtype=np.float64))
        self._of_numbers[0] += np.einsum("gn,n->g", few, counted, dtype=np.float64)
        self._of_numbers[1] += np.einsum("gn,gn,n->g", few, few, counted, dtype=np.float64)

    def _multiply(self, bins: Tensor, at: Tensor | None, rows: Tensor, columns: slice) -> None:
        """Add up ranks times each of the rows (G + 1, m), whose last has how much each position counts."""
        ranks = torch.from_numpy(self._ranks[columns])
        chosen = torch.empty(len(ranks), _SLICE, dtype=torch.int64)
        values = torch.empty(len(ranks), _SLICE)
        for start in range(0, rows.shape[1], _SLICE):
            stop = min(start + _SLICE, rows.shape[1])
            part = bins[columns, start:stop] if at is None else bins[columns, at[start:stop]]
            ranked = values[:, : stop - start]
            torch.gather(ranks, 1, chosen[:, : stop - start].copy_(part), out=ranked)
            sums = product(ranked, rows[:, start:stop]).numpy()
            self._products[columns] += sums[:, :-1]
            self._of_ranks[0, columns] += sums[:, -1]
            self._of_ranks[1, columns] += product(ranked.square_(), rows[-1:, start:stop]).numpy()[:, 0]

    def move(self, columns: NDArray[np.int64], borders: Doubles) -> None:
        """Move the counts of some columns into other bins: (c, 257) where the borders of the old ones are
        among the new. What is in a bin is spread evenly over the new ones that it covers.
        """
        for column, border in zip(columns.tolist(), borders, strict=True):
            for counts in (self.total[column], *self.on[column]):
                below = np.interp(np.arange(1, BINS), border, np.append(0, np.cumsum(counts)))
                counts[:] = np.diff(np.rint(below), prepend=0, append=counts.sum())
        self._ranks[columns] = ranks_of_bins(self.total[columns])

    def areas(self, should_stop: Stop | None = None) -> Doubles:
        """(C, F): the AUC of every column for every boolean. Raises Stopped."""
        found = []
        for part in self._parts():
            heed(should_stop)
            found.append(self._areas(part))
        return np.concatenate(found)

    def areas_of(self, column: int) -> Doubles:
        """(F,): of one column."""
        found: Doubles = self._areas(slice(column, column + 1))[0]
        return found

    def _areas(self, part: slice) -> Doubles:
        found = auc_of_counts(self.on[part], self.total[part, None] - self.on[part])
        if self.control is not None:
            found += self.control.areas(part)
        return found.clip(0, 1)

    def spread(self) -> Doubles:
        """(C,) the standard deviation of every column's bins, as ranks from 0 to 1."""
        bins, n = np.arange(BINS) / BINS, np.maximum(1, self.total.sum(axis=1))
        found: Doubles = np.sqrt(np.maximum(self.total @ bins**2 / n - (self.total @ bins / n) ** 2, 0))
        return found

    def slack(self) -> Doubles:
        """(C, F): how far an AUC may be from the one without bins, should each bin be perfectly sorted."""
        found = []
        for part in self._parts():
            on = self.on[part].astype(np.float64)
            off = self.total[part, None] - on
            pairs = on.sum(axis=-1) * off.sum(axis=-1)
            found.append(np.einsum("cfb,cfb->cf", on, off) / 2 / np.maximum(pairs, 1))
        return np.concatenate(found)

    def correlations(self) -> Doubles:
        """(C, G): the correlation of every column's ranks, by bins, with every number."""
        n = max(1.0, self._ranked)
        (of_ranks, ranks_squared), (of_numbers, numbers_squared) = self._of_ranks / n, self._of_numbers / n
        shared = self._products / n - of_ranks[:, None] * of_numbers
        if self.control is None:
            spread, numbers = ranks_squared - of_ranks**2, numbers_squared - of_numbers**2
        else:  # of the same positions as what is put right
            shared += self.control.covariances()
            spread, numbers = self._variances(), self.control.many.variances()
        lengths = np.sqrt(np.maximum(spread, 0)[:, None] * np.maximum(numbers, 0))
        found: Doubles = np.divide(shared, lengths, out=np.zeros_like(shared), where=lengths > 1e-9)
        return found.clip(-1, 1)

    def _variances(self) -> Doubles:
        """(C,) of every column's ranks."""
        shares, ranks = self.total / max(1, self.positions), self._ranks.astype(np.float64)
        found: Doubles = (shares * ranks**2).sum(axis=1) - (shares * ranks).sum(axis=1) ** 2
        return found

    def average_precision(self, column: int, boolean: int, *, rising: bool) -> float:
        """Of one column; `rising` says that high values are for on."""
        on = self.on[column, boolean].astype(np.int64)
        off = self.total[column] - on
        return (
            average_precision_of_counts(on, off)
            if rising
            else average_precision_of_counts(on[::-1], off[::-1])
        )

    def _parts(self) -> list[slice]:
        return [slice(first, first + 4 * _COLUMNS) for first in range(0, len(self.total), 4 * _COLUMNS)]


@dataclass(frozen=True)
class _Blocks:
    """Does work for all columns, some at a time, on all threads: what is done waits for no other Python."""

    threads: Threads
    columns: int
    should_stop: Stop | None

    def __call__(self, work: Callable[[slice], None]) -> None:
        self.threads.each(partial(self._unless_stopped, work), range(0, self.columns, _COLUMNS))

    def _unless_stopped(self, work: Callable[[slice], None], first: int) -> None:
        heed(self.should_stop)
        work(slice(first, first + _COLUMNS))
