"""The pinned second neuron: a row of its colors under each line of the passage.

saw the harmonium, for the Murs      on the selected neuron's colors
▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀      the second neuron's; signs without color
"""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnscope.app.half_blocks import strip
from rnnscope.export.layout import Layout, first_equal, paint
from rnnscope.selection import Selection
from rnnscope.theme.palette import Palette, signed_steps, unit_steps
from rnnscope.tracing.trace import is_gate


def has_second_row(selection: Selection) -> bool:
    return selection.second is not None and selection.second.place == "under"


def second_row(selection: Selection, layout: Layout, start: int, end: int, palette: Palette) -> list[Segment]:
    """The second neuron's colors under the characters `start` to `end` of one line."""
    second = selection.second
    if second is None:
        return []
    cells = np.flatnonzero(layout.bases[start:end] == np.arange(start, end)) + start
    gates = is_gate(second.quantity)
    values = selection.trace.shown(second.layer, second.quantity, second.unit)[cells]
    steps = unit_steps(values) if gates else signed_steps(values)
    glyphs, styles = strip(palette, gates=gates)
    pieces = [glyphs[step] * width for step, width in zip(steps, layout.widths[cells].tolist(), strict=True)]
    return paint(pieces, first_equal(styles)[steps].tolist(), styles)
