"""Search for a regular expression in a text of any size, one window at a time.

    |--- before ---|=========== window ===========|--- after ---|
                   a match begins here              and ends here at the latest

The part before the window serves lookbehind. A match that is longer than the part after the window may be
truncated or missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.long import LongText
from rnnscope.text.patterns import Expression, Span


@dataclass(frozen=True)
class Windows:
    """The sizes of windows, in characters."""

    first: int = 1 << 12
    """Matches are often near: the first window is small, and each next one is four times larger."""
    largest: int = 1 << 18
    around: int = 1 << 12
    """The part before and the part after a window."""
    farthest: int = 1 << 16
    """Read after a window for the end of a match that reaches the end of the part after it."""


WINDOWS = Windows()


def compiled(written: str, text: LongText) -> Expression:
    """The regular expression of a search in `text`; in a text of bytes, characters match their UTF-8.

    Raises OptionError.
    """
    if text.kind == "bytes":
        # Each byte is one character of such a text; the ASCII part of a pattern keeps its meaning.
        written = written.encode("utf-8", "surrogateescape").decode("latin-1")
    return Expression(written, ascii_only=text.kind == "bytes")


def find_next(
    text: LongText,
    pattern: Expression,
    start: int = 0,
    progress: Progress = NO_PROGRESS,
    *,
    windows: Windows = WINDOWS,
) -> Span | None:
    """The first match that begins at `start` or later, as positions (begin, end); empty matches are skipped.

    progress: gets the share of the rest of the text, once its length is known. Returns None if there is no
    match. Raises TextError, OptionError for an expression that takes too long, and Cancelled.
    """
    begin, size = max(0, start), windows.first
    while True:
        progress.check()
        window = _Window(text, begin, begin + size, windows)
        if not window.has_begun:
            return None
        for span in window.matches(pattern):
            return span
        begin, size = begin + size, min(4 * size, windows.largest)
        if text.is_counted:
            progress.on_progress(min(1.0, (begin - start) / max(1, text.known - start)))


class _Window:
    """A window in which matches may begin, with the text around it."""

    def __init__(self, text: LongText, begin: int, end: int, windows: Windows) -> None:
        self._text = text
        self._low, self._begin, self._end = max(0, begin - windows.around), begin, end
        self._farthest = end + windows.farthest
        self._characters = text.read(self._low, end + windows.around)

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
                longer = self._text.read(self._low, self._farthest)
                start, stop = pattern.span_at(longer, start) or (start, start)
            if stop > start:
                yield self._low + start, self._low + stop
