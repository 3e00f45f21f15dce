"""The order of the neurons in the table: by what they detect, or by their values on the current page.

A filter that names a feature, such as `quote`, lists the neurons by their scores for that feature.
Neurons are ranked on the selection half of the text; the scores that are shown are of the held-out half.

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

from rnnscope.analysis.names import NamesResult
from rnnscope.app.notes import Notes
from rnnscope.app.scope import Neuron
from rnnscope.network.architecture import Architecture
from rnnscope.selection import Label
from rnnscope.tracing.trace import Trace, is_gate

Sort: TypeAlias = Literal["feature", "score", "index", "saturation", "selectivity", "activity"]
SORTS: Mapping[Sort, str] = {
    "feature": "best of each feature",
    "score": "by score",
    "index": "by index",
    "saturation": "most saturated first",
    "selectivity": "most selective first",
    "activity": "most active first",
}
_SHUT, _OPEN, _STRONG = 0.1, 0.9, 0.9


@dataclass(frozen=True, eq=False)
class Ranking:
    """The neurons in an order, with what the table says of each."""

    architecture: Architecture
    sort: Sort = "index"
    names: NamesResult | None = None
    """What all neurons detect."""
    results: Mapping[Neuron, Label] = field(default_factory=dict)
    """What a search has found, best first; all other neurons follow."""
    title: str = ""
    """What they are ranked by where it is a search's result."""
    numbers: NDArray[np.float64] | None = None
    """(layers × H,) what they are sorted by, where that is a number."""
    filter: str = ""
    """Only neurons whose number, feature or note contains this."""
    is_sorted: bool = False
    """Whether `sort` applies to the filtered neurons, rather than their scores for the filter's feature."""
    notes: Notes = field(default_factory=Notes)

    @cached_property
    def filtered_features(self) -> tuple[str, ...]:
        """The features that the filter names: the one of that name, else all whose names contain it."""
        wanted = self.filter.lower()
        if self.names is None or not wanted:
            return ()
        shown = {name: name.replace("-", " ") for name in self.names.scores}
        exact = tuple(name for name, each in shown.items() if wanted in (name, each))
        return exact or tuple(name for name, each in shown.items() if wanted in each or wanted in name)

    @cached_property
    def labels(self) -> Mapping[Neuron, Label]:
        """What the table says of each neuron, in order: the filter's feature, a search's, or its name."""
        if self.names is None:
            return self.results
        if self.filtered_features:
            return self._labels_of(self.filtered_features)
        if self.results:
            return self.results
        return {(each.layer, each.unit): Label.of(each, each.feature) for each in self.names.labels}

    def _labels_of(self, features: tuple[str, ...]) -> Mapping[Neuron, Label]:
        """The neurons that score for one of these features, each with the one it scores best for."""
        assert self.names is not None
        every = [self.names.scores[name] for name in features]
        strengths = np.array([scores.strength for scores in every])
        best, strongest = strengths.argmax(axis=0), strengths.max(axis=0)
        found = {}
        for unit in np.argsort(-strongest, kind="stable").tolist():
            if strongest[unit] > 0:
                scores = every[best[unit]]
                label = Label.of(scores.label(self.architecture, unit), scores.feature)
                found[1 + unit // self.architecture.hidden_size, unit % self.architecture.hidden_size] = label
        return found

    @cached_property
    def order(self) -> tuple[Neuron, ...]:
        """The neurons, first to last."""
        size = self.architecture.hidden_size
        neurons = [(1 + i // size, i % size) for i in range(self.architecture.layers * size)]
        by_labels = (self.filtered_features and not self.is_sorted) or self.results or self.sort == "feature"
        if by_labels:
            places = {neuron: place for place, neuron in enumerate(self.labels)}
            neurons.sort(key=lambda neuron: places.get(neuron, len(places)))
        elif self.sort == "score":
            neurons.sort(key=lambda neuron: -self.labels[neuron].strength if neuron in self.labels else 1.0)
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

    def _passes(self, neuron: Neuron) -> bool:
        if not self.filter:
            return True
        if self.filter == "*":
            return neuron in self.notes.starred
        label = self.labels.get(neuron)
        if label is not None and self.filtered_features:
            return True
        words = f"{neuron[0]}/{neuron[1]} {label.feature if label else ''} {self.notes.notes.get(neuron, '')}"
        return self.filter.lower() in words.lower()


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
