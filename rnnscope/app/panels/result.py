"""A panel that lists the result of a query: ↑ and ↓ go through its lines, Enter or a click chooses one.

    ▎ contexts  1/97, cell                        20,000 characters
    ▎ first 20,000 of 150,225 characters; L searches all
    ▎▸The ledger of the harbor, in order …                    +0.98

It draws what `rnnscope.render` makes of the result, so that a panel, the command line and HTML show the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType

from rnnscope.analysis.query import Query, Result
from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.app.scope import Scope
from rnnscope.render import render
from rnnscope.render.report import Choice, Line, Place, Report, Run, Unit, words
from rnnscope.selection import Selection
from rnnscope.text.display import counted

R = TypeVar("R", bound=Result)
_WHEEL_ROWS = 3
_PRESS = Run("press")
"""The choice of the hint: Enter or a click on it does what the panel's key does."""
_SEARCH_ALL = Run("search_all")


def _ignore(*arguments: object) -> None:
    pass


class ResultPanel(Panel):
    """Lists one result. A line leads to a position of the text, to a neuron, or runs something."""

    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("up", "step(-1)", "Previous line; the screen goes where it points", "line"),
        focus_key("down", "step(1)", "Next line; the screen goes where it points", "line"),
        focus_key("enter", "choose", "Open the line", "open"),
    ]

    def __init__(
        self,
        scope: Scope,
        heading: str,
        hint: str,
        *,
        id: str,
        press: Callable[[], object] = _ignore,
        run: Callable[[Run, bool], object] = _ignore,
        on_selection: Callable[[Selection | None, Selection], object] = _ignore,
        on_show: Callable[[], object] = _ignore,
    ) -> None:
        """hint: the line that stands where there is no result; Enter on it calls `press`.

        run: called with a line's `Run`, and with whether Enter or a click chose it rather than walking past.
        on_selection: called with the selection before and the present one. on_show: called when the panel
        comes into sight.
        """
        super().__init__(id=id)
        self.heading = heading
        self._scope = scope
        self._key: str = id
        self._press, self._run = press, run
        self._on_selection, self._when_shown = on_selection, on_show
        self._selection: Selection | None = None
        self._report = Report(lines=(words(hint, "dim", choice=_PRESS),))
        self._query: Query[Any] | None = None
        self._result: Result | None = None
        self._on_result: Callable[[Any], object] = _ignore
        self._first = 0
        self._at: int | None = None

    # -- queries and results ---------------------------------------------------------------------------------

    @property
    def last_query(self) -> Query[Any] | None:
        """The last query."""
        return self._query

    @property
    def result(self) -> Result | None:
        """The result that is shown."""
        return self._result

    def ask(
        self,
        query: Query[R],
        on_result: Callable[[R], object] | None = None,
        *,
        focus: bool = True,
        show: bool = True,
    ) -> None:
        """Ask a query, and show its result when it is there.

        on_result: shows the result; by default it is listed. show, focus: bring the panel into sight now, and
        give it the focus.
        """
        self._query = query
        self._on_result = self.show_result if on_result is None else on_result
        if show:
            self._scope.show_panel(self._key, focus=focus)
        self._scope.ask(self._key, query, self._receive)

    def _receive(self, result: Result) -> None:
        self._result = result
        self._on_result(result)

    def show_result(self, result: Result) -> None:
        """List a result."""
        self.show_report(render(result), keep_place=False)

    def ask_again(self) -> None:
        if self._query is not None and self.display:
            self.ask(with_characters(self._query, self._scope.characters), self._on_result, show=False)

    def show(self, selection: Selection) -> None:
        before, self._selection = self._selection, selection
        self._on_selection(before, selection)

    def on_show(self) -> None:
        self._when_shown()

    def show_report(self, report: Report, *, keep_place: bool = False) -> None:
        """List a report; with `keep_place`, the chosen line stays where it is seen."""
        report = dataclasses.replace(report, lines=(*self._extent(), *report.lines))
        before, self._report = self._report, report
        if not keep_place:
            self._first, self._at = 0, None
        elif self._at is not None:
            chosen = before.lines[self._at].choice
            at = next((i for i, line in enumerate(report.lines) if line.choice == chosen), None)
            self._first += 0 if at is None else at - self._at
            self._at = at
        self._first = max(0, min(self._first, len(report.lines) - 1))
        self.redraw()

    def _extent(self) -> list[Line]:
        """A line that says how much was read, where that is not the whole text."""
        read, length = getattr(self._query, "characters", 0), self._scope.length
        if not read or length <= read:
            return []
        text = f"first {read:,} of {counted(length, 'character')}; L searches all"
        shorter = f"first {read:,} of {length:,}; L searches all"
        return [words(text, "dim", shorter, f"first {read:,}; L: all", choice=_SEARCH_ALL)]

    def subject(self) -> str:
        return self._report.subject

    def legend(self) -> list[Segment]:
        return [Segment(self._report.legend, self.palette.ink("dim"))] if self._report.legend else []

    def mark(self, row: int) -> Segment | None:
        is_chosen = self._at is not None and row + self._first == self._at
        return Segment("▸", self.palette.ink("strong", on="select")) if is_chosen else None

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        number = row + self._first
        if number >= len(self._report.lines):
            return []
        fill = "select" if number == self._at else "panel"

        def ink(token: str, *, bold: bool = False) -> Style:
            return self.palette.ink(token, bold=bold, on=fill)

        row_of = [*self._report.lines[number].draw(self.palette, ink, width)]
        used = sum(segment.cell_length for segment in row_of)
        if fill == "select" and used < width:
            row_of.append(Segment(" " * (width - used), ink("text")))
        return row_of

    # -- choosing --------------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        choosable = [i for i, line in enumerate(self._report.lines) if line.choice is not None]
        if not choosable:
            self._begin_at(self._first + by)
            return
        if self._at is None:  # not the line that extends the search, unless there is no other
            at = next((i for i in choosable if self._report.lines[i].choice != _SEARCH_ALL), choosable[0])
        else:
            beyond = [i for i in choosable if (i > self._at if by > 0 else i < self._at)]
            at = (beyond[0] if by > 0 else beyond[-1]) if beyond else self._at
        self._choose(at, again=False)

    def action_choose(self) -> None:
        if self._at is not None:
            self._choose(self._at, again=True)

    def _choose(self, at: int, *, again: bool) -> None:
        choice = self._report.lines[at].choice
        self._at = at
        height = self.body_height
        first = min(at if at > 1 else 0, max(self._first, at - height + 1))
        self._begin_at(first)
        self.redraw()
        if choice is not None:
            self._follow(choice, again=again)

    def _follow(self, choice: Choice, *, again: bool) -> None:
        """Go to the target of a line."""
        match choice:
            case Place(position=position):
                self._scope.go_to(position)
            case Unit(layer=layer, unit=unit):
                self._scope.select_neuron(layer, unit)
            case Run() if choice in (_PRESS, _SEARCH_ALL):
                if again:
                    (self._press if choice == _PRESS else self._scope.toggle_characters)()
            case Run():
                self._run(choice, again)

    def show_below(self, rows: int) -> None:
        """Bring some lines below the chosen one into sight, as far as it stays in sight itself."""
        if self._at is not None:
            most = self._at + 1 + rows - self.body_height
            self._begin_at(max(self._first, min(self._at, most)))

    def _begin_at(self, first: int) -> None:
        first = max(0, min(first, len(self._report.lines) - self.body_height))
        if first != self._first:
            self._first = first
            self.redraw()

    def on_click(self, event: events.Click) -> None:
        number = event.y - self.body_top + self._first
        inside = event.y >= self.body_top and event.x >= PADDING - 1
        if not inside or number >= len(self._report.lines):
            return
        line = self._report.lines[number]
        if line.pointed is not None:
            choice = line.pointed(event.x - PADDING, self.body_width)
            self._follow(choice, again=True)
        elif line.choice is not None:
            self._choose(number, again=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._begin_at(self._first - _WHEEL_ROWS)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._begin_at(self._first + _WHEEL_ROWS)
        event.stop()


def how_much(read: int, length: int) -> str:
    """`20,000 of 150,225 characters`, or `150,225 characters` where all was read."""
    return f"{read:,} of {counted(length, 'character')}" if read < length else counted(read, "character")


def with_characters(query: Query[R], characters: int) -> Query[R]:
    """The same query, of the first characters of the text, if it has such a field."""
    fields = {field.name for field in dataclasses.fields(query)}
    changes: dict[str, Any] = {"characters": characters} if "characters" in fields else {}
    return dataclasses.replace(query, **changes)
