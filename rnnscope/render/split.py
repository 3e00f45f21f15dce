"""Lines on the evaluated characters and the training text of n-gram models."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rnnscope.analysis.comparison import OWN_TRAINING_TEXT, Split
from rnnscope.render.report import Line, Place, excerpt, words
from rnnscope.text.display import counted

_AROUND = 60


def split_lines(split: Split, learners: str = "n-grams") -> list[Line]:
    """learners: the models that learned the training text."""
    source, size = split.training_text, f"{split.training_characters:,}"
    lines = [
        words(
            f"evaluated: {counted(split.characters, 'character')} from {split.start:,} on",
            "dim",
            f"{counted(split.characters, 'character')} from {split.start:,}",
        ),
        words(
            f"{learners} learned {size} characters: {source}",
            "dim",
            f"{learners} learned {source}",
            f"learned {source}",
        ),
    ]
    if split.removed_characters:
        removed = f"{split.removed_characters:,}"
        lines.append(
            words(
                f"without {removed} more, which are copies of what is evaluated",
                "dim",
                f"without {removed} copies of it",
            )
        )
        if split.training_text == OWN_TRAINING_TEXT:
            lines.append(words("the network was trained on these, which favors it", "dim"))
    return lines


def places(text: str, text_start: int, positions: Iterable[int], mark: float) -> list[Line]:
    """The characters at some positions of the text, each marked among those around it."""
    lines = []
    for position in positions:
        at = position - text_start
        first = max(0, at - _AROUND)
        shown = text[first : at + _AROUND]
        values = np.zeros(len(shown), np.float32)
        values[at - first] = mark
        value = f"{position:,}"
        lines.append(excerpt(shown, values, at - first, value, gate=False, choice=Place(position)))
    return lines
