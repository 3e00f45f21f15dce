"""How a selection colors the text: which of the text styles each character has, and the words that say so.

neuron      the chosen quantity of the chosen neuron, diverging or gate, on the quantity's range or its own
surprise    bits that each character cost, 0..8, on the probability palette
overlay     what an analysis says of each character, in its own words
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from rnnscope.export.layout import Shapes, first_equal
from rnnscope.selection import Selection
from rnnscope.theme.legend import Kind
from rnnscope.theme.palette import STEPS, Palette, signed_steps, unit_steps

SURPRISE_RANGE_BITS = 8.0
"""The surprise that has the strongest color; what is higher looks the same."""
CURSOR = 2 * STEPS
"""The cursor's text style; the next one is the cursor's where the character is inverse already."""
_QUIET = 0.15
"""A line break on a value under this is dim."""
_WHOLE = (0, STEPS - 1)


@dataclass(frozen=True)
class Description:
    """What the title says of a coloring."""

    subjects: tuple[str, ...]
    """What is colored, the longest form first."""
    ends: tuple[str, str]
    """What the legend's ends stand for."""
    between: tuple[str, ...] = ()
    """What lies evenly between them."""
    steps: tuple[int, int] = _WHOLE
    """The palette's steps at the ends."""
    lead: str = ""
    """What stands before the legend."""


def kind_of(selection: Selection) -> Kind:
    """The palette of a selection's text."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        return selection.overlay.kind
    if selection.coloring == "surprise":
        return "probability"
    return "gate" if selection.is_gate else "diverging"


def codes(selection: Selection) -> NDArray[np.intp]:
    """(T,) which of the text styles each character has."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        values = selection.overlay.values
    elif selection.coloring == "surprise":
        values = np.concatenate(([0.0], selection.trace.surprise_bits / SURPRISE_RANGE_BITS))
    else:
        values = selection.colored
    steps = signed_steps(values) if kind_of(selection) == "diverging" else unit_steps(values)
    is_break = Shapes.of(selection.trace.symbols).ends_line[selection.trace.ids]
    return np.where(is_break & (np.abs(values) < _QUIET), steps + STEPS, steps)


@lru_cache(maxsize=16)
def text_styles(palette: Palette, kind: Kind) -> tuple[tuple[Style, ...], NDArray[np.intp]]:
    """The steps' styles, the same with dim text, the cursor's two; for each the first that looks the same."""
    cells: tuple[Style, ...] = getattr(palette, kind)
    dim = Style(color=palette.ink("dim").color)
    hole = Style(bold=True, underline=True)
    styles = (*cells, *(style + dim for style in cells), palette.cursor, hole)
    return styles, first_equal(styles)


def described(selection: Selection) -> Description:
    """The words for a selection's coloring, and its scale."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        return Description((selection.overlay.subject, ""), selection.overlay.ends)
    if selection.coloring == "surprise":
        bits = f"{SURPRISE_RANGE_BITS:.0f} bits"
        return Description(("surprise of each character", "surprise", ""), ("0", bits), ("4",))
    short = f"{selection.neuron} · {selection.quantity}"
    long = f"neuron {selection.neuron}, {selection.quantity}" + (
        f": {selection.knows}" if selection.knows else ""
    )
    subjects: tuple[str, ...] = (long, f"neuron {short}", short, selection.neuron)
    if selection.second is not None and selection.second.place == "under":
        lower = f"{selection.second.layer}/{selection.second.unit}"
        subjects = (
            f"{short}, under it {lower} · {selection.second.quantity}",
            f"{selection.neuron} over {lower}",
        )
    if not selection.own_range:
        if selection.is_gate:
            return Description(subjects, ("0", "1"), ("½",))
        return Description(subjects, ("−1", "+1"), ("−½", "0", "+½"))
    low, high = float(selection.values.min()), float(selection.values.max())
    if selection.is_gate:
        return Description(subjects, (f"{low:.2f}", f"{high:.2f}"), lead="own range ")
    first, last = signed_steps([float(selection.colored.min()), float(selection.colored.max())]).tolist()
    return Description(subjects, (_signed(low), _signed(high)), (), (first, last), "own range ")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
