"""The history of a run for the charts: values over steps, in bounded memory.

A series keeps its first 8,192 steps one by one, because a log axis never stops showing them. The rows behind
them hold `stride` steps each, as lowest, highest and mean value: one at first, and twice as many whenever
65,536 rows are full and every two neighbors become one. A run of millions of steps needs no more than these.

The smoothed value is s(n) = s(n−1) + (x(n) − s(n−1)) / w(n) with w(n) = min(max(1, n/20), 100): a mean over
about the last twentieth of the run, 100 steps at most. s(1) = x(1), so there is no start-up bias to correct.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnscope.training.events import Compared, Evaluated, Event, Progress, Started, Warned

Float = NDArray[np.float64]

EXACT_ROWS = 8_192
MAXIMUM_ROWS = 65_536
SMOOTHED_SHARE = 20
"""The smoothing window is the run so far divided by this ..."""
LONGEST_WINDOW = 100
"""... and no longer than this many steps."""

_STEP, _LOW, _HIGH, _MEAN, _SMOOTH, _COUNT = range(6)


class Series:
    """Values over steps, in rows of last step, lowest, highest, mean and smoothed value, and their number."""

    def __init__(self, *, smoothed: bool = True, maximum_rows: int = MAXIMUM_ROWS) -> None:
        self._smoothed = smoothed
        self._maximum_rows = maximum_rows
        self._exact_rows = min(EXACT_ROWS, maximum_rows // 8)
        self._rows: Float = np.empty((6, min(1024, maximum_rows)))
        self._length = 0
        self._seen = 0
        self._stride = 1

    def __len__(self) -> int:
        return self._length

    @property
    def steps(self) -> Float:
        """(N,) the last step of every row, rising."""
        return self._rows[_STEP, : self._length]

    @property
    def low(self) -> Float:
        """(N,) the lowest value within every row."""
        return self._rows[_LOW, : self._length]

    @property
    def high(self) -> Float:
        """(N,) the highest value within every row."""
        return self._rows[_HIGH, : self._length]

    @property
    def mean(self) -> Float:
        """(N,) the mean of the values within every row."""
        return self._rows[_MEAN, : self._length]

    @property
    def smooth(self) -> Float:
        """(N,) the smoothed value at the last step of every row; the value itself without smoothing."""
        return self._rows[_SMOOTH, : self._length]

    def extend(self, steps: ArrayLike, values: ArrayLike) -> None:
        """Append values at rising steps; values that are not finite are left out.

        Where the steps begin before the last one (a run that went back to an earlier state), later rows go.
        """
        at: Float = np.asarray(steps, dtype=np.float64)
        numbers: Float = np.asarray(values, dtype=np.float64)
        if len(at) and self._length and at[0] <= self.steps[-1]:
            self._forget_from(float(at[0]))
        finite = np.isfinite(numbers)
        at, numbers = at[finite], numbers[finite]
        smooth = self._smoothing(numbers) if self._smoothed else numbers
        done = 0
        while done < len(at):
            self._make_room()
            taken = min(self._room_in_last_row(), len(at) - done)
            if taken:
                part = slice(done, done + taken)
                self._widen_last_row(at[part], numbers[part], smooth[part])
            else:
                taken = self._append_rows(at[done:], numbers[done:], smooth[done:])
            done += taken

    def nearest(self, step: float) -> int:
        """The row whose step is nearest to this one. The series must not be empty."""
        after = int(np.searchsorted(self.steps, step))
        if after == 0:
            return 0
        if after == self._length:
            return after - 1
        return after if self.steps[after] - step < step - self.steps[after - 1] else after - 1

    def _forget_from(self, step: float) -> None:
        self._length = int(np.searchsorted(self.steps, step))
        self._seen = int(self._rows[_COUNT, : self._length].sum())

    def _smoothing(self, values: Float) -> Float:
        smooth = np.empty_like(values)
        level = float(self.smooth[-1]) if self._length else 0.0
        seen = self._seen
        for i, value in enumerate(values.tolist()):
            seen += 1
            level += (value - level) / min(max(1.0, seen / SMOOTHED_SHARE), LONGEST_WINDOW)
            smooth[i] = level
        self._seen = seen
        return smooth

    def _room_in_last_row(self) -> int:
        """How many more steps the last row may hold."""
        if self._length <= self._exact_rows:
            return 0
        return self._stride - int(self._rows[_COUNT, self._length - 1])

    def _widen_last_row(self, steps: Float, values: Float, smooth: Float) -> None:
        row = self._rows[:, self._length - 1]
        total = row[_MEAN] * row[_COUNT] + values.sum()
        row[_COUNT] += len(values)
        row[_STEP], row[_SMOOTH], row[_MEAN] = steps[-1], smooth[-1], total / row[_COUNT]
        row[_LOW], row[_HIGH] = min(row[_LOW], values.min()), max(row[_HIGH], values.max())

    def _append_rows(self, steps: Float, values: Float, smooth: Float) -> int:
        """Whole rows, as many as there is room for, or the beginning of one; how many steps they took."""
        single = self._length < self._exact_rows
        stride = 1 if single else self._stride
        room = (self._exact_rows if single else self._rows.shape[1]) - self._length
        room = min(room, self._rows.shape[1] - self._length)
        whole = min(room, len(steps) // stride)
        count, width = (whole, stride) if whole else (1, len(steps))
        taken = count * width
        grouped = values[:taken].reshape(count, width)
        rows = self._rows[:, self._length : self._length + count]
        rows[_STEP], rows[_SMOOTH] = steps[width - 1 : taken : width], smooth[width - 1 : taken : width]
        rows[_LOW], rows[_HIGH], rows[_MEAN] = grouped.min(axis=1), grouped.max(axis=1), grouped.mean(axis=1)
        rows[_COUNT] = width
        self._length += count
        return taken

    def _make_room(self) -> None:
        """Room for one more row: a larger array, or rows of twice the stride."""
        capacity = self._rows.shape[1]
        if self._length < capacity:
            return
        if capacity < self._maximum_rows:
            grown = np.empty((6, min(2 * capacity, self._maximum_rows)))
            grown[:, :capacity] = self._rows
            self._rows = grown
            return
        start = self._exact_rows
        pairs = (self._length - start) // 2
        first = self._rows[:, start : start + 2 * pairs : 2]
        second = self._rows[:, start + 1 : start + 2 * pairs : 2]
        count = first[_COUNT] + second[_COUNT]
        merged = second.copy()  # the later one's step and smoothed value
        merged[_LOW] = np.minimum(first[_LOW], second[_LOW])
        merged[_HIGH] = np.maximum(first[_HIGH], second[_HIGH])
        merged[_MEAN] = (first[_MEAN] * first[_COUNT] + second[_MEAN] * second[_COUNT]) / count
        merged[_COUNT] = count
        odd = self._rows[:, start + 2 * pairs : self._length].copy()
        self._rows[:, start : start + pairs] = merged
        self._rows[:, start + pairs : start + pairs + odd.shape[1]] = odd
        self._length = start + pairs + odd.shape[1]
        self._stride *= 2


@dataclass(frozen=True)
class Best:
    """The lowest held-out loss so far."""

    nats: float
    step: int


@dataclass(frozen=True)
class Mark:
    """A step at which a run changed its course."""

    step: int
    kind: Literal["annealing", "rewound", "resumed"]
    """annealing: the learning rate begins to decay. rewound: training diverged, earlier weights came back.
    resumed: another process continued the run."""


class History:
    """The losses and gradients of a run, in the order of its events."""

    def __init__(self) -> None:
        self.train = Series()
        """Training loss, nats per character."""
        self.gradient = Series()
        """Norm of the gradient before clipping."""
        self.held_out = Series(smoothed=False)
        """Held-out loss, nats per character."""
        self.baselines_nats: dict[str, float] = {}
        self.marks: list[Mark] = []
        self.best: Best | None = None
        self.step = 0
        self.learning_rate: float | None = None
        self.update_ratio_log10: float | None = None
        self._phase = ""
        self.version = 0
        """Incremented by every addition, so that charts detect changes."""

    @property
    def divergences(self) -> list[int]:
        """Steps at which the run went back to an earlier state."""
        return [mark.step for mark in self.marks if mark.kind == "rewound"]

    def reach(self, step: int) -> None:
        """Let the steps go at least as far as this one, where weights are later than the last loss."""
        if step > self.step:
            self.step = step
            self.version += 1

    def add(self, event: Event) -> None:
        """Take what the charts need from an event; other kinds of event change nothing."""
        match event:
            case Progress():
                self.train.extend(event.steps, event.losses_nats)
                self.gradient.extend(event.steps, event.gradient_norms)
                self.step = int(event.steps[-1]) if len(event.steps) else event.step
                self.learning_rate = event.learning_rate
                if event.update_ratio_log10 is not None:
                    self.update_ratio_log10 = event.update_ratio_log10
                if event.phase == "annealing" != self._phase and len(event.steps):
                    self._mark(int(event.steps[0]), "annealing")
                self._phase = event.phase
            case Evaluated():
                self.held_out.extend([event.step], [event.held_out_nats])
                if event.is_best:
                    self.best = Best(event.held_out_nats, event.step)
            case Compared():
                self.baselines_nats = {**self.baselines_nats, **event.baselines_nats}
            case Warned(kind="divergence"):
                self._mark(event.step, "rewound")
            case Started(resumed=True):
                self._mark(event.step, "resumed")
            case _:
                return
        self.version += 1

    def _mark(self, step: int, kind: Literal["annealing", "rewound", "resumed"]) -> None:
        mark = Mark(step, kind)
        if mark not in self.marks:  # a run may be resumed twice at one step
            self.marks.append(mark)
