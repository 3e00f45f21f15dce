"""What was found by changing a network or going back through it: results that a screen shows without torch.

The functions that find them are in `ablation` and `attribution`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.tracing.trace import Trace

Float = NDArray[np.float32]
Double = NDArray[np.float64]

_MOST_BATCHES, _LEAST_BATCHES, _LEAST_IN_BATCH = 30, 5, 10


@dataclass(frozen=True)
class Clamp:
    """A unit that is held at a value at every step."""

    layer: int
    """Counts from 1."""
    unit: int
    """Counts from 0."""
    value: float = 0.0
    """Of hidden within −1..1; of cell any, before it is squashed."""
    quantity: Literal["hidden", "cell"] = "hidden"
    """hidden: what all others see of the unit. cell: what it remembers; its output gate goes on as ever."""


@dataclass(frozen=True, eq=False)
class Ablation:
    """What holding some units did to every prediction of a text of T characters.

    plain, clamped: (T − 1,) ln p of each character after the first, without and with the clamps.
    """

    clamps: tuple[Clamp, ...]
    plain: Float
    clamped: Float

    @property
    def delta_nats(self) -> Float:
        """(T − 1,) by how much the loss of each character grew; above 0 the units were of use there."""
        return self.plain - self.clamped

    @property
    def mean_nats(self) -> float:
        """The mean of `delta_nats`; nan of a text without predictions."""
        return float(self.delta_nats.mean(dtype=np.float64)) if len(self.plain) else float("nan")

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of the mean, or None where the text is too short to say."""
        return mean_interval(self.delta_nats)


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How far back a loss is felt.

    title: of the network, such as `LSTM 1×256`.
    norms: (layers, D) ‖∂ loss_T / ∂ h_t‖₂ at T − t = 0, 1, … D − 1, the mean over `positions` predictions.
    """

    title: str
    norms: Double
    positions: int


def mean_interval(values: NDArray[Any], confidence: float = 0.95) -> tuple[float, float] | None:
    """A confidence interval of the mean of a series whose neighbors resemble each other.

    Means of consecutive batches hardly depend on each other even where single losses do, so that Student's
    interval of some 30 of them holds where that of all values would be far too narrow. None below 50 values.
    """
    batches = min(_MOST_BATCHES, len(values) // _LEAST_IN_BATCH)
    if batches < _LEAST_BATCHES:
        return None
    borders = np.arange(batches) * len(values) // batches
    sizes = np.diff(borders, append=len(values))
    means = np.add.reduceat(values.astype(np.float64), borders) / sizes
    mean = float(np.mean(values, dtype=np.float64))
    half = _student(0.5 + confidence / 2, batches - 1) * float(means.std(ddof=1)) / batches**0.5
    return mean - half, mean + half


def means(traces: Iterable[Trace]) -> Mapping[str, Double]:
    """The mean of every unit, "LAYER/QUANTITY" -> (H,), over a text in one trace or in stretches.

    Of a cell it is the mean of c itself, which a clamp of the cell takes.
    """
    sums: dict[str, Double] = {}
    positions = 0
    for trace in traces:
        positions += len(trace)
        for name, values in trace.activations.items():
            sums[name] = sums.get(name, 0.0) + values.sum(axis=0, dtype=np.float64)
    return {name: total / positions for name, total in sums.items()}


def _student(probability: float, freedom: int) -> float:
    """The quantile of Student's distribution (Abramowitz & Stegun 1964, 26.7.5); good from 4 degrees on."""
    z = NormalDist().inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4)
    )
