"""Documents within a text: the positions at which each begins, so that a network reads it from a zero state.

separator \n\n     one\n\ntwo\n\nthree
starts                   ^5     ^10
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnscope.text.patterns import Expression
from rnnscope.text.vocabulary import Vocabulary

Starts = NDArray[np.int64]
"""(D,) positions in rising order; the beginning of the text is not among them."""

NO_DOCUMENTS: Starts = np.empty(0, np.int64)

_PIECE_CHARACTERS = 1 << 20
_CONTEXT_CHARACTERS = 10_000
"""The longest separator, and as much as it may look at before and after it."""


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
    expression = Expression(separator)
    found: list[int] = []
    searched = 0
    for start in range(0, len(ids), piece):
        stop = start + piece
        searched = max(start, searched)
        if searched >= stop:
            continue
        before = max(0, searched - context)
        window = _characters(ids[before : min(len(ids), stop + context)], vocabulary)
        for begin, end in expression.spans(window, searched - before):
            if before + begin >= stop:
                break
            searched = max(searched, before + end)
            found.append(before + end)
    starts = np.unique(np.array(found, np.int64))
    return starts[(starts > 0) & (starts < len(ids))]


def _characters(ids: NDArray[np.generic], vocabulary: Vocabulary) -> str:
    if vocabulary.kind == "bytes":
        return vocabulary.decode_bytes(ids).decode("latin-1")
    return vocabulary.decode(ids)


def starts_between(starts: Starts, start: int, stop: int) -> Starts:
    """The starts within a part of the text, counted from its beginning, which is not among them."""
    first, last = np.searchsorted(starts, (start + 1, stop)).tolist()
    return starts[first:last] - start


def begins_at(starts: Starts, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a document begins at each of `positions`, of any shape."""
    if not len(starts):
        return np.zeros(positions.shape, np.bool_)
    places = np.minimum(np.searchsorted(starts, positions), len(starts) - 1)
    return np.asarray(starts[places] == positions)
