"""Pages of a text of any length: the page around the cursor is traced, first approximately, then exactly.

open ──▶ [0, 3000) ──▶ Selection ──▶ panels
                          │ the cursor comes near an end of the page, or jumps
                          ▼
                      the page around it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnscope.app.choosing import first_selection
from rnnscope.progress import Progress
from rnnscope.selection import Selection
from rnnscope.session import Session

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope
    from rnnscope.tracing.reader import Page

PAGE = 3000
"""Characters traced at once."""
_EDGE = 400
"""Distance from an end of the page at which the next page is read."""
_SCREENFUL = 800
"""Characters of the first page, shown before the full page is traced."""
_COUNTED_AHEAD = 1 << 21
"""How far a text is counted before a page is shown; most are counted whole."""


@dataclass(frozen=True, eq=False)
class Turned:
    """A page, its session, and the length of its text."""

    session: Session
    page: Page
    length: int
    """The number of characters of the text, as far as it was counted."""
    is_counted: bool
    is_typed: bool = False
    """Whether the text is being typed, so that there is another page at every key."""


@dataclass(frozen=True)
class _Wanted:
    """A page that was asked for."""

    start: int
    position: int


class Paging:
    """Shows pages of the session's text, and of other texts in its place."""

    def __init__(self, scope: ScreenScope, on_page: Callable[[Turned], object]) -> None:
        """on_page: called after a page was shown."""
        self._scope = scope
        self._on_page = on_page
        self._original: Session | None = None
        self._left_at = 0
        """The position at which the original text was left for another."""
        self._turned: Turned | None = None
        self._wanted: _Wanted | None = None
        scope.listen(self._read_ahead)

    @property
    def turned(self) -> Turned | None:
        """The page that is shown."""
        return self._turned

    @property
    def is_original(self) -> bool:
        """Whether the text is the one that was opened."""
        return self._scope.session is self._original

    @property
    def position(self) -> int:
        """The position of the cursor in the text that was opened."""
        selection = self._scope.selection
        return self._left_at if selection is None or not self.is_original else selection.position

    @property
    def original(self) -> Session | None:
        """The session that was opened."""
        return self._original

    def open(self, session: Session, place: int | None = None) -> None:
        """Show a session's text: the page around `place`, or the beginning."""
        self._original = session
        self._scope.use(session)
        if place is None:
            self._read(0, 0)
        else:
            self._read_around(place)

    def go_to(self, position: int) -> None:
        """Read the page around a position, and put the cursor on it; −1 is the last character."""
        session = self._scope.session
        if position >= 0 or session is None:
            self._read_around(position)
        else:
            self._scope.jobs.submit(
                "place",
                lambda progress: session.reader.length(progress) - 1,
                lane="page",
                on_result=self._scope.go_to,
                on_error=self._scope.announce_error,
            )

    def show_other(self, session: Session, turned: Turned, cursor: int) -> None:
        """Show another text in place of the one that was opened, all of it traced."""
        if self.is_original and self._scope.selection is not None:
            self._left_at = self._scope.selection.position
        self._scope.jobs.cancel("page", "exact page")
        self._wanted = None
        self._scope.use(session)
        self._show(turned, cursor)

    def restore(self) -> bool:
        """Return to the opened text at its previous position. Returns True if another was shown."""
        if self.is_original or self._original is None:
            return False
        self._scope.use(self._original)
        self._wanted = None
        self._read(max(0, self._left_at - PAGE // 2), self._left_at)
        return True

    # -- reading ---------------------------------------------------------------------------------------------

    def _read_ahead(self, before: Selection | None, selection: Selection) -> None:
        """Near an end of the page, read the one around the cursor."""
        turned = self._turned
        if turned is None:
            return
        is_last = selection.start + len(selection.trace) >= turned.length and turned.is_counted
        near_first = selection.cursor < _EDGE and selection.start > 0
        near_last = len(selection.trace) - selection.cursor < _EDGE and not is_last
        if near_first or near_last:
            self._read_around(selection.position)

    def _read_around(self, position: int) -> None:
        turned = self._turned
        if turned is not None and turned.is_counted:
            position = min(position, turned.length - 1)
        position = max(0, position)
        self._read(max(0, position - PAGE // 2), position)

    def _read(self, start: int, position: int) -> None:
        session, wanted = self._scope.session, _Wanted(start, position)
        if session is None or wanted == self._wanted:
            return
        self._wanted = wanted
        first = _SCREENFUL if self._turned is None and position < start + _SCREENFUL else None
        self._scope.jobs.cancel("exact page")
        self._scope.jobs.stream(
            "page",
            lambda progress: _pages(session, start, first, progress),
            lane="page",
            on_result=lambda turned: self._arrive(turned, wanted),
            on_error=self._scope.announce_error,
        )

    def _arrive(self, turned: Turned, wanted: _Wanted) -> None:
        """Show a page; one that is approximate is read again, exactly, in the background."""
        selection = self._scope.selection
        is_same = self._wanted is None and selection is not None  # the same once more, longer or exact
        position = selection.position if is_same and selection is not None else wanted.position
        if not turned.page.is_exact:
            session, start = turned.session, turned.page.start
            self._scope.jobs.submit(
                "exact page",
                lambda progress: _turned(session, session.reader.page(start, start + PAGE, progress)),
                lane="background",
                on_result=lambda exact: self._arrive(exact, wanted),
                on_error=self._scope.announce_error,
            )
        self._wanted = None
        self._show(turned, position - turned.page.start)

    def _show(self, turned: Turned, cursor: int) -> None:
        if not len(turned.page.trace):
            return
        self._turned = turned
        self._scope.set_length(turned.length)
        before, page = self._scope.selection, turned.page
        if before is None:
            selection = first_selection(page.trace).moved(start=page.start)
            selection = selection.moved(cursor=cursor or selection.cursor)
        else:
            selection = before.moved(trace=page.trace, start=page.start, cursor=max(0, cursor))
        self._scope.show(selection)
        self._on_page(turned)


def _pages(session: Session, start: int, first: int | None, progress: Progress) -> Iterator[Turned]:
    """A page at once; before it `first` characters, where a screenful is shown sooner."""
    if first is not None:
        yield _turned(session, session.reader.page(start, start + first, progress, at_once=True))
    session.reader.text.count(start + PAGE + _COUNTED_AHEAD, progress)
    yield _turned(session, session.reader.page(start, start + PAGE, progress, at_once=True))


def _turned(session: Session, page: Page) -> Turned:
    text = session.reader.text
    return Turned(session, page, text.known, text.is_counted)


def whole_text(session: Session, length: int, progress: Progress, *, is_typed: bool = False) -> Turned:
    """A short text as one page."""
    page = session.reader.page(0, length, progress)
    return Turned(session, page, length, True, is_typed)
