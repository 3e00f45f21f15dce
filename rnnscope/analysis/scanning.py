"""Text read in pieces, several rows side by side, in linear time: what was read before a piece is carried.

    behind |  piece: n characters, what is asked about  | ahead
     (8)   |  t = 0 … n−1                               | (256)

Each function below computes all positions of a piece at once, by running sums and maxima along its rows, and
keeps in `Memory` the one number per row that the next piece needs.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]
Codes = NDArray[np.int32]

BEHIND = 8
AHEAD = 256
"""How many characters after a position may decide about it."""

_TABLE = 0x10000
_FAR = np.int32(1 << 29)
_DEEP = np.int32(1 << 29)

Class = Literal["letter", "word", "upper", "lower", "digit", "space"]


@cache
def _members(kind: Class) -> Bools:
    """Which code points belong; what is beyond the basic plane (and the last entry) does not."""
    table = np.zeros(_TABLE + 1, np.bool_)
    belongs = {
        "letter": str.isalpha,
        "word": lambda symbol: symbol.isalnum() or symbol == "_",
        "upper": str.isupper,
        "lower": str.islower,
        "digit": str.isdecimal,
        "space": str.isspace,
    }[kind]
    table[:_TABLE] = [belongs(chr(code)) for code in range(_TABLE)]
    return table


def member(codes: Codes, kind: Class) -> Bools:
    """Which characters are letters, parts of words, upper or lower case, digits, or white."""
    return _members(kind)[np.minimum(codes, _TABLE)]


def among(codes: Codes, symbols: str) -> Bools:
    """Which characters are one of `symbols`."""
    found: Bools = codes == ord(symbols[0])
    for symbol in symbols[1:]:
        found |= codes == ord(symbol)
    return found


class Memory:
    """What is carried from one piece of the rows of text to the next: one number per row under each name."""

    def __init__(self, rows: int) -> None:
        self._kept: dict[str, Ints] = {}
        self._rows = rows
        # A text begins as if a line break stood before it.
        self.behind: Codes = np.full((rows, BEHIND), ord("\n"), np.int32)

    def recall(self, name: str) -> Ints:
        return self._kept.get(name, np.zeros(self._rows, np.int32))

    def keep(self, name: str, values: Ints | Bools) -> None:
        """Leave the last of the values (rows, n) to the piece that follows."""
        self._kept[name] = values[:, -1].astype(np.int32)

    def leave(self, wide: Codes, n: int) -> None:
        """Leave the last of n characters, before which stand those that were left here (rows, 8 + n …)."""
        self.behind = wide[:, n : n + BEHIND]


def upcoming(events: Bools) -> Ints:
    """The distance to the next event after each position; a large number where there is none in the piece."""
    positions = _positions(events)
    marked = np.where(events, positions, _FAR)[:, ::-1]
    nearest = np.minimum.accumulate(marked, axis=1)[:, ::-1]
    after = np.full_like(nearest, _FAR)
    after[:, :-1] = nearest[:, 1:]
    after -= positions
    return after


def comes_next(marks: Bools, events: Bools) -> Bools:
    """Whether the first event from each position on is one of `marks`; true where there is no event."""
    numbered = 2 * _positions(events) + ~marks  # the last bit says which it was
    nearest = np.where(events, numbered, _FAR)[:, ::-1]
    found: Bools = np.minimum.accumulate(nearest, axis=1)[:, ::-1] & 1 == 0
    return found


def since(events: Bools, memory: Memory, name: str) -> Ints:
    """The distance from the last event: 0 at the event itself. A text starts as if after an event."""
    positions = _positions(events)
    last = np.where(events, positions, -1 - memory.recall(name)[:, None])
    passed = positions - np.maximum.accumulate(last, axis=1, out=last)
    memory.keep(name, passed)
    return passed


def latched(on: Bools, off: Bools, memory: Memory, name: str) -> Bools:
    """Whether the last event was `on` rather than `off`; `off` wins where both are."""
    turned = 2 * _positions(on) + 2 + (on & ~off)  # above what is recalled; the last bit says which it was
    last = np.where(on | off, turned, memory.recall(name)[:, None])
    inside: Bools = (np.maximum.accumulate(last, axis=1, out=last) & 1).astype(np.bool_)
    memory.keep(name, inside)
    return inside


def counted(weights: Bools | Ints, resets: Bools, memory: Memory, name: str) -> Ints:
    """The sum of `weights`, none below 0, after the last reset; what stands on a reset does not count."""
    total = np.cumsum(weights, axis=1, dtype=np.int32)
    before = np.where(resets, total, -memory.recall(name)[:, None])  # a sum only grows: the last is the most
    total -= np.maximum.accumulate(before, axis=1, out=before)
    memory.keep(name, total)
    return total


def _positions(events: Bools) -> Ints:
    return np.arange(events.shape[1], dtype=np.int32)


def depth(opens: Bools, closes: Bools, resets: Bools, memory: Memory, name: str) -> Ints:
    """The number of openers without their closer. A closer without an opener is ignored.

    With S the running sum of the steps, a sum that may not fall below zero is S − min(0, min S so far); a
    reset is a step so far down that it always ends at zero.
    """
    steps = opens.astype(np.int32) - closes - resets * _DEEP
    steps[:, 0] += memory.recall(name)
    level = np.cumsum(steps, axis=1, dtype=np.int64)
    level -= np.minimum(np.minimum.accumulate(level, axis=1), 0)
    found = level.astype(np.int32)
    memory.keep(name, found)
    return found
