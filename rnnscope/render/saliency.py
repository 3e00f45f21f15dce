"""Saliency as bars: the characters on which one prediction depends most."""

from __future__ import annotations

import math

import numpy as np
from rich.cells import set_cell_size

from rnnscope.analysis.saliency import SaliencyResult
from rnnscope.render.report import Place, Report, bar, excerpt, sides, words
from rnnscope.text.display import counted, label

_LISTED = 24
_SYMBOL = 6
"""Columns of a character, such as U+200B."""


def report(result: SaliencyResult) -> Report:
    """The text before the prediction, colored by saliency, and the strongest characters."""
    strength = result.connectivity
    predicted = label(result.text[-1])
    colors = np.append(strength, 0.0).astype(np.float32)
    lines = [
        sides(f"attribution for “{predicted}”", f"p {math.exp(result.log_probability):.2f}"),
        excerpt(result.text, colors, len(strength), "", gate=True, choice=Place(result.position)),
        words(result.method, "dim"),
    ]
    for place in np.argsort(-strength, kind="stable")[:_LISTED].tolist():
        back = len(strength) - place
        lines.append(
            bar(
                f"{set_cell_size(label(result.text[place]), _SYMBOL)} {back:>4} back",
                [(float(strength[place]), "violet")],
                f"{strength[place]:.2f}",
                name_width=_SYMBOL + 10,
                value_width=5,
                choice=Place(result.start + place),
            )
        )
    return Report(
        f"position {result.position:,}", f"{counted(len(strength), 'character')} before it", tuple(lines)
    )
