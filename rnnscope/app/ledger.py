"""How the state of a neuron comes about, character by character.

    LSTM and its kin   c(t) = f·c(t−1) + i·g           kept f·c, written i·g
    GRU                h(t) = z·h(t−1) + (1−z)·n       kept z·h, written (1−z)·n

What is kept is the state less what is written, so that it is known at the first character as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.selection import Selection

Float = NDArray[np.float64]


def numbers(selection: Selection, name: str, characters: slice) -> Float:
    """The raw values of a quantity, or of `kept` or `written`, of the chosen neuron at some characters."""

    def values(quantity: str) -> Float:
        recorded = selection.trace[f"{selection.layer}/{quantity}"]
        return recorded[characters, selection.unit].astype(np.float64)

    of_gru = selection.trace.architecture.cell == "gru"
    if name in ("kept", "written"):
        strength = 1 - values("update") if of_gru else values("input")
        written: Float = strength * values("candidate")
        return written if name == "written" else values("hidden" if of_gru else "cell") - written
    return values(name)


def squashed(selection: Selection, name: str, raw: Float) -> Float:
    """The same values within −1..1, as bars show them: what adds up to an LSTM's cell goes through tanh."""
    is_of_gru = selection.trace.architecture.cell == "gru"
    return np.tanh(raw) if name in ("kept", "written", "cell", "factor") and not is_of_gru else raw
