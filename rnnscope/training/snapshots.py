"""Which steps of a run have a snapshot: dense enough for a film of the training, few enough for a disk.

    0 1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 …     four per octave at first,
    … 512 640 768 896 1,024 1,152 1,280 1,408 …        then one every `stride` steps

All strides are powers of two, so that the steps of a coarser grid are among those of a finer one. A run whose
end is known has the finest grid that fits from the start. A run that grows past its limit deletes every
second snapshot of the linear part; what is left is evenly spaced again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

MOST = 120
"""The maximum number of snapshots of a run."""
UNKNOWN_END = 2_048
"""The number of steps that a run without a budget is expected to take, until it has taken more."""
SHORTEST_STRIDE = 8
"""A run of a few hundred steps has fewer snapshots, so that saving them takes no noticeable time."""


@dataclass(frozen=True)
class Grid:
    """The steps with a snapshot: `per_octave` in every doubling of the step, then every `stride` steps."""

    stride: int = SHORTEST_STRIDE
    """A power of two."""
    per_octave: int = 4
    """4, 2 or 1; 0 leaves the logarithmic part out."""

    def __contains__(self, step: int) -> bool:
        return step % self._spacing(step) == 0

    def count(self, last: int) -> int:
        """The number of steps on the grid from 0 to `last`."""
        found = 1
        first = 1
        while first <= last:
            spacing = self._spacing(first)
            end = min(2 * first - 1, last)
            found += end // spacing - (first - 1) // spacing
            first *= 2
        return found

    def coarser(self, most: int) -> Grid:
        """The next grid, whose steps are among those of this one.

        Its stride is twice as long, unless the logarithmic part takes more than half of `most`.
        """
        if self.per_octave and 2 * self.count(self.per_octave * self.stride) > most:
            return replace(self, per_octave=self.per_octave // 2)
        return replace(self, stride=2 * self.stride)

    def _spacing(self, step: int) -> int:
        octave: int = 1 << max(0, step.bit_length() - 1)
        return min(self.stride, max(1, octave // self.per_octave)) if self.per_octave else self.stride


@lru_cache(maxsize=64)
def finest(last: int, most: int) -> Grid:
    """The finest grid with at most `most` steps from 0 to `last`; `most` is at least 1."""
    grid = Grid()
    while grid.count(last) > most:
        grid = grid.coarser(most)
    return grid


def is_due(step: int, done: float | None, most: int) -> bool:
    """Return True if a step has a snapshot.

    done: the used share of the budget, 0..1; None without a budget. most: the number of snapshots that fit
    in the run's limit; 0 for none.
    """
    if most < 1 or step not in Grid():
        return False
    expected = round(step / done) if done else max(step, UNKNOWN_END)
    return step in finest(_rounded_up(expected), most)


def _rounded_up(steps: int) -> int:
    """At most an eighth more, so that an estimate that changes with every step has few values."""
    unit: int = 1 << max(0, steps.bit_length() - 4)
    return -(-steps // unit) * unit


def most_within(limit_bytes: float, snapshot_bytes: int) -> int:
    """The number of snapshots of a size that fit in a limit; `MOST` or fewer."""
    return min(MOST, int(limit_bytes // max(1, snapshot_bytes)))


def superfluous(steps: Iterable[int], newest: int, most: int) -> set[int]:
    """Which snapshots to delete after that of the step `newest`, so that at most `most` are left.

    Later steps are of an end that a resumed run did not keep. Where the rest is too many, those of a coarser
    grid remain, and the newest.
    """
    found = set(steps)
    later = {step for step in found if step > newest}
    kept = found - later
    if len(kept) > most:
        grid = finest(newest, max(1, most - 1))
        kept = {step for step in kept if step in grid or step == newest}
        if len(kept) > most:  # `most` is 1
            kept = {newest}
    return found - kept
