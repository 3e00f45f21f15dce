"""Regular expressions that a reader typed: matching lets other threads run, and is given up after a while.

The standard library's holds the interpreter while it matches, so that an expression with nested repeats would
freeze a screen for good.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from rnnscope.errors import OptionError

Span = tuple[int, int]

_MOST_SECONDS = 10.0
"""How long one stretch of text may take."""


class Expression:
    """One regular expression, in Python's syntax; ^ and $ are a line's ends."""

    def __init__(self, written: str, *, ignores_case: bool = False, ascii_only: bool = False) -> None:
        """Raises OptionError for what is no regular expression."""
        self.written = written
        flags = regex.MULTILINE | (regex.IGNORECASE if ignores_case else 0)
        try:
            self._compiled = regex.compile(written, flags | (regex.ASCII if ascii_only else 0))
        except (regex.error, OverflowError, RecursionError) as error:
            raise OptionError(f"{written!r} is not a regular expression: {error}") from error

    def spans(self, text: str, start: int = 0) -> Iterator[Span]:
        """The matches from `start` on, one after another. Raises OptionError where it takes too long."""
        try:
            for match in self._compiled.finditer(text, start, timeout=_MOST_SECONDS, concurrent=True):
                yield match.span()
        except TimeoutError as error:
            raise self._endless() from error

    def span_at(self, text: str, start: int) -> Span | None:
        """The match that begins at `start`. Raises OptionError where it takes too long."""
        try:
            match = self._compiled.match(text, start, timeout=_MOST_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._endless() from error
        return None if match is None else match.span()

    def _endless(self) -> OptionError:
        return OptionError(
            f"{self.written!r} takes more than {_MOST_SECONDS:.0f} s on a stretch of the text; "
            "repeats within repeats are what makes it slow"
        )
