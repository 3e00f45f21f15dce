"""An exported page, taken apart again."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Protocol


class Shown(Protocol):
    """What a notebook can display."""

    def _repr_html_(self) -> str: ...


def notebook_html(value: Shown) -> str:
    """The HTML that a notebook shows for a value."""
    return value._repr_html_()


class Page(HTMLParser):
    """A page taken apart: all its tags, and the cells of its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.cells: list[tuple[str, str, str]] = []  # look, title, glyphs
        self.copied = ""  # what is not left out of a selection
        self._open: list[str] = []
        self._look: dict[str, str] = {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "meta":
            self._open.append(tag)
        self._look = {name: value or "" for name, value in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "pre" not in self._open:
            return
        if self._open[-1] == "i":
            self.cells.append((self._look["class"], self._look["title"], data))
        if self._open[-1] != "i" or "end" not in self._look["class"]:
            self.copied += data
