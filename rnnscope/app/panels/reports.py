"""A panel that lists a report: arrows go through its lines, and what is chosen is told to the screen."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.render.report import Choice, Report, Run, words

_WHEEL_ROWS = 3


def _binding(keys: str, action: str, tooltip: str) -> Binding:
    return Binding(keys, action, tooltip, id=f"report.{action}", tooltip=tooltip, show=False)


class ReportPanel(Panel):
    """Lists one `Report`; posts `Chosen`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _binding("up", "step(-1)", "The line above, and where it points"),
        _binding("down", "step(1)", "The line below, and where it points"),
        _binding("enter", "choose", "Where the line points, again"),
    ]

    class Chosen(Message):
        """A line was chosen."""

        def __init__(self, choice: Choice, *, again: bool) -> None:
            super().__init__()
            self.choice = choice
            self.again = again
            """Whether Enter or a click asked for it, rather than walking past."""

    def __init__(self, heading: str, hint: str, *, action: str = "", id: str | None = None) -> None:
        """`hint` is shown where there is no report yet; it stands for an action of the screen, if for any."""
        super().__init__(id=id)
        self.heading = heading  # type: ignore[misc]
        self._hint = Report(lines=(words(hint, "dim", choice=Run("press", action) if action else None),))
        self._report = self._hint
        self._first = 0
        self._at: int | None = None

    def show_report(self, report: Report, *, keep_place: bool = False) -> None:
        """Show another report; with `keep_place`, the chosen line stays where it is seen."""
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
        if self._at is None:
            at = choosable[0]
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
            self.post_message(self.Chosen(choice, again=again))

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
            self.post_message(self.Chosen(choice, again=True))
        elif line.choice is not None:
            self._choose(number, again=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._begin_at(self._first - _WHEEL_ROWS)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._begin_at(self._first + _WHEEL_ROWS)
        event.stop()
