"""A full-screen page of text, for help and message log. Esc closes it."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rnnscope.app.widget_palette import palette_of
from rnnscope.theme.palette import Palette

Line: TypeAlias = list[Segment]
Writer: TypeAlias = Callable[[Palette, int], list[Line]]
"""Lines for a palette and a width."""


_LEAST_WIDTH = 8


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` characters, or of a few where there is hardly any room."""
    return wrap(text, max(_LEAST_WIDTH, width)) or [""]


class _Reading(ScrollView, can_focus=True):
    """Lines on the panel's fill."""

    def __init__(self, write: Writer) -> None:
        super().__init__()
        self._write = write
        self._lines: list[Line] = []

    @property
    def palette(self) -> Palette:
        """The application's palette."""
        return palette_of(self)

    def on_resize(self) -> None:
        self._lines = self._write(self.palette, self.scrollable_content_region.width)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        fill: Style = self.palette.ink("text")
        row = y + self.scroll_offset.y
        line = self._lines[row] if row < len(self._lines) else []
        return Strip(line).adjust_cell_length(self.size.width, fill)


class PageScreen(Screen[None], inherit_bindings=False):
    """Shows what `write` makes of a palette and a width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,M,enter", "dismiss", "Go back", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, write: Writer) -> None:
        super().__init__()
        self._reading = _Reading(write)

    def compose(self) -> ComposeResult:
        yield self._reading

    def action_scroll(self, lines: int) -> None:
        self._reading.scroll_relative(y=lines, animate=False)
