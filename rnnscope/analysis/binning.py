"""From a unit's values to 256 bins, which follow its own distribution in a few straight pieces:

    bin(x) = Σ_k slope_k · clip(x, knot_k, knot_{k+1})

so that a spike has as many bins as a tail. The distribution is that of a sample; of a unit that then moves
somewhere else the bins are laid out anew.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.statistics import BINS, Doubles

_SLICE = 1 << 18
"""Values that are binned at once."""
_MARKS = 128
"""Order statistics among which the knots are chosen."""
_PIECES = 9
_STEEP = 2.0**17
"""Bins away from 0 that a rounding of is a hundredth of a bin."""
_GLANCE = 256
_BEYOND = 0.04
_CROWDED = 0.35
_DISTINCT = 0.25
"""Bins no longer suit where so many values lie beyond them, or spread so much less than they did though so
many of them differ."""


class _Scratch(threading.local):
    """Each thread's room for what it works out on the way to bins: memory is slow to get."""

    _floats = torch.empty(0)
    _bytes = np.empty(0, np.uint8)

    def floats(self, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
        """Three times (rows, columns)."""
        if self._floats.numel() < 3 * rows * columns:
            self._floats = torch.empty(3 * rows * columns)
        picked, sums, clipped = self._floats[: 3 * rows * columns].view(3, rows, columns)
        return picked, sums, clipped

    def bytes(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """(rows, columns), in rows of no power of two, whose lines collide."""
        wide = columns + 64
        if self._bytes.size < rows * wide:
            self._bytes = np.empty(rows * wide, np.uint8)
        return self._bytes[: rows * wide].reshape(rows, wide)[:, :columns]


_SCRATCH = _Scratch()


def slices(rows: int, columns: int) -> list[slice]:
    """Rows of so many columns in equal parts that stay in the processor's cache."""
    parts = max(1, -(-rows * columns // _SLICE))
    return [slice(rows * part // parts, rows * (part + 1) // parts) for part in range(parts)]


def turn(bins: Tensor, binned: Tensor) -> None:
    """Fill bins (C, n) uint8 from as many (n, C) float32, whose fractions are cut off."""
    # numpy takes a quarter of torch's time to make bytes of them.
    small = _SCRATCH.bytes(*binned.shape)
    np.copyto(small, binned.numpy(), casting="unsafe")
    np.copyto(bins.numpy(), small.T)


@dataclass(frozen=True)
class Binning:
    """From values to bins 0 … 255, each of the C units by its own knots."""

    centre: Tensor
    """(C,) what is subtracted first, or a gate that hardly moves would be lost in rounding."""
    lower: Tensor
    """(K, C) where each straight piece begins."""
    upper: Tensor
    slope: Tensor
    marks: NDArray[np.float32]
    """(C, marks + 1) evenly spaced order statistics of the sample."""

    @classmethod
    def of(cls, sample: Tensor) -> Binning:
        """Bins for values distributed about as `sample` (n, C) is; what is beyond it falls in the last."""
        ordered = np.sort(sample.t().contiguous().numpy(), axis=1)  # many times as fast as torch's
        at = np.linspace(0, len(sample) - 1, _MARKS + 1).round().astype(np.int64)
        marks = ordered[:, at]
        values = marks.astype(np.float64)
        knots = _knots(values)
        at_knots = torch.from_numpy(np.take_along_axis(values, knots, axis=1).T)
        lower, upper = at_knots[:-1], at_knots[1:]
        shares = torch.from_numpy(np.diff(knots, axis=1).T * ((BINS - 1) / _MARKS))
        width = upper - lower
        # A piece without width is one value: its bins are left empty, and what is beside it is told apart.
        slope = torch.where(width > 0, shares / width.clamp(min=1e-30), 0.0)
        centre = at_knots.mean(dim=0).float().double()
        # Rows that lie together, along which a processor clips many units at once.
        lower, upper, slope = (each.float().contiguous() for each in (lower - centre, upper - centre, slope))
        return cls(centre.float(), lower, upper, slope, marks)

    def of_values(self, values: Tensor, rows: Tensor | None = None) -> Tensor:
        """The bins (n, C), ½ … 255½ in float32, of values (n, C) or of n of their rows: as many as stay in
        the processor's cache. They are overwritten by what this thread asks for next.
        """
        n = len(values) if rows is None else len(rows)
        picked, sums, clipped = _SCRATCH.floats(n, values.shape[1])
        if rows is not None:
            values = torch.index_select(values, 0, rows, out=picked)
        values = torch.sub(values, self.centre, out=picked)
        before, pieces = self._summed
        for begin, lower, upper, slope in pieces:
            inside = values if begin is None else torch.sub(values, begin, out=clipped)
            torch.clamp(inside, lower, upper, out=clipped)
            before = torch.addcmul(before, clipped, slope, out=sums)
        return sums

    @cached_property
    def _spread(self) -> Tensor:
        """(C,) the standard deviation of the sample's bins."""
        return self.of_values(torch.from_numpy(self.marks.T)).std(dim=0)

    @cached_property
    def _summed(self) -> tuple[Tensor, list[tuple[Tensor | None, Tensor, Tensor, Tensor]]]:
        """(C,) what is added to the pieces of the sum; and of each where it begins if that is subtracted
        first, because it is so steep that it would be lost in rounding, its limits, and its slope.
        """
        furthest = torch.maximum(self.lower.abs(), self.upper.abs())
        is_steep = (self.slope * furthest).amax(dim=1) > _STEEP
        offset, pieces = torch.full_like(self.centre, 0.5, dtype=torch.float64), []
        for steep, lower, upper, slope in zip(is_steep, self.lower, self.upper, self.slope, strict=True):
            if steep:
                pieces.append((lower, torch.zeros_like(lower), upper - lower, slope))
            else:
                pieces.append((None, lower, upper, slope))
                offset -= slope.double() * lower
        return offset.float(), pieces

    def fill(self, bins: Tensor, values: Tensor) -> None:
        """Fill bins (C, n) uint8 from values (n, C) float32."""
        for part in slices(len(values), values.shape[1]):
            turn(bins[:, part], self.of_values(values[part]))

    def outgrown(self, values: Tensor) -> NDArray[np.int64]:
        """The columns that these values (n, C) do not suit: many lie beyond, or nearly all in a few bins."""
        every = max(1, len(values) // _GLANCE)
        values = values[::every]
        moved = values - self.centre
        beyond = ((moved < self.lower[0]) | (moved > self.upper[-1])).float().mean(dim=0) > _BEYOND
        crowded = self.of_values(values).std(dim=0) < _CROWDED * self._spread
        ordered = values[:, crowded].sort(dim=0).values  # what is one value cannot be told apart
        crowded[crowded.clone()] = (ordered[1:] != ordered[:-1]).float().mean(dim=0) > _DISTINCT
        return (beyond | crowded).nonzero()[:, 0].numpy()

    def widened(self, columns: NDArray[np.int64], values: Tensor, share: float) -> tuple[Binning, Doubles]:
        """The same with new bins for some columns, by values (n, C), where they would be if they moved as
        far again, and, for a share of all, what bins were laid out by before; and where the borders of their
        old bins are among the new (c, 257).
        """
        at = torch.from_numpy(columns)
        now, before = values[:, at], torch.from_numpy(self.marks[columns].T)
        ahead = now + (now.median(dim=0).values - before.median(dim=0).values)
        times = round(2 * len(values) * share / (1 - share) / len(before))
        new = Binning.of(torch.cat([before.repeat_interleave(max(1, times), dim=0), now, ahead]))
        moved = new.places(self.borders(columns))
        marks = self.marks.copy()
        marks[columns] = new.marks
        fields = {
            name: getattr(self, name).index_copy(-1, at, getattr(new, name))
            for name in ("centre", "lower", "upper", "slope")
        }
        return replace(self, marks=marks, **fields), moved

    def borders(self, columns: NDArray[np.int64]) -> Doubles:
        """(c, 257) the values at which the bins of some columns begin and end."""
        found = []
        for column in columns.tolist():
            lower, upper, slope = (part[:, column].double().numpy() for part in self._pieces)
            places = np.cumsum(np.append(0.5, slope * (upper - lower)))
            found.append(np.interp(np.arange(BINS + 1), places, np.append(lower, upper[-1])))
        edges: Doubles = np.stack(found) + self.centre[columns, None].double().numpy()
        return edges

    def places(self, values: Doubles) -> Doubles:
        """(C, n) where values (C, n) are among the bins, between whole numbers too."""
        lower, upper, slope = (part.double().numpy()[:, :, None] for part in self._pieces)
        clipped = (values - self.centre[:, None].double().numpy()).clip(lower, upper) - lower
        found: Doubles = 0.5 + (slope * clipped).sum(axis=0)
        return found

    @property
    def _pieces(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.lower, self.upper, self.slope


def _knots(values: Doubles) -> NDArray[np.int64]:
    """(C, pieces + 1): which of the evenly spaced order statistics (C, n) are knots, so that straight pieces
    between them come near the distribution: each knot is where those before it are furthest off.
    """
    columns, n = values.shape
    ranks = np.arange(n)
    differs = values[:, 1:] != values[:, :-1]
    always = np.ones((columns, 1), np.bool_)
    # Of what is one value any rank will do.
    least = np.maximum.accumulate(np.where(np.concatenate([always, differs], axis=1), ranks, 0), axis=1)
    most = np.where(np.concatenate([differs, always], axis=1), ranks, n)[:, ::-1]
    most = np.minimum.accumulate(most, axis=1)[:, ::-1]
    knots = np.tile([0, n - 1], (columns, 1))
    for _ in range(_PIECES - 1):
        off = np.zeros_like(values)
        for first, last in zip(knots.T[:-1, :, None], knots.T[1:, :, None], strict=True):
            low, high = (np.take_along_axis(values, knot, axis=1) for knot in (first, last))
            share = (values - low) / np.where(high > low, high - low, 1.0)
            straight = first + share * (last - first)
            apart = np.maximum(np.maximum(least - straight, straight - most), 0)
            off = np.where((ranks > first) & (ranks < last), apart, off)
        knots = np.sort(np.concatenate([knots, off.argmax(axis=1)[:, None]], axis=1), axis=1)
    return knots
