"""Which gates stand open and which shut: how often each unit's gate is at one of its ends (Karpathy,
Johnson & Fei-Fei 2015, arXiv 1506.02078, section 4.3 and figure 3).

    left   the share of a text's positions at which the gate is below 0.1, shut
    right  the share at which it is above 0.9, open

In the scatter of right (x) against left (y) every *unit* is one dot, and no dot lies above x + y = 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.tracing.trace import Trace, is_gate

SHUT_BELOW = 0.1
OPEN_ABOVE = 0.9

Fractions = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GateSaturation:
    """One gate of one layer. left, right: (H,) shares of positions, 0..1."""

    layer: int
    gate: str
    left: Fractions
    right: Fractions


@dataclass(frozen=True, eq=False)
class Saturation:
    """All gates of a network over a text of `positions` characters; `gates` is empty for a plain RNN."""

    positions: int
    gates: tuple[GateSaturation, ...]

    def of(self, layer: int, gate: str) -> GateSaturation:
        """Raises KeyError where there is no such gate."""
        for found in self.gates:
            if (found.layer, found.gate) == (layer, gate):
                return found
        raise KeyError(f"{layer}/{gate}")


def saturation(traces: Iterable[Trace]) -> Saturation:
    """Count over a text that comes as one trace or in many; no more than one is held at a time."""
    counts = Counts()
    for trace in traces:
        counts.positions += len(trace)
        for name, values in gates_of(trace).items():
            shut = np.count_nonzero(values < SHUT_BELOW, axis=0)
            counts.add(name, shut, np.count_nonzero(values > OPEN_ABOVE, axis=0))
    return counts.shares()


class Counts:
    """How often each gate was at one of its ends."""

    def __init__(self) -> None:
        self.positions = 0
        self._counts: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def add(self, name: str, shut: NDArray[np.int64], wide: NDArray[np.int64]) -> None:
        before = self._counts.get(name)
        self._counts[name] = (shut, wide) if before is None else (before[0] + shut, before[1] + wide)

    def shares(self) -> Saturation:
        gates, positions = [], max(self.positions, 1)
        for name, (shut, wide) in self._counts.items():
            layer, gate = name.split("/")
            gates.append(GateSaturation(int(layer), gate, shut / positions, wide / positions))
        return Saturation(self.positions, tuple(gates))


def gates_of(trace: Trace) -> Mapping[str, NDArray[np.float32]]:
    """The gates among a trace's activations, "LAYER/GATE" -> (T, H)."""
    return {name: values for name, values in trace.activations.items() if is_gate(name.split("/")[1])}
