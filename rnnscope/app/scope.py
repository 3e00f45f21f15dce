"""What a panel may ask of the screen that it is on; a test gives it a fake one.

keys, clicks ──▶ panel ──scope.select(cursor=7)──▶ Selection ──▶ every panel's show(selection), in one frame
                 panel ──scope.ask(Contexts(…))──▶ a job     ──▶ the panel's callback, with the result
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, TypeVar

from rnnscope.analysis.query import Query, Result
from rnnscope.app.question import Question
from rnnscope.errors import RnnscopeError
from rnnscope.selection import Selection

R = TypeVar("R", bound=Result)
Severity: TypeAlias = Literal["note", "warning"]
Neuron: TypeAlias = tuple[int, int]
"""Layer, from 1, and unit, from 0."""


class Scope(Protocol):
    """The selection, the text and the session of a screen, and what a screen shows over its panels."""

    @property
    def selection(self) -> Selection | None:
        """What all panels show; None before the first trace."""

    @property
    def characters(self) -> int:
        """How much of the text a search reads: so many characters from its beginning, or 0 for all."""

    def toggle_characters(self) -> None:
        """Let searches read the whole text from now on, or its beginning again."""

    @property
    def length(self) -> int:
        """The number of characters of the text, as far as it has been counted."""

    def select(self, **changes: object) -> None:
        """Change fields of the selection; nothing happens before the first trace."""

    def select_neuron(self, layer: int, unit: int, **changes: object) -> None:
        """Choose a neuron, and color the passage by it where an analysis colors it now."""

    def go_to(self, position: int) -> None:
        """Put the cursor on a position of the text; −1 is the last."""

    def ask(self, key: str, query: Query[R], on_result: Callable[[R], object]) -> None:
        """Answer a query in a job; an earlier one of the same key is cancelled.

        An error is announced.
        """

    def announce(self, message: str, severity: Severity = "note") -> None:
        """Show a message for some seconds, and keep it for the message log."""

    def prompt(self, question: Question) -> None:
        """Ask for a line of text, over the footer."""

    def close_prompt(self) -> None:
        """Cancel the question that is asked, if there is one."""

    def show_panel(self, panel: str, *, focus: bool = False) -> None:
        """Bring a panel, by its id, into sight."""


def error_line(error: BaseException) -> str:
    """An error in words; one that is not the user's is called an internal error, in one line."""
    if isinstance(error, RnnscopeError):
        return str(error)  # a line break in it is one of the text that it quotes
    return f"internal error: {type(error).__name__}: {' '.join(str(error).split())}"
