"""From a unit's values to 256 bins, which follow its own distribution in a few straight pieces, so that a
spike has as many bins as a tail. The distribution is that of a sample; of a unit that then moves somewhere
else the bins are laid out anew.

A bin's number is thereby nearly a rank, also where many values are one: a gate that stands wide open.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.pieces import SCRATCH, Pieces
from rnnscope.analysis.statistics import BINS, Doubles

_SLICE = 1 << 19
"""Values that are binned at once."""
_MARKS = 128
"""Order statistics among which the knots are chosen."""
_PIECES = 9
_GLANCE = 256
_BEYOND = 0.04
_CROWDED = 0.35
_DISTINCT = 0.25
"""Bins no longer suit where so many values lie beyond them, or spread so much less than they did though so
many of them differ."""


class _Bytes(threading.local):
    """Each thread's room for bins on their way: memory is slow to get."""

    _known = np.empty(0, np.uint8)

    def of(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """(rows, columns), in rows of no power of two, whose lines collide."""
        wide = columns + 64
        if self._known.size < rows * wide:
            self._known = np.empty(rows * wide, np.uint8)
        return self._known[: rows * wide].reshape(rows, wide)[:, :columns]


_BYTES = _Bytes()


def slices(rows: int, columns: int) -> list[slice]:
    """Rows of so many columns in equal parts that stay in the processor's cache."""
    parts = max(1, -(-rows * columns // _SLICE))
    return [slice(rows * part // parts, rows * (part + 1) // parts) for part in range(parts)]


def turn(bins: Tensor, binned: Tensor) -> None:
    """Fill bins (C, n) uint8 from as many (n, C) float32, whose fractions are cut off."""
    # numpy takes a quarter of torch's time to make bytes of them.
    small = _BYTES.of(*binned.shape)
    with np.errstate(invalid="ignore"):  # NaN goes into any bin
        np.copyto(small, binned.numpy(), casting="unsafe")
    np.copyto(bins.numpy(), small.T)


@dataclass(frozen=True)
class Binning:
    """From values to bins 0 … 255, each of the C units by its own knots."""

    centre: Tensor
    """(C,) what is subtracted first, or a gate that hardly moves would be lost in rounding."""
    pieces: Pieces
    """From centred values to bins, ½ … 255½: the bin is the whole part."""
    spread: Tensor
    """(C,) the standard deviation of the sample's bins."""
    marks: NDArray[np.float32]
    """(C, marks + 1) evenly spaced order statistics of the sample."""

    @classmethod
    def of(cls, sample: Tensor) -> Binning:
        """Bins for values distributed about as `sample` (n, C) is; what is beyond it falls in the last."""
        ordered = np.sort(sample.t().contiguous().numpy(), axis=1)  # many times as fast as torch's
        at = np.linspace(0, len(sample) - 1, _MARKS + 1).round().astype(np.int64)
        marks = ordered[:, at]
        values = marks.astype(np.float64)
        ranks = _ranks(values)
        knots = _knots(values, ranks, _PIECES)
        at_knots, there = (np.take_along_axis(each, knots, axis=1).T for each in (values, ranks))
        centre = at_knots.mean(axis=0).astype(np.float32)
        bins = 0.5 + there * ((BINS - 1) / _MARKS)
        pieces = Pieces.through(
            torch.from_numpy(at_knots - centre.astype(np.float64)), torch.from_numpy(bins)
        )
        spread = pieces.of(torch.from_numpy(marks.T - centre)).std(dim=0)
        return cls(torch.from_numpy(centre), pieces, spread, marks)

    def centred(self, values: Tensor, rows: Tensor | None = None) -> Tensor:
        """Values (n, C), or some of their rows, as pieces take them; overwritten by what this thread asks for
        next.
        """
        if rows is None:
            return torch.sub(values, self.centre, out=SCRATCH.room("centred", *values.shape))
        return SCRATCH.rows("centred", values, rows).sub_(self.centre)

    def fill(self, bins: Tensor, values: Tensor) -> None:
        """Fill bins (C, n) uint8 from values (n, C) float32."""
        for part in slices(len(values), values.shape[1]):
            turn(bins[:, part], self.pieces.of(self.centred(values[part])))

    def outgrown(self, values: Tensor) -> NDArray[np.int64]:
        """The columns that these values (n, C) do not suit: many lie beyond, or nearly all in a few bins."""
        values = self.centred(values[:: max(1, len(values) // _GLANCE)])
        beyond = ((values < self.pieces.lower[0]) | (values > self.pieces.upper[-1])).float().mean(dim=0)
        crowded = self.pieces.of(values).std(dim=0) < _CROWDED * self.spread
        ordered = values[:, crowded].sort(dim=0).values  # what is one value cannot be told apart
        crowded[crowded.clone()] = (ordered[1:] != ordered[:-1]).float().mean(dim=0) > _DISTINCT
        return ((beyond > _BEYOND) | crowded).nonzero()[:, 0].numpy()

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
        marks = self.marks.copy()
        marks[columns] = new.marks
        widened = Binning(
            self.centre.index_copy(0, at, new.centre),
            self.pieces.with_columns(at, new.pieces),
            self.spread.index_copy(0, at, new.spread),
            marks,
        )
        borders = self.pieces.borders(columns) + self.centre[at, None].double().numpy()
        return widened, new.pieces.exactly(borders - new.centre[:, None].double().numpy())


def _ranks(values: Doubles) -> Doubles:
    """Of evenly spaced order statistics (C, n); what is one value shares one."""
    columns, n = values.shape
    differs, always = values[:, 1:] != values[:, :-1], np.ones((columns, 1), np.bool_)
    first = np.where(np.concatenate([always, differs], axis=1), np.arange(n), 0)
    last = np.where(np.concatenate([differs, always], axis=1), np.arange(n), n)[:, ::-1]
    first, last = np.maximum.accumulate(first, axis=1), np.minimum.accumulate(last, axis=1)[:, ::-1]
    return (first + last) / 2


def _knots(values: Doubles, ranks: Doubles, pieces: int) -> NDArray[np.int64]:
    """(C, pieces + 1): which of the evenly spaced order statistics (C, n) are
    knots, so that straight pieces between them come near their ranks: each knot is where those before it are
    furthest off.
    """
    columns, n = values.shape
    knots = np.tile([0, n - 1], (columns, 1))
    for _ in range(pieces - 1):
        off = np.zeros_like(values)
        for first, last in zip(knots.T[:-1, :, None], knots.T[1:, :, None], strict=True):
            low, high, rank, above = (
                np.take_along_axis(each, knot, axis=1) for each in (values, ranks) for knot in (first, last)
            )
            share = (values - low) / np.where(high > low, high - low, 1.0)
            is_between = (np.arange(n) > first) & (np.arange(n) < last)
            off = np.where(is_between, np.abs(ranks - rank - share * (above - rank)), off)
        knots = np.sort(np.concatenate([knots, off.argmax(axis=1)[:, None]], axis=1), axis=1)
    return knots
