"""Documents within a text: the positions at which each begins, so that a network reads it from a zero state.

separator \n\n     one\n\ntwo\n\nthree
starts                   ^5     ^10
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.patterns import Expression
from rnnscope.text.vocabulary import Vocabulary, symbols_of

Starts = NDArray[np.int64]
"""(D,) positions in ascending order, without the beginning of the text."""

NO_DOCUMENTS: Starts = np.empty(0, np.int64)

_PIECE_CHARACTERS = 1 << 20
_CONTEXT_CHARACTERS = 10_000
"""The maximum length of a separator, and of its lookaround on each side."""
_CONTINUED_CHARACTERS = 1000
"""The same in a text that grows."""


def document_starts(
    ids: NDArray[np.generic],
    vocabulary: Vocabulary,
    separator: str,
    *,
    piece: int = _PIECE_CHARACTERS,
    context: int = _CONTEXT_CHARACTERS,
) -> Starts:
    """Where documents begin in a text (T,): after each match of the regular expression `separator`.

    Each byte of a text of bytes is one character. piece, context: how many characters are searched at once,
    and read around them. Raises OptionError for an invalid expression.
    """
    documents = Documents(
        lambda start, stop: symbols_of(vocabulary, ids[start:stop]), separator, piece=piece, context=context
    )
    return documents.between(0, len(ids))


def document_note(separator: str | None) -> str | None:
    """What a user should know of a model that was trained with a separator; None without one."""
    if separator is None:
        return None
    written = separator if separator.isprintable() else repr(separator)
    return f"the state is reset where {written} matches, as in training"


def starts_between(starts: Starts, start: int, stop: int) -> Starts:
    """The starts within a part of the text, counted from its beginning, which is not among them."""
    first, last = np.searchsorted(starts, (start + 1, stop)).tolist()
    return starts[first:last] - start


def begins_at(starts: Starts, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where a document begins at a position; same shape as `positions`."""
    if not len(starts):
        return np.zeros(positions.shape, np.bool_)
    places = np.minimum(np.searchsorted(starts, positions), len(starts) - 1)
    return np.asarray(starts[places] == positions)


class Continued:
    """A text that grows by one character at a time, such as one that a network writes."""

    def __init__(self, separator: str) -> None:
        """Raises OptionError for an invalid expression."""
        self._expression = Expression(separator)
        self._text = ""
        self._start = 0

    def clear(self) -> None:
        """Go back to an empty text."""
        self._text, self._start = "", 0

    def begins_with(self, character: str) -> bool:
        """Add a character. Returns whether a document begins with it.

        The separator is looked for in the document so far, or its last 1,000 characters, and in this
        character; it cannot look farther ahead.
        """
        here = len(self._text)
        self._text += character
        begins = any(
            stop == here > self._start for _, stop in self._expression.spans(self._text, self._start)
        )
        if begins:
            self._start = here
        if len(self._text) > 2 * _CONTINUED_CHARACTERS:
            dropped = len(self._text) - _CONTINUED_CHARACTERS
            self._text, self._start = self._text[dropped:], max(0, self._start - dropped)
        return begins


class Documents:
    """Where the documents of a text begin, found from its beginning on and only as far as asked for.

    Several threads may ask at once.
    """

    def __init__(
        self,
        read: Callable[[int, int], str],
        separator: str,
        *,
        piece: int = _PIECE_CHARACTERS,
        context: int = _CONTEXT_CHARACTERS,
    ) -> None:
        """read: gives the characters start .. stop−1, or as many of them as there are.

        piece, context: as in `document_starts`. Raises OptionError for an invalid expression.
        """
        self._read = read
        self._expression = Expression(separator)
        self._piece, self._context = piece, context
        self._starts = array("q")
        self._known = self._searched = 0
        self._is_whole = False
        self._lock = threading.Lock()

    @property
    def known(self) -> int:
        """All starts before this position are known."""
        return self._known

    def between(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Starts:
        """The starts at start .. stop−1, as positions in the whole text. Raises OptionError, Cancelled."""
        self._find_until(stop, progress)
        with self._lock:
            first, last = bisect_left(self._starts, start), bisect_left(self._starts, stop)
            return np.array(self._starts[first:last], np.int64)

    def last(self, position: int, progress: Progress = NO_PROGRESS) -> int:
        """The beginning of the document that a position is in. Raises OptionError, Cancelled."""
        self._find_until(position + 1, progress)
        with self._lock:
            number = bisect_right(self._starts, position)
            return self._starts[number - 1] if number else 0

    def _find_until(self, stop: int, progress: Progress) -> None:
        while self._known < stop and not self._is_whole:
            progress.check()
            with self._lock:
                if self._known < stop and not self._is_whole:
                    self._search_piece()

    def _search_piece(self) -> None:
        stop = self._known + self._piece
        searched = max(self._known, self._searched)
        found: list[int] = []
        if searched < stop:
            before = max(0, searched - self._context)
            window = self._read(before, stop + self._context)
            end = before + len(window)
            for first, last in self._expression.spans(window, searched - before):
                if before + first >= stop:
                    break
                searched = before + last
                found.append(searched)
            self._is_whole = end <= stop
            if end < stop + self._context:  # the text ends there, and no document begins at its end
                found = [each for each in found if each < end]
        latest = self._starts[-1] if self._starts else 0
        self._starts.extend([each for each in dict.fromkeys(found) if each > latest])
        self._searched, self._known = searched, stop
