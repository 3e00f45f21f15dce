"""Gate saturation: which gates are open, which are shut, and for how much of a text.

Karpathy, Johnson & Fei-Fei, *Visualizing and Understanding Recurrent Networks* (arXiv 1506.02078), section
4.2: for each gate of each unit the share of positions at which it is below 0.1 (left-saturated, shut) and
above 0.9 (right-saturated, open). In the scatter plot of right (x) against left (y) every *unit* is one dot,
and no dot lies above x + y = 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import TextError
from rnnscope.tracing.trace import Trace, is_gate

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture


@dataclass(frozen=True, eq=False)
class GateSaturation:
    """One gate of one layer.

    layer: from 1. gate: such as `forget`. left, right: (H,) float64, each unit's share of positions, 0..1.
    """

    layer: int
    gate: str
    left: NDArray[np.float64]
    right: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SaturationResult(Result):
    """How often each unit's gates are shut and open.

    positions: the number of characters read. low, high: the thresholds. gates: one entry for each gate of
    each layer, in the cell's order; empty for a plain RNN, which has no gates.
    """

    positions: int
    low: float
    high: float
    gates: tuple[GateSaturation, ...]

    def of(self, layer: int, gate: str) -> GateSaturation:
        """One gate of one layer. Raises KeyError if there is no such gate."""
        for each in self.gates:
            if (each.layer, each.gate) == (layer, gate):
                return each
        raise KeyError(f"{layer}/{gate}")


@dataclass(frozen=True)
class Saturation(Query[SaturationResult]):
    """Gate saturation: how often each gate is shut or open.

    The result is the share of positions at which each gate of each unit is below LOW or above HIGH.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-gru"), "one, two, three\\n" * 20)
        >>> [(each.layer, each.gate, each.left.shape) for each in session.ask(rnnscope.Saturation()).gates]
        [(1, 'reset', (256,)), (1, 'update', (256,))]
    """

    name = "saturation"
    activity = "reading gates"
    example = "--low 0.05 --high 0.95"

    low: float = 0.1
    """A gate below this is shut (left-saturated)."""
    high: float = 0.9
    """A gate above this is open (right-saturated)."""
    characters: int = 0
    """Read only the first N characters of the text; 0 reads all."""

    def check(self, architecture: Architecture) -> None:
        check_range("low", self.low, 0, 1)
        check_range("high", self.high, self.low, 1)
        check_range("characters", self.characters, 0)

    def run(self, context: Context) -> SaturationResult:
        traces = context.reader.traces(0, self.characters or None, context.progress)
        return saturation(traces, self.low, self.high)


def saturation(traces: Iterable[Trace], low: float = 0.1, high: float = 0.9) -> SaturationResult:
    """Count over a text that comes in one trace or several; only one of them is in memory at a time.

    Raises TextError if there are no positions.
    """
    counts: dict[str, NDArray[np.int64]] = {}
    positions = 0
    for trace in traces:
        positions += len(trace)
        for name, values in trace.activations.items():
            if is_gate(name.split("/")[1]):
                saturated = np.stack([(values < low).sum(axis=0), (values > high).sum(axis=0)])
                counts[name] = counts.get(name, 0) + saturated
    if not positions:
        raise TextError("the text is empty: there are no positions to count")
    gates = []
    for name, saturated in counts.items():
        layer, gate = name.split("/")
        gates.append(GateSaturation(int(layer), gate, *(saturated / positions)))
    return SaturationResult(positions, low, high, tuple(gates))
