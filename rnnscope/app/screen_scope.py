"""The scope of a screen: one selection that all its panels show, and jobs that ask its session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from textual.screen import Screen

from rnnscope.analysis.query import Query, Result
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.panels.panel import Panel
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron, Severity, error_line
from rnnscope.app.stage import Stage
from rnnscope.jobs import Jobs
from rnnscope.selection import DEFAULT_QUANTITY, Label, Selection
from rnnscope.session import Session

R = TypeVar("R", bound=Result)
LabelOf = Callable[[Neuron, str | None], Label | None]
Listener = Callable[[Selection | None, Selection], object]
"""Called with the selection before and the one that is shown now."""

FIRST_CHARACTERS = 20_000
"""Characters that a search reads by default."""


class ScreenScope:
    """What the panels of one screen may ask of it; see `rnnscope.app.scope.Scope`."""

    def __init__(
        self,
        screen: Screen[None],
        jobs: Jobs,
        *,
        label_of: LabelOf = lambda neuron, quantity: None,
        read_page: Callable[[int], object] = lambda position: None,
    ) -> None:
        """label_of: what a neuron detects in a quantity, or in its best one if that is None.

        read_page: goes to a position outside the trace.
        """
        self.jobs = jobs
        self.session: Session | None = None
        self._screen = screen
        self._label_of = label_of
        self._read_page = read_page
        self._selection: Selection | None = None
        self._listeners: list[Listener] = []
        self._is_chosen = False
        self._characters = FIRST_CHARACTERS
        self._length = 0

    # -- the selection ---------------------------------------------------------------------------------------

    @property
    def selection(self) -> Selection | None:
        return self._selection

    @property
    def is_chosen(self) -> bool:
        """Whether the user has chosen what is selected."""
        return self._is_chosen

    def listen(self, listener: Listener) -> None:
        """Call `listener` whenever the selection has changed, after the panels have shown it."""
        self._listeners.append(listener)

    def show(self, selection: Selection) -> None:
        """Show another selection in all panels, in one frame."""
        before = self._selection
        label = self._label_of((selection.layer, selection.unit), selection.quantity)
        self._selection = selection = replace(selection, label=label)
        with self._screen.app.batch_update():
            for panel in self._screen.query(Panel):
                panel.show(selection)
            for listener in self._listeners:
                listener(before, selection)

    def show_again(self) -> None:
        """Show the selection again, where labels have changed."""
        if self._selection is not None:
            self.show(self._selection)

    def select(self, **changes: object) -> None:
        if self._selection is not None:
            self._is_chosen = True
            self.show(self._selection.moved(**changes))

    def select_neuron(self, layer: int, unit: int, **changes: object) -> None:
        if self._selection is not None:
            self.select(**self._chosen(self._selection, layer, unit, changes))

    def suggest_neuron(self, layer: int, unit: int, **changes: object) -> None:
        """Select a neuron as `select_neuron` does, but not as the user's choice."""
        if self._selection is not None:
            self.show(self._selection.moved(**self._chosen(self._selection, layer, unit, changes)))

    def _chosen(
        self, selection: Selection, layer: int, unit: int, changes: Mapping[str, object]
    ) -> dict[str, object]:
        """The changes of a selection that choose a neuron, in the quantity of its label."""
        found: dict[str, object] = {"layer": layer, "unit": unit, **changes}
        if selection.coloring == "overlay":
            found.setdefault("coloring", "neuron")
        if "quantity" in changes:
            found.setdefault("keeps_quantity", False)
        elif not found.get("keeps_quantity", selection.keeps_quantity):
            label = self._label_of((layer, unit), None)
            found["quantity"] = DEFAULT_QUANTITY if label is None else label.quantity
        return found

    def select_quantity(self, quantity: str) -> None:
        self.select(quantity=quantity, keeps_quantity=True, coloring="neuron")

    def release_quantity(self) -> bool:
        """Show the quantity of the neuron's label again. Returns True if the user had chosen another."""
        selection = self._selection
        if selection is None or not selection.keeps_quantity:
            return False
        self.select_neuron(selection.layer, selection.unit, keeps_quantity=False)
        return True

    def go_to(self, position: int) -> None:
        if self._selection is not None:
            self._is_chosen = True
            self.suggest_place(position)

    def suggest_place(self, position: int) -> None:
        """Move the cursor as `go_to` does, but not as the user's choice."""
        selection = self._selection
        if selection is None:
            return
        index = position - selection.start
        if 0 <= index < len(selection.trace):
            self.show(selection.moved(cursor=index))
        else:
            self._read_page(position)

    # -- the text and the session ----------------------------------------------------------------------------

    @property
    def characters(self) -> int:
        return self._characters

    @property
    def length(self) -> int:
        return self._length

    def set_length(self, length: int) -> None:
        """length: the number of characters of the text, as far as it has been counted."""
        self._length = length

    def toggle_characters(self) -> None:
        """Switch searches between the beginning of the text and the whole text."""
        self._characters = 0 if self._characters else FIRST_CHARACTERS
        if self._characters:
            self.announce(f"searches read the first {self._characters:,} characters")
        else:
            self.announce(f"searches read all {self._length:,} characters; Esc cancels one")
        for panel in self._screen.query(Panel):
            panel.ask_again()

    def use(self, session: Session) -> None:
        """Run queries on this session."""
        self.session = session

    def ask(self, key: str, query: Query[R], on_result: Callable[[R], object]) -> None:
        session = self.session
        if session is not None:
            self.jobs.submit(
                key,
                lambda progress: session.ask(query, progress),
                activity=query.activity,
                on_result=on_result,
                on_error=self.announce_error,
            )

    # -- what lies over the panels ---------------------------------------------------------------------------

    def announce(
        self, message: str, severity: Severity = "note", *, on_click: Callable[[], object] = lambda: None
    ) -> None:
        """on_click: called when the message is clicked."""
        self._screen.query_one(Banner).announce(message, severity, on_click=on_click)

    def announce_error(self, error: Exception) -> None:
        """Announce an error as a warning."""
        self.announce(error_line(error), "warning")

    def prompt(self, question: Question) -> None:
        self._screen.query_one(Banner).dismiss()
        self._screen.query_one(Prompt).ask(question)

    def close_prompt(self) -> None:
        self._screen.query_one(Prompt).drop()

    def show_panel(self, panel: str, *, focus: bool = False) -> None:
        self._screen.query_one(Stage).show_panel(panel, focus=focus)
