"""A half of the lanes in which a text is read: the half that chooses, or the half that reports.

    positions ──some──▶ looked at ──▶ bins ──▶ sums: the control
                                       └─some──▶ sums: the null
                                             └─▶ gathered (C, n) uint8 ──▶ tally

What is looked at pays for a few straight pieces and a matrix product alone; bins are gathered, because to
count many at once costs less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.along import Along, Answers
from rnnscope.analysis.binning import Binning, slices, turn
from rnnscope.analysis.control import Control, Sums
from rnnscope.analysis.evidence import Columns, Positions
from rnnscope.analysis.pieces import SCRATCH
from rnnscope.analysis.statistics import BINS, Bools, Doubles, Float
from rnnscope.analysis.stopping import Stop
from rnnscope.analysis.tally import Tally
from rnnscope.analysis.thinning import Thinning
from rnnscope.analysis.threads import Threads


@dataclass(frozen=True)
class Counted:
    """What holds at positions that are counted, and what they stand for: on (F, n), numbers (G, n)."""

    on: Bools
    numbers: Float
    stands_for: NDArray[np.int64]
    ranked: NDArray[np.int64]

    def part(self, at: slice) -> Counted:
        return Counted(self.on[:, at], self.numbers[:, at], self.stands_for[at], self.ranked[at])

    @classmethod
    def joined(cls, parts: Sequence[Counted]) -> Counted:
        return cls(
            np.concatenate([each.on for each in parts], axis=1),
            np.concatenate([each.numbers for each in parts], axis=1),
            np.concatenate([each.stands_for for each in parts]),
            np.concatenate([each.ranked for each in parts]),
        )


@dataclass(frozen=True)
class Looked:
    """At what of a stretch is looked: (m,) rows among all its positions, of which `picked` (n,) are counted,
    and what bins are to be multiplied by.
    """

    rows: Positions
    many: Tensor
    picked: Positions
    few: Tensor
    shuffled: Tensor
    counted: Counted


@dataclass(frozen=True)
class Piece:
    """Positions whose bins stay in the processor's cache, and what these are multiplied by."""

    rows: Tensor
    """(m,) which of the values read are looked at."""
    many: Tensor
    picked: Tensor
    """(n,) which of the m are counted."""
    few: Tensor
    shuffled: Tensor
    place: slice
    """Where their bins are gathered."""


class Half:
    """What is known of a half of the lanes, and what of it is yet to be counted."""

    def __init__(self, along: Along, lanes: slice, columns: Columns, room: int, shuffles: int) -> None:
        self.lanes = lanes
        self._thinning = Thinning(along, lanes)
        self._shuffles, self._generator = shuffles, np.random.default_rng(0)
        sizes = len(columns), len(along.on), along.numbers
        self.tally = Tally(*sizes)
        self.tally.control = self._control = Control(Sums(*sizes), Sums(*sizes))
        self.shuffled = Sums(len(columns), len(along.on) * shuffles, along.numbers * shuffles)
        """Of features shuffled in blocks: each lane has those of another, and moved along."""
        self._bins = torch.empty(len(columns), room, dtype=torch.uint8)
        self._hidden_size = columns.hidden_size
        self._all = len(along.positions)
        self._numbers = np.arange(self._all)[lanes]
        self._gathered: list[Counted] = []
        self._filled = 0

    def look(self, answers: Answers, ids: NDArray[np.integer]) -> Looked:
        """At the next n positions: answers and ids (lanes, n + 1) are of all lanes, ids from one before."""
        chosen = self._thinning.choose(answers, ids)
        on, numbers = answers.booleans[:, self.lanes], answers.numbers[:, self.lanes]
        at, few = chosen.at, chosen.few
        counted = Counted(on[:, *few], numbers[:, *few], chosen.stands_for, chosen.ranked)
        others = [self._elsewhere(*few, *numbers.shape[1:]) for _ in range(self._shuffles)]
        lane, step = at
        return Looked(
            rows=step * self._all + self._numbers[lane],
            many=self._control.many.rows(on[:, *at], numbers[:, *at], 1 / chosen.share),
            picked=chosen.counted,
            few=self._control.few.rows(counted.on, counted.numbers, counted.stands_for, counted.ranked),
            shuffled=self.shuffled.rows(
                np.concatenate([on[:0, *few], *(on[:, *other] for other in others)]),
                np.concatenate([numbers[:0, *few], *(numbers[:, *other] for other in others)]),
                counted.stands_for,
            ),
            counted=counted,
        )

    def _elsewhere(
        self, lane: Positions, step: Positions, lanes: int, steps: int
    ) -> tuple[Positions, Positions]:
        moved = self._generator.integers(steps, size=lanes)
        return self._generator.permutation(lanes)[lane], (step + moved[lane]) % steps

    def pieces(self, looked: Looked, first: int, steps: int) -> list[Piece]:
        """Those of so many steps, from the first of what was looked at; there must be room for them."""
        start, stop = np.searchsorted(looked.rows, [first * self._all, (first + steps) * self._all]).tolist()
        found = []
        for part in slices(stop - start, self._hidden_size):
            at = slice(start + part.start, start + part.stop)
            few = slice(*np.searchsorted(looked.picked, [at.start, at.stop]).tolist())
            filled = self._filled + few.stop - few.start
            found.append(
                Piece(
                    rows=torch.from_numpy(looked.rows[at] - first * self._all),
                    many=looked.many[:, at],
                    picked=torch.from_numpy(looked.picked[few] - at.start),
                    few=looked.few[:, few],
                    shuffled=looked.shuffled[:, few],
                    place=slice(self._filled, filled),
                )
            )
            self._gathered.append(looked.counted.part(few))
            self._filled = filled
        return found

    def has_room(self, positions: int) -> bool:
        """For the bins of so many, before what is gathered must be counted."""
        return self._filled + positions <= self._bins.shape[1]

    def take(self, columns: slice, binning: Binning, values: Tensor, pieces: Sequence[Piece]) -> None:
        """Add up the bins of values (t · B, H), and gather those that are counted."""
        for piece in pieces:
            bins = binning.pieces.of(binning.centred(values, piece.rows))
            self._control.many.add(columns, bins, piece.many)
            few = SCRATCH.rows("few", bins, piece.picked)
            self._control.few.add(columns, few, piece.few)
            if self._shuffles:
                self.shuffled.add(columns, few, piece.shuffled)
            turn(self._bins[columns, piece.place], few)

    def move(self, columns: NDArray[np.int64], borders: Doubles) -> None:
        """Move the bins of some columns, where those of old bins (c, 257) are among the new."""
        self.tally.move(columns, borders)
        middles = ((borders[:, 1:] + borders[:, :-1]) / 2).clip(0, BINS - 1).astype(np.uint8)
        for column, moved in zip(columns.tolist(), middles, strict=True):
            gathered = self._bins[column, : self._filled].numpy()
            gathered[:] = moved[gathered]

    def count(self, threads: Threads, should_stop: Stop | None) -> None:
        """Count all that is gathered."""
        self._control.settle()
        self.shuffled.settle()
        if self._filled:
            every = Counted.joined(self._gathered)
            self.tally.add(
                self._bins[:, : self._filled],
                every.on,
                every.numbers,
                every.stands_for,
                every.ranked,
                threads=threads,
                should_stop=should_stop,
            )
        self._gathered, self._filled = [], 0
