"""Built-in features along lanes: surveyed once, in the order of the text, and then read lane beside lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.along import Along, Answers, Asked, Passage
from rnnscope.analysis.features import Feature, Scanner
from rnnscope.analysis.lanes import Lanes
from rnnscope.analysis.scanning import AHEAD, Bools, Memory
from rnnscope.analysis.stopping import Stop, heed

_BLOCK = 1 << 14
_ROWS = 32
"""Lanes that are read side by side: what is worked out of them stays in the processor's cache."""
_LEVELS = 4096
"""Numbers from there on share a rank."""
_KEPT = 1 << 21
"""Characters of which the survey's answers are kept, in some 32 MB; of a longer text they are read again."""


def split(found: dict[str, NDArray[Any]]) -> tuple[Bools, NDArray[np.int32]]:
    """(F, rows, n) of the booleans and (G, rows, n) of the numbers."""
    shape = (0, *next(iter(found.values())).shape)
    booleans = [values for values in found.values() if values.dtype == np.bool_]
    numbers = [values for values in found.values() if values.dtype != np.bool_]
    return (
        np.stack(booleans) if booleans else np.zeros(shape, np.bool_),
        np.stack(numbers) if numbers else np.zeros(shape, np.int32),
    )


class BuiltInAlong(Along):
    """Features, booleans first, along the lanes of a text. Raises Stopped."""

    def __init__(
        self,
        features: Sequence[Feature],
        asked: tuple[Asked, ...],
        passage: Passage,
        lanes: Lanes,
        should_stop: Stop | None,
    ) -> None:
        super().__init__(asked, lanes)
        self._passage, self._lanes, self._read = passage, lanes, 0
        scanner, memories = Scanner(features), []
        characters = len(lanes) * lanes.length
        self._kept = _Kept(len(self.on), self.numbers, characters) if characters <= _KEPT else None
        seen = np.zeros((self.numbers, _LEVELS), np.int64)
        for first in range(0, characters, _BLOCK):
            heed(should_stop)
            n = min(_BLOCK, characters - first)
            begins = np.arange(-(-first // lanes.length) * lanes.length, first + n, lanes.length) - first
            if self._kept is None:
                memories.append(scanner.memory.note(begins))
            booleans, numbers = split(scanner.read(passage.codes(first, first + n + AHEAD)[None], n))
            numbers.clip(0, _LEVELS - 1, out=numbers)
            parts = np.union1d(0, begins)
            on = np.add.reduceat(booleans[:, 0], parts, axis=1, dtype=np.int64)
            self.on[:, (first + parts) // lanes.length] += on
            for levels, values in zip(seen, numbers, strict=True):
                levels += np.bincount(values[0], minlength=_LEVELS)
            if self._kept is not None:
                self._kept.put(first, booleans[:, 0], numbers[:, 0])
        self._scanners = []
        if self._kept is None:
            memory = Memory.side_by_side(memories)
            for first in range(0, len(lanes), _ROWS):
                rows = slice(first, first + _ROWS)
                self._scanners.append((lanes.starts[rows], Scanner(features, memory.part(rows))))
        shares = seen / max(1, characters)
        self._ranks = (np.cumsum(shares, axis=1) - shares / 2 - 0.5).astype(np.float32)

    def read(self, n: int) -> Answers:
        if self._kept is None:
            booleans, levels = self._again(n)
        else:
            booleans, levels = self._kept.get(self._lanes, self._read, n)
        self._read += n
        ranks = np.empty(levels.shape, np.float32)
        for of_levels, of_feature, values in zip(self._ranks, ranks, levels, strict=True):
            np.take(of_levels, values, out=of_feature)
        return Answers(booleans, ranks)

    def _again(self, n: int) -> tuple[Bools, NDArray[np.integer]]:
        booleans = np.empty((len(self.on), len(self._lanes), n), np.bool_)
        levels = np.empty((self.numbers, len(self._lanes), n), np.uint16)
        for number, (starts, scanner) in enumerate(self._scanners):
            rows = slice(number * _ROWS, number * _ROWS + len(starts))
            at = (starts + self._read).tolist()
            codes = np.stack([self._passage.codes(start, start + n + AHEAD) for start in at])
            booleans[:, rows], values = split(scanner.read(codes, n))
            levels[:, rows] = values.clip(0, _LEVELS - 1)
        return booleans, levels


class _Kept:
    """Answers in the order of the text: a bit for each boolean, two bytes for each number."""

    def __init__(self, booleans: int, numbers: int, characters: int) -> None:
        self._booleans = booleans
        self._bits = np.empty((-(-booleans // 8), characters), np.uint8)
        self._levels = np.empty((numbers, characters), np.uint16)

    def put(self, first: int, booleans: Bools, levels: NDArray[np.int32]) -> None:
        at = slice(first, first + levels.shape[1])
        self._bits[:, at] = np.packbits(booleans, axis=0)
        self._levels[:, at] = levels

    def get(self, lanes: Lanes, first: int, n: int) -> tuple[Bools, NDArray[np.uint16]]:
        """The n positions of each lane after so many."""
        shape, at = (-1, len(lanes), lanes.length), slice(first, first + n)
        bits = self._bits.reshape(shape)[:, :, at]
        booleans = np.unpackbits(bits, axis=0, count=self._booleans).view(np.bool_)
        return booleans, self._levels.reshape(shape)[:, :, at]
