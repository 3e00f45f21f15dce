"""The interface of a screen that panels use; tests pass a fake one.

keys, clicks ──▶ panel ──scope.select(cursor=7)──▶ Selection ──▶ every panel's show(selection), in one frame
                 panel ──scope.ask(Contexts(…))──▶ a job     ──▶ the panel's callback, with the result
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, TypeVar

from rnnscope.analysis.query import Query, Result
from rnnscope.app.question import Question
from rnnscope.errors import OUT_OF_MEMORY, RnnscopeError, is_out_of_memory, notes_of, os_error_line
from rnnscope.selection import Selection

R = TypeVar("R", bound=Result)
Severity: TypeAlias = Literal["note", "warning"]
Neuron: TypeAlias = tuple[int, int]
"""Layer, from 1, and unit, from 0."""


class Scope(Protocol):
    """The selection, the text and the session of a screen, with its messages and its prompt."""

    @property
    def selection(self) -> Selection | None:
        """The selection that all panels show; None before the first trace."""

    @property
    def characters(self) -> int:
        """The number of characters from the beginning of the text that a search reads; 0 for all."""

    def toggle_characters(self) -> None:
        """Switch searches between the beginning of the text and the whole text."""

    @property
    def length(self) -> int:
        """The number of characters of the text that have been counted so far."""

    def select(self, **changes: object) -> None:
        """Change fields of the selection; does nothing before the first trace."""

    def select_neuron(self, layer: int, unit: int, **changes: object) -> None:
        """Select a neuron, and color the passage by it instead of by an analysis.

        It is shown in the quantity that its label is of, unless the user has chosen one.
        """

    def select_quantity(self, quantity: str) -> None:
        """Show this quantity of every neuron that is selected from now on; the user has chosen it."""

    def go_to(self, position: int) -> None:
        """Move the cursor to a position of the text; −1 is the last."""

    def ask(self, key: str, query: Query[R], on_result: Callable[[R], object]) -> None:
        """Run a query in a job and pass its result to `on_result`; an error is announced.

        A running job with the same key is cancelled.
        """

    def announce(self, message: str, severity: Severity = "note") -> None:
        """Show a message for some seconds, and add it to the message log."""

    def prompt(self, question: Question) -> None:
        """Ask for a line of text, over the footer."""

    def close_prompt(self) -> None:
        """Cancel the open prompt, if there is one."""

    def show_panel(self, panel: str, *, focus: bool = False) -> None:
        """Show a panel, by its id."""


def error_line(error: BaseException) -> str:
    """The message of an error; one that is not an RnnscopeError is reported as an internal error."""
    if isinstance(error, RnnscopeError):
        return str(error)  # a line break in it is one of the text that it quotes
    if isinstance(error, OSError):
        return os_error_line(error)
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return f"internal error: {type(error).__name__}: {' '.join(str(error).split())}{notes_of(error)}"
