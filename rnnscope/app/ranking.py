"""The order of the neurons in a table: by what they know, or by what they do on the page in sight.

Of the hidden values h (T) of a neuron on the page:

    activity      their standard deviation
    selectivity   1 − (mean |h|)² / mean h²     0 where it is always equally strong, near 1 where rarely so
    saturation    the share of positions at which |h| > 0.9, or at which a gate of it is < 0.1 or > 0.9
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace, is_gate

Sort: TypeAlias = Literal["knows", "index", "saturation", "selectivity", "activity"]
Neuron: TypeAlias = tuple[int, int]
"""Layer, from 1, and unit, from 0."""

SORTS: Mapping[Sort, str] = {
    "knows": "by what they know",
    "index": "by index",
    "saturation": "most saturated first",
    "selectivity": "most selective first",
    "activity": "most active first",
}
_SHUT, _OPEN, _STRONG = 0.1, 0.9, 0.9


@dataclass(frozen=True)
class Known:
    """What a neuron was found to know, and how well on text that it was not chosen on."""

    feature: str
    score: float
    """0..1: AUC, from 0.5 on, or the strength of Spearman's correlation."""
    metric: str
    """`AUC` or `ρ`."""
    is_negative: bool = False
    """Whether it is low where the feature holds."""
    quantity: str = ""
    """Of which quantity it is true."""


@dataclass(frozen=True)
class Remarks:
    """What the reader remarked of the neurons of a model."""

    favorites: frozenset[Neuron] = frozenset()
    notes: Mapping[Neuron, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The neurons in an order, with what the table says of each."""

    architecture: Architecture
    sort: Sort = "index"
    known: Mapping[Neuron, Known] = field(default_factory=dict)
    numbers: NDArray[np.float64] | None = None
    """(layers × H,) what they are sorted by, where that is no knowledge."""
    title: str = ""
    """What they are ranked by where it is none of the usual orders."""
    source: str = ""
    """What the scores are of, such as `held-out half`."""
    first: tuple[Neuron, ...] = ()
    """Those that a search ranked, best first; all others follow."""
    filter: str = ""
    """Only neurons whose number, name or note holds this."""
    remarks: Remarks = Remarks()

    @cached_property
    def order(self) -> tuple[Neuron, ...]:
        """The neurons, first to last."""
        size = self.architecture.hidden_size
        everyone = [(1 + i // size, i % size) for i in range(self.architecture.layers * size)]
        if self.first:
            places = {neuron: place for place, neuron in enumerate(self.first)}
            everyone.sort(key=lambda neuron: places.get(neuron, len(places)))
        elif self.sort == "knows":
            everyone.sort(key=self._by_knowledge)
        elif self.numbers is not None:
            everyone = [everyone[i] for i in np.argsort(-self.numbers, kind="stable").tolist()]
        return tuple(neuron for neuron in everyone if self._passes(neuron))

    def place(self, neuron: Neuron) -> int | None:
        """Where a neuron stands in the order; None where the filter keeps it out."""
        return self._places.get(neuron)

    def number(self, neuron: Neuron) -> float | None:
        if self.numbers is None:
            return None
        return float(self.numbers[(neuron[0] - 1) * self.architecture.hidden_size + neuron[1]])

    @cached_property
    def _places(self) -> dict[Neuron, int]:
        return {neuron: place for place, neuron in enumerate(self.order)}

    def _by_knowledge(self, neuron: Neuron) -> tuple[float, Neuron]:
        known = self.known.get(neuron)
        return (-_strength(known) if known else 1.0), neuron

    def _passes(self, neuron: Neuron) -> bool:
        if not self.filter:
            return True
        if self.filter == "*":
            return neuron in self.remarks.favorites
        known = self.known.get(neuron)
        said = (
            f"{neuron[0]}/{neuron[1]} {known.feature if known else ''} {self.remarks.notes.get(neuron, '')}"
        )
        return self.filter.lower() in said.lower()


def _strength(known: Known) -> float:
    """How far from chance a score is, 0..1, so that the two kinds of score can be ranked together."""
    return known.score if known.metric == "ρ" else 2.0 * known.score - 1.0


def numbers(trace: Trace, sort: Sort) -> NDArray[np.float64] | None:
    """(layers × H,) what the neurons are sorted by on this page; None where the page does not matter."""
    measure = _MEASURES.get(sort)
    if measure is None:
        return None
    return np.concatenate([measure(trace, layer) for layer in range(1, trace.architecture.layers + 1)])


def _activity(trace: Trace, layer: int) -> NDArray[np.float64]:
    return np.asarray(trace[f"{layer}/hidden"].std(axis=0, dtype=np.float64))


def _selectivity(trace: Trace, layer: int) -> NDArray[np.float64]:
    strength = np.abs(trace[f"{layer}/hidden"])
    mean, square = strength.mean(axis=0, dtype=np.float64), np.square(strength).mean(axis=0, dtype=np.float64)
    evenness = np.divide(mean**2, square, out=np.ones_like(mean), where=square > 1e-12)
    return np.asarray(1.0 - evenness, np.float64)


def _saturation(trace: Trace, layer: int) -> NDArray[np.float64]:
    gates = [name for name in trace.quantities if is_gate(name)]
    if not gates:
        strong = np.abs(trace[f"{layer}/hidden"]) > _STRONG
        return np.asarray(strong.mean(axis=0), np.float64)
    shares = []
    for gate in gates:
        values = trace[f"{layer}/{gate}"]
        shares.append(((values < _SHUT) | (values > _OPEN)).mean(axis=0))
    return np.asarray(np.mean(shares, axis=0), np.float64)


_MEASURES: Mapping[Sort, Callable[[Trace, int], NDArray[np.float64]]] = {
    "activity": _activity,
    "selectivity": _selectivity,
    "saturation": _saturation,
}
