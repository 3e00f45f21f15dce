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
    positions = 0
    shut: dict[str, NDArray[np.int64]] = {}
    wide: dict[str, NDArray[np.int64]] = {}
    for trace in traces:
        positions += len(trace)
        for name, values in gates_of(trace).items():
            shut[name] = shut.get(name, 0) + np.count_nonzero(values < SHUT_BELOW, axis=0)
            wide[name] = wide.get(name, 0) + np.count_nonzero(values > OPEN_ABOVE, axis=0)
    gates = []
    for name in shut:
        layer, gate = name.split("/")
        gates.append(
            GateSaturation(int(layer), gate, shut[name] / max(positions, 1), wide[name] / max(positions, 1))
        )
    return Saturation(positions, tuple(gates))


def gates_of(trace: Trace) -> Mapping[str, NDArray[np.float32]]:
    """The gates among a trace's activations, "LAYER/GATE" -> (T, H)."""
    return {name: values for name, values in trace.activations.items() if is_gate(name.split("/")[1])}
