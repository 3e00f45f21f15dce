"""Text features computed piece by piece, in linear time, for several rows in parallel.

    behind |  piece: n characters, to be computed       | ahead
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
"""The number of characters after a position that a feature may look at."""

_TABLE = 0x10000
_FAR = np.int32(1 << 29)
_DEEP = np.int32(1 << 29)

Class = Literal["letter", "word", "upper", "lower", "digit", "space"]


@cache
def _members(kind: Class) -> Bools:
    """A table of code points in a class; its last entry, False, is for those beyond the basic plane."""
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
    """True for characters of a class, such as letters or white space."""
    return _members(kind)[np.minimum(codes, _TABLE)]


def among(codes: Codes, symbols: str) -> Bools:
    """True for characters in `symbols`."""
    found: Bools = codes == ord(symbols[0])
    for symbol in symbols[1:]:
        found |= codes == ord(symbol)
    return found


class Memory:
    """State carried from piece to piece: one number per row under each name, initially zero."""

    def __init__(self, rows: int) -> None:
        self._kept: dict[str, Ints] = {}
        self._rows = rows
        # A text begins as if after a line break.
        self.behind: Codes = np.full((rows, BEHIND), ord("\n"), np.int32)

    def recall(self, name: str) -> Ints:
        return self._kept.get(name, np.zeros(self._rows, np.int32))

    def keep(self, name: str, values: Ints | Bools) -> None:
        """Keep the last of the values (rows, n) for the next piece."""
        self._kept[name] = values[:, -1].astype(np.int32)

    def leave(self, wide: Codes, n: int) -> None:
        """Keep the last characters of `wide` (rows, 8 + n …), which starts with those kept here before."""
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
    """True where the first event from each position on is in `marks`, or if no event follows."""
    numbered = 2 * _positions(events) + ~marks  # the last bit distinguishes marks from other events
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
    """True where the last event was `on` rather than `off`; at a position with both, `off` counts."""
    turned = 2 * _positions(on) + 2 + (on & ~off)  # greater than the recalled value; the last bit is 1 for on
    last = np.where(on | off, turned, memory.recall(name)[:, None])
    inside: Bools = (np.maximum.accumulate(last, axis=1, out=last) & 1).astype(np.bool_)
    memory.keep(name, inside)
    return inside


def counted(weights: Bools | Ints, resets: Bools, memory: Memory, name: str) -> Ints:
    """The sum of nonnegative `weights` after the last reset; weights at a reset do not count."""
    total = np.cumsum(weights, axis=1, dtype=np.int32)
    before = np.where(
        resets, total, -memory.recall(name)[:, None]
    )  # the sum is nondecreasing: the last value is the largest
    total -= np.maximum.accumulate(before, axis=1, out=before)
    memory.keep(name, total)
    return total


def _positions(events: Bools) -> Ints:
    return np.arange(events.shape[1], dtype=np.int32)


def depth(opens: Bools, closes: Bools, resets: Bools, memory: Memory, name: str) -> Ints:
    """The number of openers without their closer. A closer without an opener is ignored.

    With S the running sum of the steps, the sum clamped at zero is S − min(0, min S so far); a reset is a
    step down that is large enough to end at zero.
    """
    steps = opens.astype(np.int32) - closes - resets * _DEEP
    steps[:, 0] += memory.recall(name)
    level = np.cumsum(steps, axis=1, dtype=np.int64)
    level -= np.minimum(np.minimum.accumulate(level, axis=1), 0)
    found = level.astype(np.int32)
    memory.keep(name, found)
    return found
