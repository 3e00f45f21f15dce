"""Which neuron and which character to look at: the first choice, and moves from one to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.app.slowness import LAG
from rnnscope.selection import View
from rnnscope.tracing.trace import Trace


def first_view(trace: Trace) -> View:
    """The cursor a third into the passage, on the liveliest neuron of the last layer."""
    view = View(trace).moved(cursor=first_cursor(trace), layer=trace.architecture.layers)
    return view.moved(unit=liveliest(view))


def livelier_view(view: View) -> View:
    """The same view, on the liveliest neuron where its own has lost half of that one's liveliness."""
    lively = liveliness(view.trace.shown(view.layer, view.quantity))
    best = int(np.argmax(lively))
    return view.moved(unit=best) if lively[view.unit] < 0.5 * lively[best] else view


def first_cursor(trace: Trace) -> int:
    """A character near the beginning of the passage, with text before and after it."""
    return min(len(trace) // 3, 90)


def liveliness(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(H,) deviation times autocorrelation of (T, H) values: what moves widely and yet slowly."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) <= LAG:
        return np.zeros(values.shape[1])
    centered = values - values.mean(axis=0)
    variance = (centered**2).mean(axis=0)
    lagged = (centered[LAG:] * centered[:-LAG]).mean(axis=0)
    correlation = np.divide(lagged, variance, out=np.zeros_like(lagged), where=variance > 1e-12)
    lively: NDArray[np.float64] = np.sqrt(variance) * np.maximum(correlation, 0.0)
    return lively


def liveliest(view: View) -> int:
    """The unit of the view's layer that shows most over the passage."""
    return int(np.argmax(liveliness(view.trace.shown(view.layer, view.quantity))))


def neighbor_quantity(view: View, by: int) -> str:
    """The quantity `by` places on, round and round."""
    names = view.trace.quantities
    return names[(names.index(view.quantity) + by) % len(names)]
