"""The selection that all panels of a screen show: one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import strength
from rnnscope.tracing.trace import Trace, is_gate

if TYPE_CHECKING:
    from rnnscope.analysis.find import FoundNeuron
    from rnnscope.analysis.names import NeuronLabel

DEFAULT_QUANTITY = "cell"
"""The quantity of a neuron without a label; networks without a cell state show the hidden state."""


@dataclass(frozen=True)
class Label:
    """The feature that a quantity of a neuron detects, and how well on text that it was not chosen on."""

    feature: str
    """As it is displayed, such as `round brackets`."""
    score: float
    """On the held-out half, 0..1: AUC, or the strength of Spearman's correlation."""
    metric: str
    """`AUC` or `ρ`."""
    quantity: str
    is_negative: bool = False
    """Whether the quantity is low where the feature holds."""
    strength: float = 0.0
    """From 0, chance, to 1, on the selection half; neurons are ranked by it."""

    @classmethod
    def of(cls, found: FoundNeuron | NeuronLabel, feature: str) -> Label:
        """The label of a neuron that a search, or the naming of all neurons, has found."""
        return cls(
            feature.replace("-", " ") if feature in FEATURES else feature,
            found.held_out,
            "AUC" if found.metric == "auc" else "ρ",
            found.quantity,
            found.direction < 0,
            strength(found.score, found.metric),
        )

    @property
    def signed_quantity(self) -> str:
        """The quantity and its sign where the feature holds, such as `cell −`."""
        return f"{self.quantity} {'−' if self.is_negative else '+'}"

    @property
    def name(self) -> str:
        """Such as `quotes · cell −`."""
        return f"{self.feature} · {self.signed_quantity}"

    @property
    def scored(self) -> str:
        """Such as `AUC 0.81`."""
        return f"{self.metric} {self.score:.2f}"


@dataclass(frozen=True, eq=False)
class Overlay:
    """Values of an analysis that color the passage in place of a neuron, such as an ablation's losses."""

    subject: str
    values: NDArray[np.float32]
    """(T,) float32, within −1..1, or within 0..1 where `kind` is not diverging."""
    kind: Literal["diverging", "gate", "probability"] = "diverging"
    ends: tuple[str, str] = ("−1", "+1")
    """The values at the ends of the legend."""


@dataclass(frozen=True)
class Second:
    """A second neuron, shown with the selected one."""

    layer: int
    unit: int
    quantity: str
    place: Literal["under", "beside"] = "under"
    """Below each line of the passage, or in a second passage."""

    @property
    def name(self) -> str:
        """The neuron and its quantity, such as `1/97, cell`."""
        return f"{self.layer}/{self.unit}, {self.quantity}"


@dataclass(frozen=True, eq=False)
class Selection:
    """A trace with the selected character, neuron and quantity."""

    trace: Trace
    cursor: int = 0
    """The index of the selected character, 0..T−1."""
    layer: int = 1
    """Counts from 1."""
    unit: int = 0
    """Counts from 0."""
    quantity: str = DEFAULT_QUANTITY
    keeps_quantity: bool = False
    """Whether the user has chosen the quantity: other neurons are then shown in it, too."""
    own_range: bool = False
    """Whether colors span the range of the neuron over the passage, rather than that of the quantity."""
    coloring: Literal["neuron", "surprisal", "overlay"] = "neuron"
    top_five: bool = False
    """Whether the five most probable characters are shown below every character of the passage."""
    overlay: Overlay | None = None
    """The values that `coloring="overlay"` shows."""
    second: Second | None = None
    label: Label | None = None
    """The feature that the selected quantity of the neuron detects, if one is known."""
    start: int = 0
    """The position in the text of the trace's first character."""

    @property
    def position(self) -> int:
        """The position of the cursor in the text."""
        return self.start + self.cursor

    @property
    def neuron(self) -> str:
        """The selected neuron as LAYER/UNIT, such as `1/97`."""
        return f"{self.layer}/{self.unit}"

    @property
    def is_gate(self) -> bool:
        """Whether the selected quantity is a gate."""
        return is_gate(self.quantity)

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """(T,) float32, the selected quantity of the selected neuron: within 0..1 for gates, else −1..1."""
        return self.trace.shown(self.layer, self.quantity, self.unit)

    @cached_property
    def colored(self) -> NDArray[np.float32]:
        """(T,) float32, `values`, scaled to the neuron's own range if `own_range` is set."""
        if not self.own_range:
            return self.values
        if self.is_gate:
            low, high = float(self.values.min()), float(self.values.max())
            return (self.values - low) / max(high - low, 1e-6)
        return self.values / max(float(np.abs(self.values).max()), 1e-6)

    def along(self, start: int, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(T,) values of the text's characters from `start` on, aligned to the trace; 0 elsewhere."""
        page = np.zeros(len(self.trace), np.float32)
        low, high = max(start, self.start), min(start + len(values), self.start + len(page))
        if low < high:
            page[low - self.start : high - self.start] = values[low - start : high - start]
        return page

    def has_text_of(self, other: Selection) -> bool:
        """Return True if both selections have the same text, and so the same layout."""
        ours, theirs = self.trace, other.trace
        return ours is theirs or (
            (ours.symbols, ours.written) == (theirs.symbols, theirs.written)
            and np.array_equal(ours.ids, theirs.ids)
        )

    def seconded(self) -> Selection | None:
        """The selection of the second neuron; None where there is no second."""
        second = self.second
        if second is None:
            return None
        return replace(
            self,
            layer=second.layer,
            unit=second.unit,
            quantity=second.quantity,
            coloring="neuron",
            overlay=None,
            top_five=False,
            second=None,
            label=None,
        )

    def moved(self, **changes: object) -> Selection:
        """The selection with some fields changed; cursor, layer and unit are clamped to the trace.

        An overlay is dropped where the text changes.
        """
        selection = replace(self, **changes)  # type: ignore[arg-type]
        shape = selection.trace.architecture
        overlay = selection.overlay
        if overlay is self.overlay and not np.array_equal(selection.trace.ids, self.trace.ids):
            overlay = None
        if overlay is not None and len(overlay.values) != len(selection.trace):
            overlay = None
        return replace(
            selection,
            overlay=overlay,
            coloring="neuron" if overlay is None and selection.coloring == "overlay" else selection.coloring,
            cursor=max(0, min(selection.cursor, len(selection.trace) - 1)),
            layer=max(1, min(selection.layer, shape.layers)),
            unit=max(0, min(selection.unit, shape.hidden_size - 1)),
            quantity=selection.quantity if selection.quantity in selection.trace.quantities else "hidden",
        )
