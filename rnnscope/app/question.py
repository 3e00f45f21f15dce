"""A question that a screen asks in one row, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LINE_BREAK = "↵"
"""What stands for a line break in the row."""


@dataclass(frozen=True)
class Question:
    """What is asked, and what becomes of the answer."""

    label: str
    value: str
    hint: str
    """What can be done, in parts three spaces apart: the first, the keys that end it, and as many as fit."""
    accept: Callable[[str], str | None]
    """Takes the answer; returns a complaint where it is not one, and the row stays."""
    nudge: Callable[[str, int], str] | None = None
    """The value one step up (+1) or down (−1) from what is written; applied at once."""
    cancel: Callable[[], None] | None = None
    """Undoes what nudging or typing did."""
    changed: Callable[[str, int], None] | None = None
    """Called at every key with what is written, and where the cursor is in it."""
    suggestions: tuple[str, ...] = ()
    """What Tab or → completes, and Enter accepts."""
    is_yes_no: bool = False
    """Whether y and n answer at once, without Enter."""


def confirm(label: str, accept: Callable[[], object]) -> Question:
    """A question that y or Enter accepts, and n or Esc does not."""

    def answered(answer: str) -> str | None:
        if answer.strip().lower() in ("", "y", "yes"):
            accept()
        return None

    return Question(label, "", "y yes   n no   Enter   Esc", answered, is_yes_no=True)


def in_one_row(text: str) -> str:
    """A text with a sign for each line break."""
    return text.replace("\n", LINE_BREAK)
