"""What is being looked at: one frozen value that the screen makes and every panel shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.tracing.trace import Trace, is_gate


@dataclass(frozen=True, eq=False)
class Overlay:
    """Something else than a neuron to color the passage by, such as what is lost without one."""

    subject: str
    values: NDArray[np.float32]
    """(T,) as they are colored: −1..1, or 0..1 for what is never negative."""
    kind: Literal["diverging", "gate", "probability"] = "diverging"
    ends: tuple[str, str] = ("−1", "+1")
    """What the legend's ends stand for."""


@dataclass(frozen=True)
class Second:
    """Another neuron to see beside the chosen one."""

    layer: int
    unit: int
    quantity: str
    place: Literal["under", "beside"] = "under"
    """Under each line of the passage, or in a passage of its own."""

    @property
    def name(self) -> str:
        return f"{self.layer}/{self.unit}, {self.quantity}"


@dataclass(frozen=True, eq=False)
class Selection:
    """A trace, and which character, neuron and quantity of it are chosen."""

    trace: Trace
    cursor: int = 0
    """Index of the chosen character, 0..T−1."""
    layer: int = 1
    """Counts from 1."""
    unit: int = 0
    """Counts from 0."""
    quantity: str = "cell"
    own_range: bool = False
    """Colors span the neuron's own range over the passage rather than the quantity's."""
    coloring: Literal["neuron", "surprise", "overlay"] = "neuron"
    top_five: bool = False
    """Show the five most probable characters under every character of the passage."""
    overlay: Overlay | None = None
    """What `coloring="overlay"` shows."""
    second: Second | None = None
    knows: str = ""
    """A name found for the neuron, such as `column`; empty where nobody looked."""

    @property
    def neuron(self) -> str:
        """Such as `1/97`."""
        return f"{self.layer}/{self.unit}"

    @property
    def is_gate(self) -> bool:
        return is_gate(self.quantity)

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """(T,) the chosen quantity of the chosen neuron as it is colored: 0..1 for gates, else −1..1."""
        return self.trace.shown(self.layer, self.quantity, self.unit)

    @cached_property
    def colored(self) -> NDArray[np.float32]:
        """(T,) `values`, stretched to the neuron's own range where that was asked for."""
        if not self.own_range:
            return self.values
        if self.is_gate:
            low, high = float(self.values.min()), float(self.values.max())
            return (self.values - low) / max(high - low, 1e-6)
        return self.values / max(float(np.abs(self.values).max()), 1e-6)

    def has_text_of(self, other: Selection) -> bool:
        """Whether both are of the same characters, so that they stand on the same lines."""
        ours, theirs = self.trace, other.trace
        return ours is theirs or (
            (ours.symbols, ours.written) == (theirs.symbols, theirs.written)
            and np.array_equal(ours.ids, theirs.ids)
        )

    def seconded(self) -> Selection | None:
        """The second neuron as the chosen one; None where there is no second."""
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
            knows="",
        )

    def moved(self, **changes: object) -> Selection:
        """The same selection with some fields changed; cursor, layer and unit are kept within the trace.

        What the characters of one text were colored by is not left on those of another.
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
