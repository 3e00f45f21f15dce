"""Moves to a position or percentage of the text, or to the next match of a text or of a search."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.question import Question
from rnnscope.progress import Progress
from rnnscope.session import Session
from rnnscope.text.occurrences import compiled, find_next

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_NOT_FOUND = "no match in the text"

Span = tuple[int, int]
FindNext = Callable[[Session, int, Progress], Span | None]
"""The next match at a position or after it, else the first of the text."""


class Places:
    """Asks where to go, and goes to the next match of what was looked for last."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "place",
            ("colon",),
            "Go to a position, a percentage, or the next match of a text",
            "text",
            "go to",
            170,
            "text jump search",
        ),
        Action(
            "next_place",
            ("N",),
            "Next match of the search, or of the neuron's feature",
            "text",
            synonyms="again jump search",
        ),
    )

    def __init__(
        self, scope: ScreenScope, *, next_default: Callable[[], FindNext | None] = lambda: None
    ) -> None:
        """next_default: gives the matches where nothing was looked for: those of the neuron's feature."""
        self._scope = scope
        self._next_default = next_default
        self._words = ""
        self._find_next: FindNext | None = None
        self._is_awaited = False
        """Whether the next match was asked for before a search has answered."""

    def expect(self) -> None:
        """A search begins: until it has answered, there is no next match."""
        self._find_next, self._is_awaited = None, False

    def seek(self, find_next: FindNext) -> bool:
        """Set the matches for `next_place`. Returns True if it was waiting for them."""
        was_awaited, self._is_awaited = self._is_awaited, False
        self._find_next = find_next
        if was_awaited:
            self.action_next_place()
        return was_awaited

    def action_place(self) -> None:
        if self._scope.selection is None:
            return
        hint = f"0 to {self._scope.length:,}, 40% or a text (a regular expression)   Enter   Esc"
        self._scope.prompt(Question("go to", self._words, hint, self._go))

    def action_next_place(self) -> None:
        selection, find_next = self._scope.selection, self._find_next
        if find_next is None and any(job.key == "find" for job in self._scope.jobs.active):
            self._is_awaited = True
            self._scope.announce("going to the next match once the search has answered")
            return
        find_next = find_next or self._next_default()
        if find_next is None:
            self.action_place()
        elif selection is not None:
            self._go_to_next(find_next, selection.position + 1)

    def _go(self, answer: str) -> str | None:
        text = answer.strip()
        if percent := _PERCENT.fullmatch(text):
            self._go_to_share(min(1.0, float(percent[1]) / 100))
        elif text.replace(",", "").isdigit():
            self._scope.go_to(int(text.replace(",", "")))
        elif answer:
            self._words = answer
            self._find_next = lambda session, position, progress: _next_text(
                session, answer, position, progress
            )
            self.action_next_place()
        else:
            return "a position such as 1200, 40%, or a text to look for"
        return None

    def _go_to_share(self, share: float) -> None:
        session = self._scope.session
        if session is not None:
            self._scope.jobs.submit(
                "place",
                lambda progress: round(share * (session.reader.length(progress) - 1)),
                lane="page",
                on_result=self._scope.go_to,
                on_error=self._scope.announce_error,
            )

    def _go_to_next(self, find_next: FindNext, position: int) -> None:
        session = self._scope.session
        if session is None:
            return

        def arrive(span: Span | None) -> None:
            if span is None:
                self._scope.announce(_NOT_FOUND)
            else:
                self._scope.go_to(span[0])

        self._scope.jobs.submit(
            "place",
            lambda progress: find_next(session, position, progress),
            lane="page",
            on_result=arrive,
            on_error=self._scope.announce_error,
        )


def _next_text(session: Session, words: str, position: int, progress: Progress) -> Span | None:
    text = session.reader.text
    pattern = compiled(words, text)
    for start in dict.fromkeys((position, 0)):
        span = find_next(text, pattern, start, progress)
        if span is not None:
            return span
    return None
