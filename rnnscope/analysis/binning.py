"""From a unit's values to 256 bins, which follow its own distribution in a few straight pieces:

    bin(x) = Σ_k slope_k · clip(x, knot_k, knot_{k+1})

so that a spike has as many bins as a tail.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.statistics import BINS, Doubles

_SLICE = 1 << 17
"""Values that are binned at once."""
_PIECES = 7
_MARKS = 128
"""Order statistics among which the knots are chosen."""


class _Scratch(threading.local):
    """Each thread's room for what it works out on the way to bins: memory is slow to get."""

    _floats = torch.empty(0)
    _bytes = np.empty(0, np.uint8)

    def room(self, size: int, columns: int) -> tuple[Tensor, NDArray[np.uint8]]:
        """Three times (size, columns), and once in bytes, in rows of no power of two, whose lines collide."""
        wide = columns + 64
        if self._floats.numel() < 3 * size * columns or self._bytes.size < size * wide:
            self._floats = torch.empty(3 * size * columns)
            self._bytes = np.empty(size * wide, np.uint8)
        floats = self._floats[: 3 * size * columns].view(3, size, columns)
        return floats, self._bytes[: size * wide].reshape(size, wide)


_SCRATCH = _Scratch()


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
        (picked, sums, clipped), small = _SCRATCH.room(size, columns)
        turned = bins.numpy()
        pieces = list(zip(self.lower, self.upper, self.slope, strict=True))
        for first in range(0, count, size):
            last = min(first + size, count)
            part = values[first:last]
            if rows is not None:
                part = torch.index_select(values, 0, rows[first:last], out=picked[: last - first])
            summed, piece = sums[: last - first], clipped[: last - first]
            before = self.offset
            for lower, upper, slope in pieces:
                torch.clamp(part, lower, upper, out=piece)
                before = torch.addcmul(before, piece, slope, out=summed)
            # numpy takes a quarter of torch's time to make bytes of them.
            rounded = small[: last - first, :columns]
            np.copyto(rounded, summed.clamp_(0, BINS - 1).numpy(), casting="unsafe")
            np.copyto(turned[:, first:last], rounded.T)


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
