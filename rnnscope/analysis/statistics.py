"""How well one number tells a feature: AUC, average precision and Spearman's correlation, exact and binned.

    AUC        the chance that a position where the feature is on has the higher value; a tie counts half.
               With r the ranks 1 … n (ties share their mean) it is (mean r where on − (n₊ + 1)/2) / n₋.
    AP         Σ (recall_k − recall_{k−1}) · precision_k over falling thresholds; for features that are rare.
    Spearman   the correlation of ranks.

For texts that do not fit in memory every unit has a histogram of 256 bins; two values in one bin count as a
tie. The bins follow the unit's own distribution, in a few straight pieces:

    bin(x) = Σ_k slope_k · clip(x, knot_k, knot_{k+1})        so that a spike has as many bins as a tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Float = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

BINS = 256

_SLICE = 1 << 16
"""Values that are binned at once."""
_PIECES = 6
_MARKS = 128
"""Order statistics among which the knots are chosen."""


def auc(values: NDArray[Any], is_on: Bools) -> float:
    """Area under the ROC curve of `values` (n,) for `is_on` (n,); ½ where either class is empty."""
    return float(auc_of_ranks(centred_ranks(values[None].astype(np.float64)), is_on[:, None])[0, 0])


def spearman(values: NDArray[Any], numbers: NDArray[Any]) -> float:
    """Spearman's rank correlation of two (n,) arrays; 0 where one of them is constant."""
    ours = centred_ranks(values[None].astype(np.float64))
    theirs = centred_ranks(numbers[None].astype(np.float64))
    return float(correlation(ours, theirs.T)[0, 0])


def average_precision(values: NDArray[Any], is_on: Bools) -> float:
    """Average precision of `values` (n,) for `is_on` (n,); equal values are one threshold."""
    order = np.argsort(-values, kind="stable")
    falling, hits = values[order], np.cumsum(is_on[order])
    last_of_tie = np.append(falling[1:] != falling[:-1], True)
    hits, taken = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    if not len(hits) or not hits[-1]:
        return 0.0
    return float(np.sum(np.diff(hits, prepend=0) / hits[-1] * (hits / taken)))


def centred_ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Each row's ranks (C, n), of its own type, moved and scaled to −½ … ½; ties share their mean."""
    n = values.shape[1]
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    is_tied = ordered[:, 1:] == ordered[:, :-1]
    places = np.broadcast_to(np.arange(n, dtype=values.dtype), values.shape)
    if tied := np.flatnonzero(is_tied.any(axis=1)).tolist():
        places = places.copy()
        for row in tied:
            firsts = np.flatnonzero(np.append(True, ~is_tied[row]))
            lengths = np.diff(np.append(firsts, n))
            places[row] = np.repeat(firsts + (lengths - 1) / 2, lengths)
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, places, axis=1)
    ranks -= (n - 1) / 2
    ranks /= n
    return ranks


def auc_of_ranks(ranks: NDArray[Any], is_on: Bools) -> Doubles:
    """(C, F): AUC of every row of centred ranks (C, n) for every column of `is_on` (n, F)."""
    n = ranks.shape[1]
    on = is_on.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (ranks @ is_on.astype(ranks.dtype)) / on
        areas: Doubles = 0.5 + mean * (n / (n - on))  # centred ranks have the mean 0 over all
    areas[:, (on == 0) | (on == n)] = 0.5
    return areas


def correlation(ranks: NDArray[Any], numbers: NDArray[Any]) -> Doubles:
    """(C, F): Pearson's correlation of centred rows (C, n) and columns (n, F) whose means are 0."""
    lengths = np.sqrt(np.einsum("cn,cn->c", ranks, ranks, dtype=np.float64))[:, None]
    lengths = lengths * np.sqrt(np.einsum("nf,nf->f", numbers, numbers, dtype=np.float64))
    products = (ranks @ numbers.astype(ranks.dtype)).astype(np.float64)
    found: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found


@dataclass(frozen=True)
class Binning:
    """From values to bins 0 … 255, each of the C units by its own knots."""

    lower: Tensor
    """(K, C) where each straight piece begins."""
    upper: Tensor
    slope: Tensor
    offset: Tensor
    """(C,)"""

    @classmethod
    def of(cls, sample: Tensor) -> Binning:
        """Bins for values distributed about as `sample` (n, C) is; what is beyond it falls in the last."""
        ordered = np.sort(sample.t().contiguous().numpy(), axis=1)  # many times as fast as torch's
        at = np.linspace(0, len(sample) - 1, _MARKS + 1).round().astype(np.int64)
        values = ordered[:, at].astype(np.float64)
        knots = _knots(values)
        at_knots = torch.from_numpy(np.take_along_axis(values, knots, axis=1).T)
        lower, upper = at_knots[:-1], at_knots[1:]
        shares = torch.from_numpy(np.diff(knots, axis=1).T * ((BINS - 1) / _MARKS))
        width = upper - lower
        # A piece without width is one value: its bins are left empty, and what is beside it is told apart.
        slope = torch.where(width > 0, shares / width.clamp(min=1e-30), 0.0)
        offset = 0.5 - (slope * lower).sum(dim=0)
        # Rows that lie together, along which a processor clips many units at once.
        return cls(*(part.float().contiguous() for part in (lower, upper, slope, offset)))

    def fill(self, bins: Tensor, values: Tensor, rows: Tensor | None = None) -> None:
        """Fill bins (C, n) uint8 from values (n, C) float32, or from n of their rows.

        In slices that stay in the processor's cache, and turned there too.
        """
        count, columns = bins.shape[1], bins.shape[0]
        size = max(1, _SLICE // columns)
        picked, sums, clipped = (values.new_empty(size, columns) for _ in range(3))
        small = torch.empty(size, columns + 64, dtype=torch.uint8)  # no power of two, whose lines collide
        turned = bins.numpy()
        pieces = list(zip(self.lower, self.upper, self.slope, strict=True))
        for first in range(0, count, size):
            last = min(first + size, count)
            part = values[first:last]
            if rows is not None:
                part = torch.index_select(values, 0, rows[first:last], out=picked[: last - first])
            summed, piece, rounded = (room[: last - first] for room in (sums, clipped, small))
            before = self.offset
            for lower, upper, slope in pieces:
                torch.clamp(part, lower, upper, out=piece)
                before = torch.addcmul(before, piece, slope, out=summed)
            rounded[:, :columns] = summed.clamp_(0, BINS - 1)
            np.copyto(turned[:, first:last], rounded.numpy()[:, :columns].T)


def _knots(values: Doubles) -> NDArray[np.int64]:
    """(C, pieces + 1): which of the evenly spaced order statistics (C, n) are knots, so that straight pieces
    between them come near the distribution: each knot is where those before it are furthest off.
    """
    columns, n = values.shape
    ranks = np.arange(n)
    knots = np.tile([0, n - 1], (columns, 1))
    for _ in range(_PIECES - 1):
        off = np.zeros_like(values)
        for first, last in zip(knots.T[:-1, :, None], knots.T[1:, :, None], strict=True):
            low, high = (np.take_along_axis(values, knot, axis=1) for knot in (first, last))
            share = (values - low) / np.where(high > low, high - low, 1.0)
            straight = first + share * (last - first)
            off = np.where((ranks > first) & (ranks < last), np.abs(ranks - straight), off)
        knots = np.sort(np.concatenate([knots, off.argmax(axis=1)[:, None]], axis=1), axis=1)
    return knots


def auc_of_counts(on: NDArray[Any], off: NDArray[Any]) -> Doubles:
    """(…): AUC from histograms (…, bins) of the values where a feature is on and where it is off."""
    off = off.astype(np.float64)
    below = np.cumsum(off, axis=-1) - off / 2
    pairs = on.sum(axis=-1, dtype=np.float64) * off.sum(axis=-1)
    won = np.einsum("...b,...b->...", on, below, dtype=np.float64)
    areas: Doubles = np.divide(won, pairs, out=np.full_like(pairs, 0.5), where=pairs > 0)
    return areas


def average_precision_of_counts(on: NDArray[Any], off: NDArray[Any]) -> float:
    """Average precision from two histograms (bins,); a bin is one threshold."""
    hits, taken = np.cumsum(on[::-1]), np.cumsum((on + off)[::-1])
    if not hits[-1]:
        return 0.0
    precision = np.divide(hits, taken, out=np.zeros(len(hits)), where=taken > 0)
    return float(np.sum(on[::-1] / hits[-1] * precision))


def ranks_of_bins(counts: NDArray[np.int64]) -> Float:
    """The mean rank (C, bins) of what is in each bin of histograms (C, bins), moved and scaled to −½ … ½."""
    below = np.cumsum(counts, axis=1) - counts / 2
    ranks: Doubles = below / np.maximum(counts.sum(axis=1, keepdims=True), 1) - 0.5
    return ranks.astype(np.float32)
