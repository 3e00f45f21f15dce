"""A full-screen page of text, for help and message log: `/` searches it, Esc closes it."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from rnnscope.app.widget_palette import palette_of
from rnnscope.theme.palette import Palette

Line: TypeAlias = list[Segment]
Writer: TypeAlias = Callable[[Palette, int, str], list[Line]]
"""The lines for a palette, a width, and the words that are searched for, in lower case; none finds all."""
TITLE_ROW = 1
"""The row of a page with its title, which ends with `title_keys`; a click there searches or goes back."""

_LEAST_WIDTH = 8


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` characters, or of a few where there is hardly any room."""
    return wrap(text, max(_LEAST_WIDTH, width)) or [""]


def has_words(text: str, words: str) -> bool:
    """Whether a text has all of these words, or parts of words."""
    return all(word in text.lower() for word in words.split())


def title_keys(palette: Palette) -> Line:
    """The keys of every page, for the end of its title."""
    key, label = palette.ink("strong", bold=True), palette.ink("mute")
    return [Segment("   /", key), Segment(" search", label), Segment("   Esc", key), Segment(" back", label)]


class _Reading(ScrollView, can_focus=True):
    """Lines on the panel's fill."""

    def __init__(self, write: Writer) -> None:
        super().__init__()
        self._write = write
        self._words = ""
        self._lines: list[Line] = []

    @property
    def palette(self) -> Palette:
        """The application's palette."""
        return palette_of(self)

    def search(self, words: str) -> None:
        """Show what has these words, from the top."""
        self._words = words.lower()
        self.scroll_to(y=0, animate=False)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        width = self.scrollable_content_region.width
        self._lines = self._write(self.palette, width, self._words)
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        fill: Style = self.palette.ink("text")
        row = y + self.scroll_offset.y
        line = self._lines[row] if row < len(self._lines) else []
        return Strip(line).adjust_cell_length(self.size.width, fill)

    async def on_click(self, event: events.Click) -> None:
        """A key in the title, clicked."""
        if event.y + self.scroll_offset.y == TITLE_ROW and len(self._lines) > TITLE_ROW:
            title = "".join(segment.text for segment in self._lines[TITLE_ROW])
            keys = {"/ search": "search", "Esc back": "dismiss"}
            for words, action in keys.items():
                start = title.rfind(words)
                if start <= event.x < start + len(words) and start >= 0:
                    await self.screen.run_action(action)


class _Words(Input):
    """The words to search for, in the last row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.end_search", show=False),
        Binding("enter,down", "screen.read", show=False),
    ]


class PageScreen(Screen[None], inherit_bindings=False):
    """Shows what `write` makes of a palette, a width and words to search for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1,M,enter", "dismiss", "Go back", show=False),
        Binding("escape", "back", "End the search, or go back", show=False),
        Binding("slash", "search", "Search", show=False),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, write: Writer) -> None:
        super().__init__()
        self._reading = _Reading(write)
        self._words = _Words(compact=True, placeholder="search: words of a key, a description or a term")
        self._words.display = False

    def compose(self) -> ComposeResult:
        yield self._reading
        yield self._words

    def action_scroll(self, lines: int) -> None:
        self._reading.scroll_relative(y=lines, animate=False)

    def action_search(self) -> None:
        """Take words to search for."""
        self._words.display = True
        self._words.focus()

    def action_read(self) -> None:
        """Scroll through what was found."""
        self._reading.focus()

    def action_end_search(self) -> None:
        """Show the whole page again."""
        self._words.value = ""
        self._words.display = False
        self._reading.focus()

    def action_back(self) -> None:
        """End the search; go back if there is none."""
        if self._words.display:
            self.action_end_search()
        else:
            self.dismiss()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._reading.search(event.value)
