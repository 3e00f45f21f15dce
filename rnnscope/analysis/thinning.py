"""Which positions of a long text are looked at, and which of these are counted.

Where a feature is on is a class of positions, and where it is off another. Of a small class all positions are
taken, of a large one enough; but a position of a smaller class too is taken as that one is.

What a unit does depends most on the last characters and on what is on there: so positions are numbered apart
for each such kind, and of each kind evenly many are taken. A position's number is turned into one between 0
and 1, from a sequence that fills that interval evenly (multiples of the golden ratio, less their whole
parts), and the position is taken where that is below its class's share: so that what is counted is always
among what is looked at. An AUC is then off by about half as much as if positions were taken at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.along import Along, Answers
from rnnscope.analysis.statistics import Bools, Doubles

_LOOK = 22_000
"""Positions of a class that are looked at, where there are as many."""
_LOOK_EVERY = 6
_COUNT = 3_000
"""Of those, positions that are counted: at least, and of a short text more in proportion."""
_LONG = 500_000
"""Positions of a half that are many."""
_COUNT_EVERY = 32
"""One in so many is looked at, or counted, however many there are. Of a lone feature four times as many
are counted, for its average precision depends on few.
"""
_RANK = 12_000
_RANK_EVERY = 32
"""The same of what is counted for features that are numbers."""
_GOLDEN = (5**0.5 - 1) / 2
_KINDS = 1 << 16
_MIXED = 40503
"""For kinds as sixteen bits, some of which have to share: 2¹⁶ times the golden ratio."""


@dataclass(frozen=True)
class Chosen:
    """Positions of some lanes, in the order of steps.

    lane, step: (m,) of what is looked at; lanes are numbers among those of the half.
    share: (m,) how likely each was to be.
    counted: (n,) which of the m are counted, and how many positions each stands for; `ranked` (n,) is the
    same for features that are numbers, 0 for most.
    """

    lane: NDArray[np.int64]
    step: NDArray[np.int64]
    share: NDArray[np.float32]
    counted: NDArray[np.int64]
    stands_for: NDArray[np.int64]
    ranked: NDArray[np.int64]

    @property
    def at(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lanes and steps of what is looked at."""
        return self.lane, self.step

    @property
    def few(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of what is counted."""
        return self.lane[self.counted], self.step[self.counted]


class Thinning:
    """Chooses among the positions of some lanes."""

    def __init__(self, along: Along, lanes: slice) -> None:
        """along: surveyed, so that it is known how large each class is."""
        self._lanes = np.arange(len(along.positions))[lanes]
        self._slice = lanes
        positions = int(along.positions[lanes].sum())
        on = along.on[:, lanes].sum(axis=1).astype(np.int64)
        sizes = np.stack([on, positions - on], axis=1)
        self._sizes, classes = np.unique([*sizes.ravel(), positions], return_inverse=True)
        self._all, self._classes = classes[-1].astype(np.int16), classes[:-1].astype(np.int16).reshape(-1, 2)
        self._shares = np.clip(_LOOK / np.maximum(1, self._sizes), 1 / _LOOK_EVERY, 1).astype(np.float32)
        every = _COUNT_EVERY // 4 if len(along.on) + along.numbers == 1 else _COUNT_EVERY
        plenty = max(_COUNT, _COUNT * _LONG // max(1, positions))
        self._strides = np.array([_stride(size, plenty, every) for size in self._sizes.tolist()])
        # What is ranked is among what is counted, whatever its class.
        self._every = max(_stride(positions, _RANK, _RANK_EVERY), int(self._strides.max()))
        self._seen = np.zeros(_KINDS, np.int64)

    def choose(self, answers: Answers, ids: NDArray[np.integer]) -> Chosen:
        """Among the next n positions of each lane; answers and ids (lanes, n + 1) are of all lanes, ids from
        one character before.
        """
        on = answers.booleans[:, self._slice]
        steps = answers.numbers.shape[2]
        smallest = np.full((len(self._lanes), steps), self._all)
        for is_on, (off_class, on_class) in zip(on, self._classes[:, ::-1], strict=True):
            np.minimum(smallest, np.where(is_on, on_class, off_class), out=smallest)
        numbers = self._numbers(on, ids[self._slice])
        shares = self._shares[smallest]
        taken = numbers < shares
        if answers.is_asked is not None:
            taken &= answers.is_asked[self._slice]
        step, lane = np.nonzero(taken.T)
        strides = self._strides[smallest[lane, step]]
        number = numbers[lane, step]
        counted = np.flatnonzero(number * strides < 1)
        return Chosen(
            lane=lane,
            step=step,
            share=shares[lane, step],
            counted=counted,
            stands_for=strides[counted],
            ranked=np.where(number[counted] * self._every < 1, self._every, 0),
        )

    def _numbers(self, on: Bools, ids: NDArray[np.integer]) -> Doubles:
        """(lanes, n) between 0 and 1: those of each kind fill that interval evenly."""
        mixed = ids.astype(np.uint16)
        kinds = mixed[:, 1:] * np.uint16(257) + mixed[:, :-1]
        for is_on in on:
            kinds = kinds * np.uint16(_MIXED) + is_on
        kinds = (kinds * np.uint16(_MIXED)).T.ravel()
        order = np.argsort(kinds, kind="stable")
        ordered = kinds[order]
        counts = np.bincount(kinds, minlength=_KINDS)
        first = np.cumsum(counts) - counts
        number = np.empty(len(kinds))
        number[order] = (np.arange(len(kinds)) - first[ordered] + self._seen[ordered]) * _GOLDEN
        number += kinds * (1 / _KINDS)
        self._seen += counts
        number -= np.floor(number)
        return number.reshape(-1, len(ids)).T


def _stride(positions: int, plenty: int, most: int) -> int:
    """The power of two, at most `most`, that leaves plenty of so many."""
    stride = 1
    while stride < most and positions >= 2 * stride * plenty:
        stride *= 2
    return stride
