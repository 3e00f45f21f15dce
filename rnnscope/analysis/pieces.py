"""Functions made of a few straight pieces, one function for each of many units:

    f(x) = begin + Σ_k slope_k · (clip(x, lower_k, upper_k) − lower_k)

They cost two operations a piece, whatever the values are.
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

_STEEP = 2.0**17
"""Slope times distance from 0 beyond which a piece loses a hundredth of a bin to rounding."""


class Scratch(threading.local):
    """Each thread's room for what it works out on the way: memory is slow to get."""

    def __init__(self) -> None:
        self._known: dict[str, Tensor] = {}

    def room(self, name: str, rows: int, columns: int) -> Tensor:
        """(rows, columns) float32, overwritten by what this thread next puts under that name."""
        known = self._known.get(name)
        if known is None or known.numel() < rows * columns:
            known = self._known[name] = torch.empty(rows * columns)
        return known[: rows * columns].view(rows, columns)

    def rows(self, name: str, values: Tensor, at: Tensor) -> Tensor:
        """Some rows of values (n, C)."""
        return torch.index_select(values, 0, at, out=self.room(name, len(at), values.shape[1]))


SCRATCH = Scratch()


@dataclass(frozen=True)
class Pieces:
    """K straight pieces of C functions: what lies before the first is as its beginning, what lies after the
    last as its end.
    """

    begin: Tensor
    """(C,) float64, f before the first piece."""
    lower: Tensor
    """(K, C) where each piece begins."""
    upper: Tensor
    slope: Tensor

    @classmethod
    def through(cls, knots: Tensor, found: Tensor) -> Pieces:
        """Through knots (K + 1, C), and what is found there (K + 1, C), in float64.

        A piece without width is one value, at which a function rises by nothing.
        """
        lower, upper = knots[:-1], knots[1:]
        width = upper - lower
        slope = torch.where(width > 0, found.diff(dim=0) / width.clamp(min=1e-30), 0.0)
        # Rows that lie together, along which a processor clips many units at once.
        return cls(found[0].clone(), *(each.float().contiguous() for each in (lower, upper, slope)))

    def of(self, values: Tensor) -> Tensor:
        """f of values (n, C): (n, C), overwritten by what this thread asks for next."""
        sums, clipped = SCRATCH.room("sums", *values.shape), SCRATCH.room("clipped", *values.shape)
        before, pieces = self._summed
        for begin, lower, upper, slope in pieces:
            inside = values if begin is None else torch.sub(values, begin, out=clipped)
            torch.clamp(inside, lower, upper, out=clipped)
            before = torch.addcmul(before, clipped, slope, out=sums)
        return sums

    @cached_property
    def _summed(self) -> tuple[Tensor, list[tuple[Tensor | None, Tensor, Tensor, Tensor]]]:
        """(C,) what is added to the pieces of the sum; and of each where it begins if that is subtracted
        first, because it is so steep that it would be lost in rounding, its limits, and its slope.
        """
        furthest = torch.maximum(self.lower.abs(), self.upper.abs())
        is_steep = (self.slope * furthest).amax(dim=1) > _STEEP
        offset, pieces = self.begin.clone(), []
        for steep, lower, upper, slope in zip(is_steep, self.lower, self.upper, self.slope, strict=True):
            if steep:
                pieces.append((lower, torch.zeros_like(lower), upper - lower, slope))
            else:
                pieces.append((None, lower, upper, slope))
                offset -= slope.double() * lower
        return offset.float(), pieces

    def exactly(self, values: Doubles) -> Doubles:
        """f of values (C, n) in float64."""
        lower, upper, slope = (part.double().numpy()[:, :, None] for part in self._parts)
        rises = (slope * (values.clip(lower, upper) - lower)).sum(axis=0)
        found: Doubles = self.begin.numpy()[:, None] + rises
        return found

    def borders(self, columns: NDArray[np.int64]) -> Doubles:
        """(c, 257) the values at which the functions of some columns are 0, 1, … 256."""
        found = []
        for column in columns.tolist():
            lower, upper, slope = (part[:, column].double().numpy() for part in self._parts)
            places = np.cumsum(np.append(float(self.begin[column]), slope * (upper - lower)))
            found.append(np.interp(np.arange(BINS + 1), places, np.append(lower, upper[-1])))
        return np.stack(found)

    def with_columns(self, at: Tensor, new: Pieces) -> Pieces:
        """The same, but for some columns (c,), which are those of others."""
        names = ("begin", "lower", "upper", "slope")
        return replace(
            self, **{name: getattr(self, name).index_copy(-1, at, getattr(new, name)) for name in names}
        )

    @property
    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.lower, self.upper, self.slope
