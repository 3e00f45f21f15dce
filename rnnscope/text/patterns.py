"""Regular expressions from users: matching releases the interpreter lock and has a time limit.

`re` of the standard library holds the lock while it matches: an expression with nested repeats would freeze a
screen.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from rnnscope.errors import OptionError

Span = tuple[int, int]

_MOST_SECONDS = 10.0
"""The time limit of one call, in seconds."""


class Expression:
    """A regular expression in Python's syntax; ^ and $ match at line breaks."""

    def __init__(self, written: str, *, ignores_case: bool = False, ascii_only: bool = False) -> None:
        """Raises OptionError for an invalid expression."""
        self.written = written
        flags = regex.MULTILINE | (regex.IGNORECASE if ignores_case else 0)
        try:
            self._compiled = regex.compile(written, flags | (regex.ASCII if ascii_only else 0))
        except (regex.error, OverflowError, RecursionError) as error:
            raise OptionError(f"{written!r} is not a regular expression: {error}") from error

    def spans(self, text: str, start: int = 0) -> Iterator[Span]:
        """The matches from `start` on, in order. Raises OptionError at the time limit."""
        try:
            for match in self._compiled.finditer(text, start, timeout=_MOST_SECONDS, concurrent=True):
                yield match.span()
        except TimeoutError as error:
            raise self._endless() from error

    def span_at(self, text: str, start: int) -> Span | None:
        """The match that begins at `start`, if any. Raises OptionError at the time limit."""
        try:
            match = self._compiled.match(text, start, timeout=_MOST_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._endless() from error
        return None if match is None else match.span()

    def _endless(self) -> OptionError:
        return OptionError(
            f"{self.written!r} takes more than {_MOST_SECONDS:.0f} s on a part of the text; "
            "avoid repeats within repeats, such as (a+)+"
        )
