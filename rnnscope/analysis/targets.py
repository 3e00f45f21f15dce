"""Targets of a search: a feature, a regular expression, or labels, at every position of a text.

A target is computed once, in text order, as an array with one number per position:

    boolean   1 where it is on, 0 where it is off, NaN where the position is ignored
    number    its value, NaN where the position is ignored

The array of a long text is in a temporary file, so that memory use does not grow with the text.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import Kind, Scanner, feature
from rnnscope.analysis.scanning import AHEAD
from rnnscope.errors import OptionError, TextError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.display import counted
from rnnscope.text.patterns import Expression
from rnnscope.text.reading import no_address_space
from rnnscope.text.vocabulary import code_points

Where: TypeAlias = Literal["inside", "before", "after"]
Spans: TypeAlias = tuple[tuple[int, int, bool], ...]
"""Spans (start, stop, is on) of a text."""
Floats: TypeAlias = NDArray[np.float32]
Read: TypeAlias = Callable[[int, int], str]
"""The characters start .. stop−1, or as many of them as there are."""

PIECE = 1 << 16
"""Characters read at once."""
_AROUND = 1024
"""The maximum length of a match, and of lookaround, across the boundary of two pieces."""
_IN_MEMORY = 1 << 22
"""Arrays of more positions are in temporary files."""


@dataclass(frozen=True)
class Labels:
    """One label for each character: true or 1 for on, false or 0 for off, NaN to ignore; or any numbers.

    Two arrays of the same values are equal.
    """

    values: Floats = field(compare=False, repr=False)
    digest: str = ""

    @classmethod
    def of(cls, labels: Any) -> Labels:
        """Labels from an array-like of one number or boolean per character. Raises OptionError."""
        array = np.asarray(labels)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise OptionError(
                f"labels must be an array of one number or boolean per character, not {array.dtype} of shape "
                f"{array.shape}"
            )
        values = array.astype(np.float32)
        if np.isinf(values).any():
            raise OptionError(
                "labels must be finite numbers, or NaN for positions to ignore; one of them is infinite"
            )
        return cls(values, hashlib.sha256(values.tobytes()).hexdigest())

    @property
    def kind(self) -> Kind:
        """Boolean if every label is 0, 1 or NaN."""
        return "boolean" if np.isin(self.values[~np.isnan(self.values)], (0, 1)).all() else "number"


@dataclass(frozen=True)
class Target:
    """A name, a kind, and a function that computes it.

    pieces: called with a function that reads the text and with the length of the text; yields consecutive
    arrays (n,) float32.
    """

    name: str
    kind: Kind
    pieces: Callable[[Read, int], Iterator[Floats]]

    def values(self, read: Read, length: int, progress: Progress = NO_PROGRESS) -> Floats:
        """(length,) float32 of the whole text. Raises TextError, OptionError, Cancelled."""
        found = room(length, np.float32)
        at = 0
        for piece in self.pieces(read, length):
            found[at : at + len(piece)] = piece
            at += len(piece)
            progress(at / max(1, length))
        return found


def of_feature(name: str) -> Target:
    """A built-in feature. Raises OptionError for an unknown name."""
    found = feature(name)

    def pieces(read: Read, length: int) -> Iterator[Floats]:
        scanner = Scanner([found])
        for start in range(0, length, PIECE):
            n = min(PIECE, length - start)
            codes = code_points(read(start, start + n + AHEAD)).astype(np.int32)[None]
            yield scanner.read(codes, n)[name][0].astype(np.float32)

    return Target(name, found.kind, pieces)


def of_pattern(pattern: str, where: Where) -> Target:
    """The positions inside matches of a pattern, or just before or after them. Raises OptionError."""
    expression = Expression(pattern)

    def pieces(read: Read, length: int) -> Iterator[Floats]:
        at, spans = 0, list[tuple[int, int]]()  # start of the search for the next match; matches found
        for start in range(0, length, PIECE):
            stop = min(start + PIECE, length)
            # A match that begins just after the piece may mark its last position.
            while at <= stop and at < length:
                earliest, border = max(0, at - _AROUND), at + PIECE
                window = read(earliest, border + _AROUND)
                for first, last in expression.spans(window, at - earliest):
                    if earliest + first >= border:
                        break
                    spans.append((earliest + first, earliest + last))
                at = max([border, *(last for _, last in spans[-1:])])
            spans = [span for span in spans if span[1] >= start]
            marked = np.zeros(stop - start, np.float32)
            for first, last in spans:
                low, high = _marked(where, first, last)
                marked[max(0, low - start) : max(0, high - start)] = 1
            yield marked

    return Target(pattern if where == "inside" else f"just {where} {pattern}", "boolean", pieces)


def _marked(where: Where, start: int, stop: int) -> tuple[int, int]:
    """The positions that a match of start .. stop−1 marks."""
    if where == "inside":
        return start, stop
    return (start - 1, start) if where == "before" else (stop, stop + 1)


def of_labels(labels: Labels) -> Target:
    """Labels given by the user."""

    def pieces(read: Read, length: int) -> Iterator[Floats]:
        if len(labels.values) != length:
            given = counted(len(labels.values), "label")
            raise OptionError(f"there are {given} and {counted(length, 'character')}: give one per character")
        yield from (labels.values[start : start + PIECE] for start in range(0, length, PIECE))

    return Target("labels", labels.kind, pieces)


def of_spans(spans: Spans) -> Target:
    """Marked spans: if some are off, all other positions are ignored; otherwise they are off."""
    other = np.nan if any(not is_on for *_, is_on in spans) else 0.0

    def pieces(read: Read, length: int) -> Iterator[Floats]:
        if all(start >= length for start, *_ in spans):
            raise OptionError("the marked spans are outside the searched characters")
        for start in range(0, length, PIECE):
            values = np.full(min(PIECE, length - start), other, np.float32)
            for first, last, is_on in spans:
                values[max(0, first - start) : max(0, last - start)] = is_on
            yield values

    return Target("marked spans", "boolean", pieces)


def room(length: int, dtype: type[Any]) -> NDArray[Any]:
    """(length,), uninitialized: in memory, or in a temporary file for a long text. Raises TextError."""
    if length <= _IN_MEMORY:
        return np.empty(length, dtype)
    size = np.dtype(dtype).itemsize * length
    try:
        with tempfile.TemporaryFile(prefix="rnnscope-") as file:
            file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=(length,))  # keeps the file open
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise no_address_space(f"a search of {counted(length, 'character')}", size) from error
        reason = (error.strerror or str(error)).lower()
        raise TextError(f"a temporary file for {length:,} positions cannot be written: {reason}") from error
