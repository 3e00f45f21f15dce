"""Bookmarks in a text: a letter each for a place, a neuron, its quantity and the panel in view.

They are in a small JSON file next to the model, by the text's digest:

    {"texts": {"9f86…": {"a": {"position": 5018, "neuron": "1/116", "quantity": "cell", "panel": "map"}}}}
"""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.notes import has_neuron, name_of, neuron_of
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron, Severity
from rnnscope.app.sidecar_file import Format, SidecarFile
from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture
from rnnscope.network.locate import sidecar
from rnnscope.strict_json import JsonError, decode, shown

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

_DIGESTED = 20_000
"""Characters by which a text is recognized."""


@dataclass(frozen=True)
class Bookmark:
    """What a bookmark brings back."""

    position: int
    neuron: Neuron
    quantity: str
    panel: str = ""
    """The panel in the place that several share."""

    @property
    def description(self) -> str:
        return f"{name_of(self.neuron)}, {self.quantity}  at {self.position:,}  {self.panel}".rstrip()


@dataclass(frozen=True)
class Bookmarks:
    """The bookmarks of a model, by a text's digest and a letter."""

    texts: Mapping[str, Mapping[str, Bookmark]] = field(default_factory=dict)

    def of(self, text: str, architecture: Architecture) -> dict[str, Bookmark]:
        """Those in a text, sorted by their letters, on neurons that the network has."""
        found = sorted(self.texts.get(text, {}).items())
        return {letter: mark for letter, mark in found if has_neuron(architecture, mark.neuron)}

    def with_bookmark(self, text: str, letter: str, bookmark: Bookmark) -> Bookmarks:
        """The bookmarks with one more, or with another of this letter."""
        return replace(self, texts={**self.texts, text: {**self.texts.get(text, {}), letter: bookmark}})


class Bookmarking:
    """Sets and recalls bookmarks."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "bookmark",
            ("at",),
            "Set a bookmark: place, neuron and panel under a letter",
            "navigation",
            synonyms="remember save position",
        ),
        Action(
            "recall",
            ("apostrophe",),
            "Recall a bookmark by its letter",
            "navigation",
            synonyms="bookmarks go back to jump",
        ),
    )

    def __init__(
        self,
        scope: ScreenScope,
        file: BookmarksFile,
        panels: Collection[str],
        shown_panel: Callable[[], str],
    ) -> None:
        """panels: the ids of the panels that share one place. shown_panel: the one that is there."""
        self._scope = scope
        self._file = file
        self._panels = panels
        self._shown_panel = shown_panel
        self._bookmarks: Bookmarks | None = None

    def action_bookmark(self) -> None:
        """Ask for a letter; Enter takes the first that is free."""
        selection, text = self._scope.selection, self._text()
        if selection is None or text is None:
            return
        bookmark = Bookmark(
            selection.position, (selection.layer, selection.unit), selection.quantity, self._shown_panel()
        )
        there = self._in(text)
        free = next((letter for letter in string.ascii_lowercase if letter not in there), "a")

        def accept(answer: str) -> str | None:
            letter = answer or free
            if letter not in string.ascii_letters:
                return "a letter, a to z or A to Z"
            before = self._bookmarks or Bookmarks()
            self._bookmarks = self._file.edit(
                before, lambda marks: marks.with_bookmark(text, letter, bookmark)
            )
            self._scope.announce(f"bookmark {letter}: {bookmark.description}; ' and {letter} recall it")
            return None

        hint = f"a letter for {bookmark.description}   Enter {free}   Esc"
        self._ask("bookmark", hint, accept, there)

    def action_recall(self) -> None:
        """List the bookmarks of the text, and ask for a letter."""
        text = self._text()
        if self._scope.selection is None or text is None:
            return
        there = self._in(text)
        if not there:
            self._scope.announce("no bookmarks in this text yet; @ and a letter set one")
            return
        first = next(iter(there))

        def accept(answer: str) -> str | None:
            letter = answer or first
            if letter not in there:
                return f"there is no bookmark {letter}; choose one of {' '.join(there)}"
            self._go_to(there[letter])
            return None

        self._ask("recall", f"a letter   ↑↓ choose   Enter {first}   Esc", accept, there)

    def _ask(
        self, label: str, hint: str, accept: Callable[[str], str | None], there: Mapping[str, Bookmark]
    ) -> None:
        choices = {letter: bookmark.description for letter, bookmark in there.items()}
        self._scope.prompt(Question(label, "", hint, accept, choices=choices, is_one_character=True))

    def _go_to(self, bookmark: Bookmark) -> None:
        self._scope.select_neuron(*bookmark.neuron, quantity=bookmark.quantity, coloring="neuron")
        self._scope.go_to(bookmark.position)
        if bookmark.panel in self._panels:
            self._scope.show_panel(bookmark.panel)

    def _in(self, text: str) -> dict[str, Bookmark]:
        """The bookmarks of a text."""
        session = self._scope.session
        if self._bookmarks is None:
            self._bookmarks = self._file.load()
        return {} if session is None else self._bookmarks.of(text, session.architecture)

    def _text(self) -> str | None:
        """The digest of the text that is shown; None, and a message, if it cannot be read."""
        session = self._scope.session
        try:
            return None if session is None else session.text_digest(_DIGESTED)
        except TextError as error:  # the file has changed
            self._scope.announce_error(error)
            return None


def bookmarks_path(model: Path) -> Path:
    """The file with the bookmarks of a model."""
    return sidecar(model, ".bookmarks.json")


@dataclass(frozen=True)
class _Entry:
    position: int
    neuron: str
    quantity: str
    panel: str = ""


@dataclass(frozen=True)
class _File:
    texts: dict[str, dict[str, _Entry]] = field(default_factory=dict)


def _decoded(value: object) -> Bookmarks:
    file = decode(_File, value)
    return Bookmarks(
        {
            text: {_letter(letter): _bookmark(entry) for letter, entry in entries.items()}
            for text, entries in file.texts.items()
        }
    )


def _letter(name: str) -> str:
    if len(name) != 1 or name not in string.ascii_letters:
        raise JsonError(f"{shown(name)} is not a letter")
    return name


def _bookmark(entry: _Entry) -> Bookmark:
    return Bookmark(max(0, entry.position), neuron_of(entry.neuron), entry.quantity, entry.panel)


def _encoded(bookmarks: Bookmarks) -> object:
    return {
        "texts": {
            text: {
                letter: {
                    "position": mark.position,
                    "neuron": name_of(mark.neuron),
                    "quantity": mark.quantity,
                    "panel": mark.panel,
                }
                for letter, mark in sorted(marks.items())
            }
            for text, marks in bookmarks.texts.items()
        }
    }


FORMAT = Format(Bookmarks(), _decoded, _encoded)


class BookmarksFile(SidecarFile[Bookmarks]):
    """The file of a model's bookmarks."""

    def __init__(self, path: Path | None, announce: Callable[[str, Severity], object]) -> None:
        """path: None keeps bookmarks in memory only."""
        super().__init__(path, FORMAT, announce)
