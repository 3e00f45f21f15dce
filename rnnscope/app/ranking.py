"""The order of the neurons in the table: by their best feature, or by their values on the current page.

Of the hidden values h (T) of a neuron on the page:

    activity      their standard deviation
    selectivity   1 − (mean |h|)² / mean h²     0 if |h| is constant, near 1 if it is rarely large
    saturation    fraction of positions at which |h| > 0.9, or at which one of its gates is < 0.1 or > 0.9
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.find import FoundNeuron
from rnnscope.analysis.names import NeuronLabel
from rnnscope.app.notes import Notes
from rnnscope.app.scope import Neuron
from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace, is_gate

Sort: TypeAlias = Literal["feature", "index", "saturation", "selectivity", "activity"]
SORTS: Mapping[Sort, str] = {
    "feature": "by best feature",
    "index": "by index",
    "saturation": "most saturated first",
    "selectivity": "most selective first",
    "activity": "most active first",
}
_SHUT, _OPEN, _STRONG = 0.1, 0.9, 0.9


@dataclass(frozen=True)
class Label:
    """The feature that a neuron detects best, and how well on text that it was not chosen on."""

    feature: str
    score: float
    """0..1: AUC, from 0.5 on, or the strength of Spearman's correlation."""
    metric: str
    """`AUC` or `ρ`."""
    is_negative: bool = False
    """Whether the neuron is low where the feature holds."""
    quantity: str = ""
    """The quantity of the neuron that detects it."""

    @classmethod
    def of(cls, found: FoundNeuron | NeuronLabel, feature: str) -> Label:
        """What a search, or the naming of all neurons, says of a neuron."""
        metric = "AUC" if found.metric == "auc" else "ρ"
        name = feature.replace("-", " ")
        return cls(name, found.held_out, metric, found.direction < 0, found.quantity)

    @property
    def name(self) -> str:
        """The feature, with a sign where the neuron is low there."""
        return f"¬{self.feature}" if self.is_negative else self.feature


@dataclass(frozen=True, eq=False)
class Ranking:
    """The neurons in an order, with what the table says of each."""

    architecture: Architecture
    sort: Sort = "index"
    labels: Mapping[Neuron, Label] = field(default_factory=dict)
    numbers: NDArray[np.float64] | None = None
    """(layers × H,) what they are sorted by, where that is a number."""
    title: str = ""
    """What they are ranked by where it is a search's result."""
    source: str = ""
    """What the scores are of, such as `held-out half`."""
    first: tuple[Neuron, ...] = ()
    """Those that a search ranked, best first; all others follow."""
    filter: str = ""
    """Only neurons whose number, name or note holds this."""
    notes: Notes = field(default_factory=Notes)

    @cached_property
    def order(self) -> tuple[Neuron, ...]:
        """The neurons, first to last."""
        size = self.architecture.hidden_size
        neurons = [(1 + i // size, i % size) for i in range(self.architecture.layers * size)]
        if self.first:
            places = {neuron: place for place, neuron in enumerate(self.first)}
            neurons.sort(key=lambda neuron: places.get(neuron, len(places)))
        elif self.sort == "feature":
            neurons.sort(key=self._by_feature)
        elif self.numbers is not None:
            neurons = [neurons[i] for i in np.argsort(-self.numbers, kind="stable").tolist()]
        return tuple(neuron for neuron in neurons if self._passes(neuron))

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

    def _by_feature(self, neuron: Neuron) -> tuple[float, Neuron]:
        label = self.labels.get(neuron)
        return (-_strength(label) if label else 1.0), neuron

    def _passes(self, neuron: Neuron) -> bool:
        if not self.filter:
            return True
        if self.filter == "*":
            return neuron in self.notes.starred
        label = self.labels.get(neuron)
        words = f"{neuron[0]}/{neuron[1]} {label.feature if label else ''} {self.notes.notes.get(neuron, '')}"
        return self.filter.lower() in words.lower()


def _strength(label: Label) -> float:
    """How far from chance a score is, 0..1, so that the two kinds of score can be ranked together."""
    return label.score if label.metric == "ρ" else 2.0 * label.score - 1.0


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
