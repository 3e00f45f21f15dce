"""Histograms of many units' values where features are on, and sums against features that are numbers.

All that a score needs of a text of any length is in fixed arrays. Of boolean features, positions are counted
by which of up to seven are on there, so that one count over (which are on, bin) serves all seven:

    counts (s, bin)  ──Σ over the s in which feature f is on──▶  on (f, bin)
"""

from __future__ import annotations

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
)

Float = NDArray[np.float32]

_TOGETHER = 7
"""Features counted at once: 2^7 combinations times 256 bins are numbers of 16 bits."""
_COLUMNS = 64


class Tally:
    """What has been counted of C columns (one quantity of one unit each) for F booleans and G numbers."""

    def __init__(self, columns: int, booleans: int, numbers: int) -> None:
        self.total = np.zeros((columns, BINS), np.int64)
        self.on = np.zeros((columns, booleans, BINS), np.int32)
        self._products = np.zeros((columns, numbers), np.float64)
        self._sums = np.zeros(numbers, np.float64)
        self._squares = np.zeros(numbers, np.float64)

    @property
    def positions(self) -> int:
        return int(self.total[0].sum()) if len(self.total) else 0

    def add(self, bins: Tensor, is_on: Bools, numbers: Float) -> None:
        """Count n more positions: bins (C, n) uint8, is_on (F, n), numbers (G, n)."""
        for begin in range(0, max(1, len(is_on)), _TOGETHER):
            self._count(bins, is_on[begin : begin + _TOGETHER], begin)
        if len(numbers):
            columns = torch.from_numpy(np.ascontiguousarray(numbers.T))
            values = torch.empty(_COLUMNS, bins.shape[1])
            for begin in range(0, len(bins), _COLUMNS):
                part = bins[begin : begin + _COLUMNS]
                products = values[: len(part)].copy_(part) @ columns
                self._products[begin : begin + _COLUMNS] += products.numpy()
            self._sums += numbers.sum(axis=1, dtype=np.float64)
            self._squares += np.einsum("gn,gn->g", numbers, numbers, dtype=np.float64)

    def _count(self, bins: Tensor, group: Bools, first: int) -> None:
        weights = 1 << np.arange(len(group))
        combinations, which = np.unique(weights @ group.astype(np.int64), return_inverse=True)
        key = torch.from_numpy((which * BINS).astype(np.int16))
        has = torch.from_numpy(((combinations & weights[:, None]) > 0).astype(np.float32))  # (f, s)
        size = len(combinations) * BINS
        keys = torch.empty(_COLUMNS, bins.shape[1], dtype=torch.int16)
        counts = torch.empty(_COLUMNS, size)
        for begin in range(0, len(bins), _COLUMNS):
            columns = slice(begin, begin + _COLUMNS)
            part = bins[columns]
            torch.add(part, key, out=keys[: len(part)])
            for row, column in zip(counts, keys[: len(part)], strict=False):
                row.copy_(torch.bincount(column, minlength=size))
            by_combination = counts[: len(part)].view(len(part), len(combinations), BINS)
            if first == 0:
                self.total[columns] += by_combination.sum(dim=1).long().numpy()
            if len(group):
                found = torch.matmul(has, by_combination)
                self.on[columns, first : first + len(group)] += found.int().numpy()

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
        """(C, G): the correlation of every column's bins, which are nearly its ranks, with every number."""
        n = max(1, self.positions)
        bins = np.arange(BINS)
        sums = self.total @ bins
        squares = self.total @ bins**2 - sums**2 / n
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
