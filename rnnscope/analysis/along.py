"""What a question answers along the lanes in which a long text is read.

Before a network reads a long text, the text alone is surveyed: how often each feature is on in each lane, how
a feature's numbers are distributed, and what each lane must know of the text before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.features import Kind
from rnnscope.analysis.lanes import Lanes
from rnnscope.analysis.scanning import Bools, Codes


@dataclass(frozen=True)
class Asked:
    """A feature as it is reported."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Answers:
    """What holds at the positions of some rows of text.

    booleans: (F, rows, n). numbers: (G, rows, n) float32; along lanes they are ranks, centred at 0.
    is_asked: (rows, n), or None where every position is asked about.
    """

    booleans: Bools
    numbers: NDArray[np.float32]
    is_asked: Bools | None = None


@dataclass(frozen=True, eq=False)
class Passage:
    """A text as ids, decoded where it is looked at."""

    ids: NDArray[np.integer]
    symbols: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def codes(self, start: int, stop: int) -> Codes:
        """(stop − start,) code points; 0 beyond the end."""
        found = np.zeros(stop - start, np.int32)
        within = self._table[self.ids[start : min(stop, len(self))]]
        found[: len(within)] = within
        return found

    @cached_property
    def _table(self) -> Codes:
        return np.array([ord(symbol) for symbol in self.symbols], np.int32)

    def text(self, start: int, stop: int) -> str:
        return "".join([self.symbols[i] for i in self.ids[max(0, start) : stop].tolist()])


class Along(ABC):
    """Answers along lanes, piece by piece, after a survey."""

    def __init__(self, asked: tuple[Asked, ...], lanes: Lanes) -> None:
        booleans = sum(each.kind == "boolean" for each in asked)
        self.numbers = len(asked) - booleans
        """G, how many of what is asked about are numbers."""
        self.on = np.zeros((booleans, len(lanes)), np.int64)
        """(F, B): at how many positions of each lane each boolean is on."""
        self.positions = np.full(len(lanes), lanes.length, np.int64)
        """(B,): how many positions of each lane are asked about."""

    @abstractmethod
    def read(self, n: int) -> Answers:
        """The next n positions of every lane."""
