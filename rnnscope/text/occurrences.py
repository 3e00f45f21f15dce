"""Finding words and patterns in a text of any size, a window at a time, forward or backward.

    |--- before ---|=========== window ===========|--- after ---|
                   where a match may begin          how far it may reach

What stands before lets a pattern look behind. What a window cannot show is lost: a match longer than what
stands after it may be cut or missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rnnscope.text.long import LongText, Stop
from rnnscope.text.patterns import Expression, Span
from rnnscope.text.reading import Told

_WINDOW = 1 << 18
_FIRST_WINDOW = 1 << 12
"""Matches are often near; each window is four times the one before."""
_BEFORE = _AFTER = 1 << 12
_FARTHEST = 1 << 16
"""How much is looked at for the end of a match that is still going on where its window ends."""


def compiled(
    sought: str, text: LongText, *, is_pattern: bool = False, ignores_case: bool = False
) -> Expression:
    """What to look for in this text, words as they are or a regular expression. Raises OptionError.

    In a text of bytes a word is its UTF-8.
    """
    written = sought if is_pattern else re.escape(sought)
    if text.kind == "bytes":
        # Each byte is a character of its own there, so that a pattern's ASCII means what it means anywhere.
        written = written.encode("utf-8", "surrogateescape").decode("latin-1")
    return Expression(written, ignores_case=ignores_case, ascii_only=text.kind == "bytes")


def find_next(
    text: LongText,
    pattern: Expression,
    start: int = 0,
    *,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Span | None:
    """The first match that begins at `start` or after it, as positions (begin, end); empty ones do not count.

    told: hears how far the search is, 0..1 of what lies ahead as far as it is known.
    Returns None where there is none, or when it was stopped. Raises TextError.
    """
    begin, size = max(0, start), _FIRST_WINDOW
    while not (should_stop is not None and should_stop()):
        low = max(0, begin - _BEFORE)
        window = _Window(text, low, begin, begin + size)
        if not window.has_begun:
            return None
        for span in window.matches(pattern):
            return span
        begin, size = begin + size, min(4 * size, _WINDOW)
        if told is not None and text.is_counted:
            told(min(1.0, (begin - start) / max(1, text.known - start)))
    return None


def find_previous(
    text: LongText,
    pattern: Expression,
    start: int,
    *,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Span | None:
    """The last match that begins before `start`; matches are told apart from the beginning of a line on.

    Otherwise as `find_next`.
    """
    start = min(start, text.count(start))
    end, size = start, _FIRST_WINDOW
    while end > 0 and not (should_stop is not None and should_stop()):
        begin = _line_start(text, max(0, end - size))
        last = None
        for last in _Window(text, max(0, begin - _BEFORE), begin, end).matches(pattern):  # noqa: B007
            pass
        if last is not None:
            return last
        end, size = begin, min(4 * size, _WINDOW)
        if told is not None:
            told((start - end) / start)
    return None


class _Window:
    """Where matches may begin, in some text around it."""

    def __init__(self, text: LongText, low: int, begin: int, end: int) -> None:
        self._text = text
        self._low, self._begin, self._end = low, begin, end
        self._characters = text.read(low, end + _AFTER)

    @property
    def has_begun(self) -> bool:
        """Whether the text reaches it."""
        return len(self._characters) > self._begin - self._low

    def matches(self, pattern: Expression) -> Iterator[Span]:
        """Those that begin in the window, one after another and none within another."""
        for start, stop in pattern.spans(self._characters, self._begin - self._low):
            if start >= self._end - self._low:
                return
            if stop == len(self._characters):
                longer = self._text.read(self._low, self._end + _FARTHEST)
                start, stop = pattern.span_at(longer, start) or (start, start)
            if stop > start:
                yield self._low + start, self._low + stop


def _line_start(text: LongText, position: int) -> int:
    """The beginning of the line, or the position itself in a line that is longer than what stands before."""
    low = max(0, position - _BEFORE)
    before = text.read(low, position)
    found = before.rfind("\n")
    return low + found + 1 if found >= 0 or low == 0 else position
