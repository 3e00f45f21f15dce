"""Search for words and patterns in a text of any size, one window at a time, forward or backward.

    |--- before ---|=========== window ===========|--- after ---|
                   a match begins here              and ends here at the latest

The part before the window serves lookbehind. A match that is longer than the part after the window may be
truncated or missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rnnscope.text.long import LongText, Stop, Told
from rnnscope.text.patterns import Expression, Span

_WINDOW = 1 << 18
_FIRST_WINDOW = 1 << 12
"""Matches are often near: the first window is small, and each next one is four times larger."""
_BEFORE = _AFTER = 1 << 12
_FARTHEST = 1 << 16
"""The characters read for the end of a match that reaches the end of the part after its window."""


def compiled(
    sought: str, text: LongText, *, is_pattern: bool = False, ignores_case: bool = False
) -> Expression:
    """The expression of a search in `text`. Raises OptionError.

    sought: the words as they are, or a regular expression. In a text of bytes they match their UTF-8.
    """
    written = sought if is_pattern else re.escape(sought)
    if text.kind == "bytes":
        # Each byte is one character of such a text; the ASCII part of a pattern keeps its meaning.
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
    """The first match that begins at `start` or later, as positions (begin, end); empty matches are skipped.

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
    """The last match that begins before `start`; matching starts at the beginning of a line.

    All else is as in `find_next`.
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
    """A window in which matches may begin, with the text around it."""

    def __init__(self, text: LongText, low: int, begin: int, end: int) -> None:
        self._text = text
        self._low, self._begin, self._end = low, begin, end
        self._characters = text.read(low, end + _AFTER)

    @property
    def has_begun(self) -> bool:
        """Whether the text reaches the window."""
        return len(self._characters) > self._begin - self._low

    def matches(self, pattern: Expression) -> Iterator[Span]:
        """The non-overlapping matches that begin in the window, in order."""
        for start, stop in pattern.spans(self._characters, self._begin - self._low):
            if start >= self._end - self._low:
                return
            if stop == len(self._characters):
                longer = self._text.read(self._low, self._end + _FARTHEST)
                start, stop = pattern.span_at(longer, start) or (start, start)
            if stop > start:
                yield self._low + start, self._low + stop


def _line_start(text: LongText, position: int) -> int:
    """The beginning of the line, or the position itself where the line is longer than `_BEFORE`."""
    low = max(0, position - _BEFORE)
    before = text.read(low, position)
    found = before.rfind("\n")
    return low + found + 1 if found >= 0 or low == 0 else position
