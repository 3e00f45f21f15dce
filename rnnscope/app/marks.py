"""Spans of the text that are marked by hand: positive ones to search for, negative ones to compare with."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import numpy as np

from rnnscope.app.actions import Action
from rnnscope.app.scope import Scope
from rnnscope.selection import Overlay, Selection

Mark: TypeAlias = tuple[int, int, bool]
"""A span [start, stop) of the text, and whether it is positive."""


class Marks:
    """Marks spans with the keys and the mouse, and colors the passage by them."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "mark_positive",
            ("v",),
            "Mark positive span (mouse: drag)",
            "analysis",
            synonyms="select brush highlight",
        ),
        Action(
            "mark_negative", ("V",), "Mark negative span (mouse: right drag)", "analysis", synonyms="brush"
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._marks: tuple[Mark, ...] = ()
        self._from: tuple[int, bool] | None = None
        """Where a span was started with the keys."""
        self._overlay: Overlay | None = None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The spans, in the order in which they were marked."""
        return self._marks

    def action_mark_positive(self) -> None:
        self._mark(True)

    def action_mark_negative(self) -> None:
        self._mark(False)

    def brush(self, first: int, stop: int, is_positive: bool) -> None:
        """Mark characters `first` .. `stop`−1 of the page; a span that grows takes its own place."""
        selection = self._scope.selection
        if selection is None:
            return
        span = (selection.start + first, selection.start + stop, is_positive)
        kept = self._marks
        if kept and kept[-1][2] == span[2] and kept[-1][0] <= span[1] and span[0] <= kept[-1][1]:
            kept = kept[:-1]
        self._set((*kept, span))

    def clear(self) -> bool:
        """Remove all spans and any overlay. Returns True if the passage was colored by an overlay."""
        selection = self._scope.selection
        if selection is None or selection.coloring != "overlay":
            return False
        self._marks, self._from = (), None
        self._scope.select(overlay=None, coloring="neuron")
        return True

    def follow(self, before: Selection | None, selection: Selection) -> None:
        """Color a new page by the marks if the previous page was colored by them."""
        was_shown = before is not None and before.overlay is self._overlay and self._overlay is not None
        if was_shown and before is not None and before.trace is not selection.trace:
            self._show()

    def span_or_word(self) -> tuple[int, int] | None:
        """The positive span marked last, else the word at the cursor, in positions of the text."""
        positive = [mark for mark in self._marks if mark[2]]
        if positive:
            return positive[-1][:2]
        selection = self._scope.selection
        return None if selection is None else _word(selection)

    def _mark(self, is_positive: bool) -> None:
        """Start a span at the cursor, or end the one that was started."""
        selection = self._scope.selection
        if selection is None:
            return
        position = selection.position
        if self._from is None or self._from[1] != is_positive:
            self._from = (position, is_positive)
            kind = "positive" if is_positive else "negative"
            self._scope.announce(f"{kind} span starts here; the same key ends it")
            return
        first, last = sorted((self._from[0], position))
        self._from = None
        self._set((*self._marks, (first, last + 1, is_positive)))

    def _set(self, marks: tuple[Mark, ...]) -> None:
        self._marks = marks
        self._show()

    def _show(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        values = np.zeros(len(selection.trace), np.float32)
        for start, stop, is_positive in self._marks:
            first, end = max(0, start - selection.start), max(0, stop - selection.start)
            values[first:end] = 0.7 if is_positive else -0.7
        self._overlay = Overlay("marked", values, ends=("negative", "positive"))
        self._scope.select(overlay=self._overlay, coloring="overlay")


def _word(selection: Selection) -> tuple[int, int]:
    """The word at the cursor, in positions of the text."""
    text, at = selection.trace.characters, selection.cursor
    first = last = at
    while first > 0 and text[first - 1].isalnum() and text[at].isalnum():
        first -= 1
    while last + 1 < len(text) and text[last + 1].isalnum() and text[at].isalnum():
        last += 1
    return selection.start + first, selection.start + last + 1
