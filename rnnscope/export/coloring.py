"""How a selection colors the text: the style of each character, and the title and legend of the scale.

neuron      the selected quantity of the selected neuron, on the quantity's range or the neuron's own
surprise    the surprisal of each character, 0..8 bits, on the probability palette
overlay     one value per character from an analysis, with the analysis's title
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
"""The surprisal of the strongest color; higher values look the same."""
CURSOR = 2 * STEPS
"""The code of the cursor's style; the next code is the cursor on a character that is inverse already."""
_QUIET = 0.15
"""A line break is dim where the value's magnitude is below this."""
_WHOLE = (0, STEPS - 1)


@dataclass(frozen=True)
class Description:
    """The title and the scale of a coloring."""

    subjects: tuple[str, ...]
    """The title, the longest form first."""
    ends: tuple[str, str]
    """The values at the ends of the legend."""
    between: tuple[str, ...] = ()
    """The values evenly spaced between them."""
    steps: tuple[int, int] = _WHOLE
    """The palette's steps at the ends."""
    lead: str = ""
    """The text before the legend."""


def kind_of(selection: Selection) -> Kind:
    """The palette of a selection's text."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        return selection.overlay.kind
    if selection.coloring == "surprisal":
        return "probability"
    return "gate" if selection.is_gate else "diverging"


def codes(selection: Selection) -> NDArray[np.intp]:
    """(T,) the index of each character's style in `text_styles`."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        values = selection.overlay.values
    elif selection.coloring == "surprisal":
        values = np.concatenate(([0.0], selection.trace.surprise_bits / SURPRISE_RANGE_BITS))
    else:
        values = selection.colored
    steps = signed_steps(values) if kind_of(selection) == "diverging" else unit_steps(values)
    is_break = Shapes.of(selection.trace.symbols).ends_line[selection.trace.ids]
    return np.where(is_break & (np.abs(values) < _QUIET), steps + STEPS, steps)


@lru_cache(maxsize=16)
def text_styles(palette: Palette, kind: Kind) -> tuple[tuple[Style, ...], NDArray[np.intp]]:
    """The 33 step styles, the same with dim text, the cursor's two; and the first equal style of each."""
    cells: tuple[Style, ...] = getattr(palette, kind)
    dim = Style(color=palette.ink("dim").color)
    hole = Style(bold=True, underline=True)
    styles = (*cells, *(style + dim for style in cells), palette.cursor, hole)
    return styles, first_equal(styles)


def described(selection: Selection) -> Description:
    """The title and the scale of a selection's coloring."""
    if selection.coloring == "overlay" and selection.overlay is not None:
        return Description((selection.overlay.subject, ""), selection.overlay.ends)
    if selection.coloring == "surprisal":
        bits = f"{SURPRISE_RANGE_BITS:.0f} bits"
        return Description(("surprise of each character", "surprise", ""), ("0", bits), ("4",))
    short, label = f"{selection.neuron} · {selection.quantity}", selection.label
    subjects: tuple[str, ...] = (f"neuron {selection.neuron}, {selection.quantity}", short, selection.neuron)
    if label is not None:
        named = f"{selection.neuron} · {label.name}"
        subjects = (
            f"{named}, {label.scored}",
            f"{named} {label.score:.2f}",
            named,
            label.name,
            label.feature,
            selection.neuron,
        )
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
