"""One row that asks for a line of text, over the footer, while the panels above keep updating.

     temperature  0.8                                            ↑↓ by 0.1   Enter   Esc

A question may list answers in rows above it; ↑ and ↓ walk them, or the suggestions for a line. Of a number
they change what the question is about at once, so that the effect is seen before Enter accepts it. A click
on a key that is named does what the key does.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label

from rnnscope.app.question import LINE_BREAK, Question

_KEYS = ("Enter", "Esc")
"""What ends a question stays in sight: the mouse has no other way."""
_LEAST_LINE = 12
_GAP = 2
_BETWEEN = "   "


class _Line(Input):
    """A line that takes pasted line breaks, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "line_break", show=False),
        Binding("tab", "cursor_right", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = LINE_BREAK.join(event.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        self.replace(text, *self.selection)

    def action_line_break(self) -> None:
        self.insert_text_at_cursor(LINE_BREAK)


class Prompt(Widget):
    """Asks one `Question` at a time; hidden in between. Posts `Closed` when it is done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "nudge(1)", show=False),
        Binding("down", "nudge(-1)", show=False),
        Binding("escape", "cancel", show=False),
    ]

    class Closed(Message):
        """The question was answered or cancelled."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False
        self._question: Question | None = None
        self._at: int | None = None
        """The number of the choice, or of the suggestion, that ↑ and ↓ have reached."""
        self._begun = ""
        """What was typed before ↑ or ↓; the suggestions that they walk begin with it."""
        self._label = Label("", markup=False, id="question")
        self._hint = Label("", markup=False, id="hint")
        self._line = _Line()
        self._choices = Label("", markup=False, id="choices")

    def compose(self) -> ComposeResult:
        yield self._choices
        yield self._label
        yield self._line
        yield self._hint

    def ask(self, question: Question) -> None:
        """Show a question and take the keys."""
        self._question = question
        self._at = None
        self._label.update(question.label)
        self._hint.update(self._fitting(question))
        self._hint.remove_class("complaint")
        self._show_choices()
        self._line.suggester = (
            SuggestFromList(question.suggestions, case_sensitive=False) if question.suggestions else None
        )
        with self._line.prevent(Input.Changed):
            self._line.value = question.value
        self._line.cursor_position = len(question.value)
        if question.changed is None:  # otherwise typing continues the text
            self._line.select_all()  # now: with the focus, which comes later, keys on their way would be lost
        self.display = True
        self.refresh(layout=True)
        self.screen.set_focus(self._line)  # now: the key that follows may be on its way, and q would leave

    def _show_choices(self) -> None:
        listed = [
            (f"{answer}  {text}", "reverse" if number == self._at else "")
            for number, (answer, text) in enumerate(self._listed)
        ]
        self._choices.update(Text("\n").join(Text(*line) for line in listed))
        self._choices.display = bool(listed)

    @property
    def rows(self) -> int:
        """How many rows the question takes, with the choices above it."""
        return 1 + len(self._listed)

    @property
    def _listed(self) -> list[tuple[str, str]]:
        """The choices, as many as leave half of the screen."""
        choices = [] if self._question is None else list(self._question.choices.items())
        return choices[: self.app.size.height // 2]

    async def on_click(self, event: events.Click) -> None:
        """A choice or a key of the hint, clicked."""
        row = event.get_content_offset(self._choices) if event.widget is self._choices else None
        if row is not None and row.y < len(self._listed):
            event.stop()
            self._answer(self._listed[row.y][0])
            return
        place = event.get_content_offset(self._hint) if event.widget is self._hint else None
        if place is None:
            return
        event.stop()
        match _key_at(str(self._hint.content), place.x):
            case "Enter":
                await self._line.action_submit()
            case "Esc":
                self.action_cancel()
            case "↑":
                self.action_nudge(+1)
            case "↓":
                self.action_nudge(-1)

    def _fitting(self, question: Question) -> str:
        room = self.app.size.width - len(question.label) - _LEAST_LINE - 3 * _GAP
        parts = question.hint.split(_BETWEEN)
        while len(_BETWEEN.join(parts)) > room and len(parts) > 1:
            optional = [part for part in parts[1:] if part.partition(" ")[0] not in _KEYS]
            parts.remove(optional[-1] if optional else parts[-1])
        return _BETWEEN.join(parts)

    def drop(self) -> bool:
        """Cancel the question. Returns True if there was one."""
        question = self._question
        if question is None:
            return False
        self._close()
        if question.cancel is not None:
            question.cancel()
        return True

    def _close(self) -> None:
        self._question = None
        self.display = False
        self.post_message(self.Closed())

    def _complain(self, complaint: str) -> None:
        self._hint.update(complaint)
        self._hint.add_class("complaint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        is_chosen = self._at is not None and bool(self._listed) and not event.value
        self._answer(self._listed[self._at or 0][0] if is_chosen else self._completed(event.value))

    def _completed(self, value: str) -> str:
        """The answer, or the suggestion that stands in the row where the answer is its beginning."""
        if self._question is None or not value or self._line.cursor_position < len(value):
            return value
        begun = (each for each in self._question.suggestions if each.casefold().startswith(value.casefold()))
        return next(begun, value)

    def _answer(self, value: str) -> None:
        if self._question is None:
            return
        complaint = self._question.accept(value.replace(LINE_BREAK, "\n"))
        if complaint is None:
            self._close()
        else:
            self._complain(complaint)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._question is None:
            return
        if self._question.is_yes_no and event.value.lower() in ("y", "n"):
            if event.value.lower() == "y":
                self._answer(event.value)
            else:
                self.drop()
        elif self._question.is_one_character and event.value:
            self._answer(event.value[self._line.cursor_position - 1])
            with self._line.prevent(Input.Changed):
                self._line.value = ""
        elif self._question.changed is not None:
            self._question.changed(event.value.replace(LINE_BREAK, "\n"), self._line.cursor_position)
        elif self._at is not None and self._line.value != self._walked[self._at]:
            self._at = None

    def action_nudge(self, by: int) -> None:
        """Change the value by a step, or go to the choice or suggestion above (+1) or below (−1)."""
        question = self._question
        if question is None:
            return
        if question.nudge is not None:
            self._write(question.nudge(self._line.value, by))
            return
        if self._at is None:
            self._begun = self._line.value
        if self._walked:
            first = -1 if by < 0 else len(self._walked)
            self._at = ((first if self._at is None else self._at) - by) % len(self._walked)
            if self._listed:
                self._show_choices()
            else:
                self._write(self._walked[self._at])

    @property
    def _walked(self) -> list[str]:
        """What ↑ and ↓ walk: the choices, or the suggestions that begin with what was typed."""
        if self._question is None or self._listed:
            return [answer for answer, _ in self._listed]
        begun = self._begun.casefold()
        return [each for each in self._question.suggestions if each.casefold().startswith(begun)]

    def _write(self, value: str) -> None:
        self._line.value = value
        self._line.cursor_position = len(value)

    def action_cancel(self) -> None:
        self.drop()


def _key_at(hint: str, column: int) -> str:
    """The key that a hint names at a column: an arrow, or the word that a part begins with."""
    if hint[column : column + 1] in ("↑", "↓"):
        return hint[column]
    start = 0
    for part in hint.split(_BETWEEN):
        if start <= column < start + len(part):
            return part.partition(" ")[0]
        start += len(part) + len(_BETWEEN)
    return ""
