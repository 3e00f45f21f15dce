"""Histograms of many units' values where features are on, and sums against features that are numbers.

All that a score needs of a text of any length is in fixed arrays. Of boolean features, positions are counted
by which of them are on there, so that one count over (which are on, bin) serves them all:

    counts (s, bin)  ──Σ over the s in which feature f is on──▶  on (f, bin)
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.statistics import (
    BINS,
    Bools,
    Doubles,
    auc_of_counts,
    average_precision_of_counts,
    ranks_of_bins,
)
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.cells.product import product

Float = NDArray[np.float32]

_MOST_KINDS = 96
"""Kinds of positions, by the features that are on there, that are told apart in one count."""
_COLUMNS = 64
_SLICE = 2048
"""Positions whose ranks stay in the processor's cache."""


class Tally:
    """What has been counted of C columns (one quantity of one unit each) for F booleans and G numbers."""

    def __init__(self, columns: int, booleans: int, numbers: int) -> None:
        self.total = np.zeros((columns, BINS), np.int64)
        self.on = np.zeros((columns, booleans, BINS), np.int32)
        self._ranks = np.zeros((columns, BINS), np.float32)
        self._products = np.zeros((columns, numbers), np.float64)
        self._sums = np.zeros(numbers, np.float64)
        self._squares = np.zeros(numbers, np.float64)

    @property
    def positions(self) -> int:
        return int(self.total[0].sum()) if len(self.total) else 0

    def add(
        self,
        bins: Tensor,
        is_on: Bools,
        numbers: Float,
        weights: NDArray[np.int64] | None = None,
        *,
        should_stop: Stop | None = None,
    ) -> None:
        """Count n more positions: bins (C, n) uint8, is_on (F, n), numbers (G, n), and how many positions
        each of them stands for. Raises Stopped, and is then of no use.
        """
        each = np.ones(bins.shape[1], np.int64) if weights is None else weights
        with ThreadPoolExecutor(
            torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            run = _Blocks(pool, len(self.total), should_stop)
            self._count(bins, is_on, 0, each, run)
            if len(numbers):
                if not self._sums.any() and not self._squares.any():
                    self._ranks = ranks_of_bins(self.total)  # of the first positions, and kept from then on
                weighted = torch.from_numpy((numbers * each).astype(np.float32))
                run(partial(self._multiply, bins, weighted))
                self._sums += weighted.sum(dim=1, dtype=torch.float64).numpy()
                self._squares += np.einsum("gn,gn,n->g", numbers, numbers, each, dtype=np.float64)

    def _count(
        self, bins: Tensor, group: Bools, first: int, weights: NDArray[np.int64], run: _Blocks
    ) -> None:
        """Count all at once or, where that makes too many kinds, one half of the features and the other."""
        on = np.packbits(group, axis=0) if len(group) else np.zeros((1, len(weights)), np.uint8)
        kinds, which = np.unique(np.stack([*on, weights]), axis=1, return_inverse=True)
        if kinds.shape[1] > _MOST_KINDS and len(group) > 1:
            middle = len(group) // 2
            self._count(bins, group[:middle], first, weights, run)
            self._count(bins, group[middle:], first + middle, weights, run)
            return
        stands_for = kinds[-1]
        has = np.unpackbits(kinds[:-1].astype(np.uint8), axis=0, count=len(group))
        # The first row has all kinds: it counts every position.
        rows = np.concatenate([np.ones_like(stands_for)[None], has]) * stands_for
        width = np.int16 if len(stands_for) * BINS <= 1 << 15 else np.int32
        key = torch.from_numpy((which.ravel() * BINS).astype(width))
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

    def _multiply(self, bins: Tensor, numbers: Tensor, columns: slice) -> None:
        gathered, ranks = bins[columns].numpy(), self._ranks[columns]
        values = np.empty((len(gathered), _SLICE), np.float32)
        for start in range(0, gathered.shape[1], _SLICE):
            part = gathered[:, start : start + _SLICE]
            taken = values[:, : part.shape[1]]
            for each, found, out in zip(ranks, part, taken, strict=True):
                np.take(each, found, out=out, mode="clip")  # no bin is beyond: faster than to check
            found = product(torch.from_numpy(taken), numbers[:, start : start + _SLICE])
            self._products[columns] += found.numpy()

    def areas(self, should_stop: Stop | None = None) -> Doubles:
        """(C, F): the AUC of every column for every boolean. Raises Stopped."""
        found = []
        for part in self._parts():
            heed(should_stop)
            found.append(auc_of_counts(self.on[part], self.total[part, None] - self.on[part]))
        return np.concatenate(found)

    def areas_of(self, column: int) -> Doubles:
        """(F,): of one column."""
        return auc_of_counts(self.on[column], self.total[column] - self.on[column])

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
        n = max(1, self.positions)
        sums = np.einsum("cb,cb->c", self.total, self._ranks, dtype=np.float64)
        squares = (
            np.einsum("cb,cb,cb->c", self.total, self._ranks, self._ranks, dtype=np.float64) - sums**2 / n
        )
        of_numbers = self._squares - self._sums**2 / n
        shared = self._products - sums[:, None] * self._sums / n
        lengths = np.sqrt(np.maximum(squares, 0)[:, None] * np.maximum(of_numbers, 0))
        found: Doubles = np.divide(shared, lengths, out=np.zeros_like(shared), where=lengths > 1e-9)
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

    pool: Executor
    columns: int
    should_stop: Stop | None

    def __call__(self, work: Callable[[slice], None]) -> None:
        for _ in self.pool.map(partial(self._unless_stopped, work), range(0, self.columns, _COLUMNS)):
            pass

    def _unless_stopped(self, work: Callable[[slice], None], first: int) -> None:
        heed(self.should_stop)
        work(slice(first, first + _COLUMNS))
