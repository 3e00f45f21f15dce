"""A question for the prompt row, with the callbacks for its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

LINE_BREAK = "↵"
"""Represents a line break in the row."""


@dataclass(frozen=True)
class Question:
    """A label, an initial value and the callbacks for the answer."""

    label: str
    value: str
    hint: str
    """Help in parts separated by three spaces; the row shows the first, the closing keys, and as many of the
    others as fit."""
    accept: Callable[[str], str | None]
    """Called with the answer; returns an error message, which keeps the prompt open, or None."""
    nudge: Callable[[str, int], str] | None = None
    """Returns the value one step up (+1) or down (−1) from the text, after applying it."""
    cancel: Callable[[], None] | None = None
    """Called on Esc; reverts what `nudge` or `changed` did."""
    changed: Callable[[str, int], None] | None = None
    """Called at every key with the text and the cursor's index in it."""
    suggestions: tuple[str, ...] = ()
    """Completions for Tab, → and Enter."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Answers with a description of each, listed above the row; a click on one answers."""
    is_one_character: bool = False
    """Whether a character answers immediately, without Enter; such a question has no initial value."""
    is_yes_no: bool = False
    """Whether y and n answer immediately, without Enter."""


def confirm(label: str, accept: Callable[[], object]) -> Question:
    """A yes/no question: y or Enter calls `accept`, n or Esc cancels."""

    def answered(answer: str) -> str | None:
        if answer.strip().lower() in ("", "y", "yes"):
            accept()
        return None

    return Question(label, "", "y yes   n no   Enter   Esc", answered, is_yes_no=True)


def in_one_row(text: str) -> str:
    """A text with `LINE_BREAK` in place of each line break."""
    return text.replace("\n", LINE_BREAK)
