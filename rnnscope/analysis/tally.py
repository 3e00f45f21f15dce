"""Histograms of many units' values where features are on, and sums against features that are numbers.

All that a score needs of a text of any length is in fixed arrays. Of boolean features, positions are counted
by which of up to seven are on there, so that one count over (which are on, bin) serves all seven:

    counts (s, bin)  ──Σ over the s in which feature f is on──▶  on (f, bin)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
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

Float = NDArray[np.float32]

_TOGETHER = 7
"""Features counted at once."""
_COLUMNS = 64


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
        bins: Sequence[Tensor],
        is_on: Bools,
        numbers: Float,
        weights: NDArray[np.int64] | None = None,
    ) -> None:
        """Count n more positions: bins, whose (C, nᵢ) uint8 stand one after another, is_on (F, n), numbers
        (G, n), and how many positions each of them stands for.
        """
        n = sum(part.shape[1] for part in bins)
        each = np.ones(n, np.int64) if weights is None else weights
        with ThreadPoolExecutor(
            torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            for begin in range(0, max(1, len(is_on)), _TOGETHER):
                self._count(bins, is_on[begin : begin + _TOGETHER], begin, each, pool)
            if len(numbers):
                if not self._sums.any() and not self._squares.any():
                    self._ranks = ranks_of_bins(self.total)  # of the first positions, and kept from then on
                weighted = torch.from_numpy(np.ascontiguousarray((numbers * each).T.astype(np.float32)))
                _in_blocks(pool, self.total, partial(self._multiply, bins, weighted))
                self._sums += weighted.sum(dim=0, dtype=torch.float64).numpy()
                self._squares += np.einsum("gn,gn,n->g", numbers, numbers, each, dtype=np.float64)

    def _count(
        self, bins: Sequence[Tensor], group: Bools, first: int, weights: NDArray[np.int64], pool: Executor
    ) -> None:
        kinds = (1 << np.arange(len(group))) @ group.astype(np.int64) + (weights << len(group))
        combinations, which = np.unique(kinds, return_inverse=True)
        width = np.int16 if len(combinations) * BINS <= 1 << 15 else np.int32
        key = torch.from_numpy((which * BINS).astype(width))
        stands_for = combinations >> len(group)
        has = (combinations >> np.arange(len(group))[:, None]) & 1
        # The first row has all combinations: it counts every position.
        rows = np.concatenate([np.ones_like(stands_for)[None], has]) * stands_for
        _in_blocks(
            pool, self.total, partial(self._count_block, bins, key, torch.from_numpy(rows).float(), first)
        )

    def _count_block(
        self, bins: Sequence[Tensor], key: Tensor, rows: Tensor, first: int, columns: slice
    ) -> None:
        size = rows.shape[1] * BINS
        keys = torch.empty(len(self.total[columns]), len(key), dtype=key.dtype)
        for at, part in _placed(bins):
            torch.add(part[columns], key[at], out=keys[:, at])
        counts = torch.empty(len(keys), size)
        for row, column in zip(counts, keys, strict=True):
            row.copy_(torch.bincount(column, minlength=size))
        found = torch.matmul(rows, counts.view(len(keys), -1, BINS)).int().numpy()
        if first == 0:
            self.total[columns] += found[:, 0]
        self.on[columns, first : first + len(rows) - 1] += found[:, 1:]

    def _multiply(self, bins: Sequence[Tensor], numbers: Tensor, columns: slice) -> None:
        gathered = torch.cat([part[columns] for part in bins], dim=1).numpy()
        values = np.empty(gathered.shape, np.float32)
        for row, ranks, found in zip(gathered, self._ranks[columns], values, strict=True):
            np.take(ranks, row, out=found, mode="clip")  # no bin is beyond: to clip is faster than to check
        self._products[columns] += (torch.from_numpy(values) @ numbers).numpy()

    def areas(self) -> Doubles:
        """(C, F): the AUC of every column for every boolean."""
        found: Doubles = np.concatenate(
            [auc_of_counts(self.on[part], self.total[part, None] - self.on[part]) for part in self._parts()]
        )
        return found

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


def _in_blocks(pool: Executor, columns: NDArray[np.int64], work: Callable[[slice], None]) -> None:
    """Do the columns, some at a time, on all threads: what is done waits for no other Python."""
    blocks = [slice(first, first + _COLUMNS) for first in range(0, len(columns), _COLUMNS)]
    for _ in pool.map(work, blocks):
        pass


def _placed(bins: Sequence[Tensor]) -> Iterator[tuple[slice, Tensor]]:
    """Where each part stands among all positions."""
    first = 0
    for part in bins:
        yield slice(first, first + part.shape[1]), part
        first += part.shape[1]
