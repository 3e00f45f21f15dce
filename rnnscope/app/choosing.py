"""The initial selection of a trace, by how active its neurons are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.app.slowness import LAG
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace


def first_selection(trace: Trace) -> Selection:
    """The cursor a third into the passage, on the liveliest neuron of the last layer."""
    selection = Selection(trace).moved(cursor=first_cursor(trace), layer=trace.architecture.layers)
    return selection.moved(unit=liveliest(selection))


def retraced(selection: Selection | None, trace: Trace) -> Selection:
    """The same selection on another trace; on another text, with the cursor near its beginning."""
    if selection is None or selection.trace.architecture != trace.architecture:
        return first_selection(trace)
    moved = selection.moved(trace=trace)
    return moved if selection.trace.text == trace.text else moved.moved(cursor=first_cursor(trace))


def livelier_selection(selection: Selection) -> Selection:
    """The selection, moved to the liveliest neuron if its own is less than half as lively."""
    lively = liveliness(selection.trace.shown(selection.layer, selection.quantity))
    best = int(np.argmax(lively))
    return selection.moved(unit=best) if lively[selection.unit] < 0.5 * lively[best] else selection


def first_cursor(trace: Trace) -> int:
    """A character near the beginning of the passage, with text before and after it."""
    return min(len(trace) // 3, 90)


def liveliness(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(H,) standard deviation times autocorrelation of (T, H) values: high for large, slow changes."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) <= LAG:
        return np.zeros(values.shape[1])
    centered = values - values.mean(axis=0)
    variance = (centered**2).mean(axis=0)
    lagged = (centered[LAG:] * centered[:-LAG]).mean(axis=0)
    correlation = np.divide(lagged, variance, out=np.zeros_like(lagged), where=variance > 1e-12)
    lively: NDArray[np.float64] = np.sqrt(variance) * np.maximum(correlation, 0.0)
    return lively


def liveliest(selection: Selection) -> int:
    """The unit of the selection's layer with the highest liveliness over the passage."""
    return int(np.argmax(liveliness(selection.trace.shown(selection.layer, selection.quantity))))


def neighbor_quantity(selection: Selection, by: int) -> str:
    """The quantity `by` places further, cyclically."""
    names = selection.trace.quantities
    return names[(names.index(selection.quantity) + by) % len(names)]
