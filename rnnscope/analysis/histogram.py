"""The distribution of the values of one quantity of one unit over a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.analysis.units import AUTO, check_unit, quantity_of, unit_values, value_range

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture

BINS = 50


@dataclass(frozen=True, eq=False)
class HistogramResult(Result):
    """The number of positions with a value in each bin.

    layer: from 1. unit: from 0. quantity: the counted quantity. positions: the number of characters read.
    edges: (bins + 1,) float64, over the quantity's range: gates 0..1, everything else −1..1 (the cell state
    through the activation). counts: (bins,) int64; a value outside the range counts in the nearest bin.
    """

    layer: int
    unit: int
    quantity: str
    positions: int
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Histogram(Query[HistogramResult]):
    """Histogram: how often a quantity of a unit has each value.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Histogram(layer=1, unit=37, quantity="forget", bins=10))
        >>> result.counts.shape, int(result.counts.sum())
        ((10,), 320)
    """

    name = "histogram"
    activity = "reading values"
    example = "--layer 1 --unit 41 --quantity forget"

    layer: int
    """The unit's layer; layers count from 1."""
    unit: int
    """The unit; units count from 0."""
    quantity: str = AUTO
    """A recorded quantity, such as hidden or forget; auto is cell if the network has one, else hidden."""
    bins: int = BINS
    """Number of bins, of equal width."""
    characters: int = 0
    """Read only the first N characters of the text; 0 reads all."""

    def check(self, architecture: Architecture) -> None:
        check_unit(architecture, self.layer, self.unit)
        quantity_of(architecture, self.quantity)
        check_range("bins", self.bins, 1, 10_000)
        check_range("characters", self.characters, 0)

    def run(self, context: Context) -> HistogramResult:
        quantity = quantity_of(context.architecture, self.quantity)
        edges = bin_edges(quantity, self.bins)
        values = unit_values(context, self.layer, self.unit, quantity, self.characters)
        counts = bin_counts(values, edges)
        return HistogramResult(self.layer, self.unit, quantity, len(values), edges, counts)


def bin_edges(quantity: str, bins: int = BINS) -> NDArray[np.float64]:
    """(bins + 1,) edges of bins of equal width over the range of a quantity."""
    return np.linspace(*value_range(quantity), bins + 1)


def bin_counts(values: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """(bins,) the number of `values` (n,) in each bin; values beyond the edges count in the nearest bin."""
    counts: NDArray[np.int64] = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return counts
