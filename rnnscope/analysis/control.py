"""Sums of bins instead of counts: what matrix products tell of how a unit goes with a feature.

    AUC − ½ = E[rank | on] − E[rank | off]

A unit's bins follow its distribution, so that a bin's number is its rank but for what a few straight pieces
leave. That is enough for features that are shuffled, which nothing goes with. Of others it is a control
variate: sums are taken over many positions, counts over few of them, and what the sums over these few are off
by, AUC and correlation by their counts are off by too (A. Owen, Monte Carlo theory, methods and examples,
8.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.statistics import BINS, Bools, Doubles, Float


class Sums:
    """Sums of the bins of C columns for F booleans and G numbers; `settle` is called before they are read.

    Rows are 1, where on …, 1, numbers …; those of numbers may have weights of their own.
    """

    def __init__(self, columns: int, booleans: int, numbers: int) -> None:
        self._first_number = 1 + booleans
        self._sums = np.zeros((2 + booleans + numbers, columns))
        self._latest = torch.zeros(self._sums.shape)
        self._weights = np.zeros(len(self._sums))
        self._squares = np.zeros(numbers)

    def rows(
        self, on: Bools, numbers: Float, weights: NDArray[Any], ranked: NDArray[Any] | None = None
    ) -> Tensor:
        """(2 + F + G, n): what bins are to be multiplied by, of on (F, n), numbers (G, n), and how many
        positions each stands for (n,); `ranked` for the numbers.
        """
        found = np.ones((len(self._sums), len(weights)), np.float32)
        found[1 : self._first_number] = on
        found[self._first_number + 1 :] = numbers
        found[: self._first_number] *= weights.astype(np.float32)
        of_numbers = found[self._first_number :]
        of_numbers *= (weights if ranked is None else ranked).astype(np.float32)
        self._weights += found.sum(axis=1, dtype=np.float64)
        self._squares += np.einsum("gn,gn->g", of_numbers[1:], numbers, dtype=np.float64)
        return torch.from_numpy(found)

    def add(self, columns: slice, bins: Tensor, rows: Tensor) -> None:
        """Add the bins (n, H) float32 of some columns."""
        self._latest[:, columns].addmm_(rows, bins)

    def settle(self) -> None:
        """Keep what was added lately, and is in single precision, with the rest."""
        self._sums += self._latest.numpy()
        self._latest.zero_()

    def areas(self, columns: slice = slice(None)) -> Doubles:
        """(C, F): the AUC, as far as bins are ranks; ½ where a feature is on, or off, nowhere."""
        sums, weights = self._sums[: self._first_number, columns], self._weights[: self._first_number, None]
        on, off = weights[1:], weights[:1] - weights[1:]
        where_on = sums[1:] / np.maximum(on, 1e-9)
        where_off = (sums[:1] - sums[1:]) / np.maximum(off, 1e-9)
        found: Doubles = np.where((on > 0) & (off > 0), (where_on - where_off) / BINS, 0.0).T + 0.5
        return found

    def covariances(self) -> Doubles:
        """(C, G), of ranks within −½ … ½."""
        sums, weights = self._sums[self._first_number :], self._weights[self._first_number :, None]
        n = np.maximum(weights[:1], 1e-9)
        found: Doubles = ((sums[1:] - weights[1:] * sums[:1] / n) / n / BINS).T
        return found

    def variances(self) -> Doubles:
        """(G,) of the numbers."""
        n, *numbers = self._weights[self._first_number :]
        n = max(n, 1e-9)
        found: Doubles = np.maximum(self._squares / n - (np.array(numbers) / n) ** 2, 0)
        return found

    def correlations(self, spread: Doubles) -> Doubles:
        """(C, G); spread: (C,) the standard deviation of each column's ranks."""
        lengths = spread[:, None] * np.sqrt(self.variances())
        found = self.covariances()
        np.divide(found, lengths, out=found, where=lengths > 1e-9)
        return np.where(lengths > 1e-9, found, 0.0).clip(-1, 1)


@dataclass(frozen=True)
class Control:
    """The same sums over many positions, and over the few of them that are counted."""

    many: Sums
    few: Sums

    def settle(self) -> None:
        self.many.settle()
        self.few.settle()

    def areas(self, columns: slice) -> Doubles:
        """(C, F): what AUCs by counts are too low by."""
        return self.many.areas(columns) - self.few.areas(columns)

    def covariances(self) -> Doubles:
        """(C, G): what covariances of ranks are too low by."""
        return self.many.covariances() - self.few.covariances()
