"""Passages that one text shares with another, found by hashes of windows.

The hash of a window is the polynomial Σ id(k) B^k modulo 2^64 over its characters. Windows of a quarter of
the shortest copy that counts are looked up; each hit is extended both ways as far as the texts agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

SHORTEST_COPY = 1000
"""In characters. Texts of one kind share shorter passages, such as a license or the opening of a letter."""

_BASE = 0x9E3779B97F4A7C15
_WINDOWS_PER_COPY = 4


def copied(
    text: NDArray[Any], original: NDArray[Any], shortest: int = SHORTEST_COPY
) -> list[tuple[int, int]]:
    """The stretches [start, stop) of `text` that are copies of a part of `original`, in order.

    text, original: (T,) and (N,) ids. shortest: where `original` is shorter, only a copy of all of it counts.
    A stretch that `original` itself repeats, such as a form or a refrain, is not a copy; if all of `original`
    is repetitive, only the first occurrence of all of it counts.
    """
    shortest = min(shortest, len(original))
    if not shortest or len(text) < shortest:
        return []
    found: list[tuple[int, int]] = []
    for at, of in _anchors(text, original, max(1, shortest // _WINDOWS_PER_COPY)):
        if found and found[-1][1] > at:
            continue
        start = at - common_prefix(text[:at][::-1], original[:of][::-1])
        stop = at + common_prefix(text[at:], original[of:])
        if stop - start >= shortest:
            start = max(start, found[-1][1]) if found else start
            found.append((start, stop))
    if not found:
        whole = np.flatnonzero(_hashes(text, len(original)) == _hashes(original, len(original)))
        found += [(at, at + len(original)) for at in whole[:1].tolist()]
    return found


def without(text: NDArray[Any], stretches: list[tuple[int, int]]) -> NDArray[Any]:
    """`text` without the given passages."""
    kept = np.ones(len(text), np.bool_)
    for start, stop in stretches:
        kept[start:stop] = False
    return text[kept]


def common_prefix(left: NDArray[Any], right: NDArray[Any]) -> int:
    """The length of the common prefix of two arrays."""
    length, size = min(len(left), len(right)), 1024
    for start in itertools.count(0, size):
        if start >= length:
            return length
        stop = min(start + size, length)
        differs = left[start:stop] != right[start:stop]
        if differs.any():
            return start + int(np.argmax(differs))
    raise AssertionError("the loop returns")


def _anchors(text: NDArray[Any], original: NDArray[Any], size: int) -> Iterator[tuple[int, int]]:
    """Where a window of `text` equals one that is in `original` once; the first of each run of windows."""
    windows, places, counts = np.unique(_hashes(original, size), return_index=True, return_counts=True)
    windows, places = windows[counts == 1], places[counts == 1]
    if not len(windows):
        return
    hashes = _hashes(text, size)
    numbers = np.minimum(np.searchsorted(windows, hashes), len(windows) - 1)
    hits = np.flatnonzero(windows[numbers] == hashes)
    of = places[numbers[hits]]
    goes_on = (np.diff(hits, prepend=-2) == 1) & (np.diff(of, prepend=-2) == 1)
    yield from zip(hits[~goes_on].tolist(), of[~goes_on].tolist(), strict=True)


def _hashes(ids: NDArray[Any], size: int) -> Hashes:
    """(T − size + 1,) the hash of every window of `size` ids; none where there are fewer ids."""
    if size > len(ids):
        return np.zeros(0, np.uint64)
    powers = _powers(_BASE, len(ids))
    sums = np.concatenate(
        (np.zeros(1, np.uint64), np.cumsum((ids.astype(np.uint64) + np.uint64(1)) * powers))
    )
    inverse = _powers(pow(_BASE, -1, 1 << 64), len(ids))
    hashes: Hashes = (sums[size:] - sums[:-size]) * inverse[: len(ids) - size + 1]
    return hashes


def _powers(base: int, count: int) -> Hashes:
    """(count,) base^0, base^1, … modulo 2^64."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)
