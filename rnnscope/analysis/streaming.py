"""Counting along a text of any length, in one pass and in memory that does not grow with it.

    text ──lanes──▶ quantities (t, B, H) ──bins──▶ gathered (C, n) uint8 ──▶ tally
         └─features─────────────────────────────▶ on (F, n), ranks (G, n) ──┘

Lanes take turns: one chooses, the next reports. To shuffle a feature in blocks, each choosing lane is given
that of another, and moved along. Of a long text not every position is counted: of kinds of which there are
50,000 some stand for others, so that an AUC differs from that of all by a standard deviation of at most
0.29 / √25,000 = 0.0018, and of much less where it is high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.binning import Binning
from rnnscope.analysis.evidence import (
    JUDGED_BY,
    LEARN_FROM,
    Columns,
    Evidence,
    Positions,
    Samples,
    check,
    remembered,
    state_parts,
)
from rnnscope.analysis.lanes import LANES, LaneReader, Lanes
from rnnscope.analysis.questions import Along, Answers, Asked, Passage, Question
from rnnscope.analysis.statistics import Bools
from rnnscope.analysis.stopping import Stop
from rnnscope.analysis.tally import Tally
from rnnscope.analysis.threads import Threads
from rnnscope.architecture import Architecture
from rnnscope.errors import TextError
from rnnscope.model import CharRNN
from rnnscope.tracing.trace import Float

_BUFFER_BYTES = 3 << 26
"""Bins that are gathered before they are counted: of many at once each costs less."""
_SHUFFLES = 4
_PLENTY = 25_000
"""Positions of a kind, in a half, of which only some are counted."""
_EVERY = 8
"""For the null every eighth stretch is enough."""
_MOST_STEPS = 256
_FAR = 1 << 40

Told = Callable[[float], None]


def count_along(
    model: CharRNN,
    ids: NDArray[np.integer],
    question: Question,
    quantity: str | None = None,
    *,
    lanes: int = LANES,
    told: Told | None = None,
    should_stop: Stop | None = None,
) -> Evidence:
    """Count over `ids` (T,); `told` hears what share is done. Raises OptionError, TextError, Stopped."""
    columns = Columns.of(model.architecture, quantity)
    cut = Lanes.over(len(ids), lanes)
    if cut.length < cut.steps:
        raise TextError(f"{len(ids)} characters are too few to be read in lanes")
    passage = Passage(ids, model.vocabulary.symbols)
    for in_order in (False, True):
        reader = LaneReader(model, ids, cut, in_order=in_order, should_stop=should_stop)
        evidence = _counted(reader, columns, question, passage, told, should_stop)
        if reader.met:
            break
    return evidence


def _counted(
    reader: LaneReader,
    columns: Columns,
    question: Question,
    passage: Passage,
    told: Told | None,
    should_stop: Stop | None,
) -> Evidence:
    lanes = reader.lanes
    along = question.along(passage, lanes, should_stop)
    with Threads() as threads:
        counting = _Counting(reader.model, columns, question.asked, along, lanes, threads, should_stop)
        for first, recorded in reader.read():
            counting.gather(recorded)
            if told is not None:
                told(min(1.0, (first + lanes.steps) / lanes.length))
    return counting.evidence()


class _Counting:
    """The tallies of a pass, and the pieces that are gathered before they are counted."""

    def __init__(
        self,
        model: CharRNN,
        columns: Columns,
        asked: tuple[Asked, ...],
        along: Along,
        cut: Lanes,
        threads: Threads,
        should_stop: Stop | None,
    ) -> None:
        self._threads, self._should_stop = threads, should_stop
        self._model, self._columns, self._asked, self._along = model, columns, asked, along
        self._length = cut.length
        alone, booleans = len(asked) == 1, len(along.on)
        check(asked, int(along.positions.sum()), int(along.on.sum()) if alone and booleans else None)
        self._halves = _halve_lanes(asked, along)
        self._shuffles = max(1, _SHUFFLES // len(asked))
        self._tallies = tuple(
            Tally(len(columns), booleans * times, (len(asked) - booleans) * times)
            for times in (1, 1, self._shuffles)
        )
        self._binnings: dict[tuple[int, str], Binning] = {}
        fitting = min(_MOST_STEPS, _BUFFER_BYTES // (len(columns) * len(cut)))
        self._steps = max(1, fitting // cut.steps) * cut.steps
        self._thinnings = [_Thinning(along, half) for half in self._halves]
        room = max(_BUFFER_BYTES // (2 * len(columns)), self._steps * (len(cut) // 2))
        self._bins = torch.empty(2, len(columns), room, dtype=torch.uint8)
        self._filled = [0, 0]
        self._gathered: list[_Stretch] = []
        self._stretches = 0
        self._read = 0
        self._samplings = [
            _Sampling(model.architecture, along, half, most)
            for half, most in zip(self._halves, (LEARN_FROM, JUDGED_BY), strict=True)
            if alone
        ]
        self._generator = np.random.default_rng(0)

    def gather(self, recorded: Mapping[str, Tensor]) -> None:
        """Bin the next steps of all lanes; count what is gathered when there is enough, or at the end."""
        filled = self._read % self._steps
        if filled == 0:
            self._expect(min(self._steps, self._length - self._read))
        steps = len(next(iter(recorded.values())))
        for number, chosen in enumerate(self._gathered[-1].chosen):
            self._bin(recorded, number, chosen.weights[:, filled : filled + steps])
        for sampling in self._samplings:
            sampling.take(recorded, filled, steps, self._read)
        self._read += steps
        if self._read == self._length:
            self._count()

    def _expect(self, n: int) -> None:
        """Look at what the next n positions of each lane are, and choose which of them to count."""
        answers = self._along.read(n)
        chosen = [
            thinning.choose(answers, half, self._read)
            for thinning, half in zip(self._thinnings, self._halves, strict=True)
        ]
        counted = [np.count_nonzero(each.weights) for each in chosen]
        if any(filled + n > self._bins.shape[2] for filled, n in zip(self._filled, counted, strict=True)):
            self._count()
        places = [slice(filled, filled + n) for filled, n in zip(self._filled, counted, strict=True)]
        self._gathered.append(_Stretch(answers, chosen, places, self._stretches % _EVERY == 0))
        self._stretches += 1
        for sampling, half in zip(self._samplings, self._halves, strict=False):
            sampling.expect(answers, half)

    def _bin(self, recorded: Mapping[str, Tensor], number: int, weights: NDArray[np.int64]) -> None:
        """Put the bins of the positions of a half that count behind those gathered, in the order of steps."""
        lanes = np.arange(len(self._along.positions))
        step, lane = np.nonzero(weights.T)
        rows = torch.from_numpy(step * len(lanes) + lanes[self._halves[number]][lane])
        filled, size = self._filled[number], self._columns.hidden_size
        bins = self._bins[number, :, filled : filled + len(rows)]

        def fill(place: int) -> None:
            key = self._columns.keys[place]
            values = recorded[f"{key[0]}/{key[1]}"].float().cpu().flatten(0, 1)
            if key not in self._binnings:
                self._binnings[key] = Binning.of(values)
            self._binnings[key].fill(bins[place * size : (place + 1) * size], values, rows)

        self._threads.each(fill, range(len(self._columns.keys)))
        self._filled[number] += len(rows)

    def _count(self) -> None:
        """Count all that is gathered, and some of it once more against features that are shuffled."""
        for number, half in enumerate(self._halves):
            parts = [each.part(number, half) for each in self._gathered]
            self._add(self._tallies[number], self._bins[number, :, : self._filled[number]], parts)
        if shuffled := [each for each in self._gathered if each.is_shuffled]:
            bins = torch.cat([self._bins[0, :, each.places[0]] for each in shuffled], dim=1)
            self._add(self._tallies[2], bins, [self._shuffled(each) for each in shuffled])
        self._gathered.clear()
        self._filled = [0, 0]

    def _shuffled(self, stretch: _Stretch) -> _Part:
        part = stretch.part(0, self._halves[0])
        lanes, n = part.chosen.weights.shape
        on, numbers = [], []
        for _ in range(self._shuffles):
            order = self._generator.permutation(lanes)[:, None]
            moved = (np.arange(n) + self._generator.integers(n, size=(lanes, 1))) % n
            on.append(part.on[:, order, moved])
            numbers.append(part.numbers[:, order, moved])
        return _Part(np.concatenate(on), np.concatenate(numbers), part.chosen)

    def _add(self, tally: Tally, bins: Tensor, parts: Sequence[_Part]) -> None:
        """Count bins (C, n) of what has a weight in some parts."""
        taken = []
        for part in parts:
            counts = part.chosen.weights.T.ravel() > 0
            every = part.on, part.numbers, part.chosen.weights[None], part.chosen.evenly[None]
            taken.append([_by_steps(values)[:, counts] for values in every])
        if bins.shape[1]:
            on, numbers, weights, evenly = (np.concatenate(each, axis=1) for each in zip(*taken, strict=True))
            tally.add(
                bins, on, numbers, weights[0], evenly[0], threads=self._threads, should_stop=self._should_stop
            )

    def evidence(self) -> Evidence:
        chosen_by, reported_by, shuffled = self._tallies
        samples = [each for sampling in self._samplings for each in sampling.found()]
        return Evidence(
            columns=self._columns,
            asked=self._asked,
            positions=int(self._along.positions.sum()),
            positives=self._along.on.sum(axis=1),
            chosen_by=chosen_by,
            reported_by=reported_by,
            shuffled=shuffled,
            samples=Samples(*samples) if samples else None,
            state_parts=state_parts(self._model.architecture),
        )


@dataclass(frozen=True)
class _Chosen:
    """For how many positions of a half each stands (lanes, n); 0 where it is passed over."""

    weights: NDArray[np.int64]
    evenly: NDArray[np.int64]
    """Of those alone that are chosen whatever is on there: plenty for a feature that is a number."""


@dataclass(frozen=True)
class _Part:
    """What holds in a half of a stretch, and what of it counts: on (F, lanes, n), numbers (G, lanes, n)."""

    on: Bools
    numbers: NDArray[np.float32]
    chosen: _Chosen


@dataclass(frozen=True)
class _Stretch:
    """Some steps of all lanes: what holds there, and for each half what counts and where its bins are."""

    answers: Answers
    chosen: list[_Chosen]
    places: list[slice]
    is_shuffled: bool

    def part(self, number: int, half: slice) -> _Part:
        on, numbers = self.answers.booleans[:, half], self.answers.numbers[:, half]
        return _Part(on, numbers, self.chosen[number])


class _Thinning:
    """Which positions of a half count, and for how many each of them stands.

    Where a feature is on is a class of positions, and where it is off another. A class that has twice, four
    or eight times what is plenty is counted at every second, fourth or eighth position; but a position of a
    smaller class too is counted as that one is.
    """

    def __init__(self, along: Along, half: slice) -> None:
        self._lanes = np.arange(len(along.positions))[half, None]
        positions = int(along.positions[half].sum())
        on = along.on[:, half].sum(axis=1)
        self._stride = _stride(positions)
        self._strides = [(_stride(int(each)), _stride(positions - int(each))) for each in on]

    def choose(self, answers: Answers, half: slice, read: int) -> _Chosen:
        on = answers.booleans[:, half]
        steps = np.arange(read, read + answers.numbers.shape[2])
        strides = np.full((len(self._lanes), len(steps)), self._stride)
        for is_on, (where_on, where_off) in zip(on, self._strides, strict=True):
            np.minimum(strides, np.where(is_on, where_on, where_off), out=strides)
        turns = self._lanes + steps
        is_asked = True if answers.is_asked is None else answers.is_asked[half]
        weights = np.where((turns % strides == 0) & is_asked, strides, 0)
        return _Chosen(weights, np.where((turns % self._stride == 0) & is_asked, self._stride, 0))


def _stride(positions: int) -> int:
    """The power of two, at most 8, that leaves plenty of so many."""
    return 1 << min(3, max(0, (positions // _PLENTY).bit_length() - 1))


class _Sampling:
    """States of one half at evenly chosen positions; of a boolean, as many where it is on as where not."""

    def __init__(self, architecture: Architecture, along: Along, half: slice, most: int) -> None:
        self._keys = remembered(architecture)
        self._lanes = np.arange(len(along.positions))[half]
        self._is_boolean = len(along.on) > 0
        positions = int(along.positions[half].sum())
        on = int(along.on[:, half].sum())
        sizes = (positions - on, on) if self._is_boolean else (positions,)
        self._strides = [max(1, -(-size // (most // len(sizes)))) for size in sizes]
        self._passed = [0] * len(sizes)
        self._taken: list[tuple[Positions, Float, NDArray[np.float32]]] = []

    def expect(self, answers: Answers, half: slice) -> None:
        """Choose among the next positions."""
        values = answers.booleans[0] if self._is_boolean else answers.numbers[0]
        self._answers = values[half].astype(np.float32)
        is_asked = (
            np.ones(self._answers.shape, np.bool_) if answers.is_asked is None else answers.is_asked[half]
        )
        self._picked = np.zeros(self._answers.shape, np.bool_)
        for kind, stride in enumerate(self._strides):
            of_kind = is_asked & (self._answers == kind) if self._is_boolean else is_asked
            numbered = np.cumsum(of_kind.T.ravel()).reshape(of_kind.T.shape).T + self._passed[kind]
            self._picked |= of_kind & (numbered % stride == 0)
            self._passed[kind] += int(of_kind.sum())

    def take(self, recorded: Mapping[str, Tensor], filled: int, steps: int, read: int) -> None:
        """Keep the states at those that were chosen."""
        rows, at = np.nonzero(self._picked[:, filled : filled + steps])
        lanes = torch.from_numpy(self._lanes[rows])
        parts = []
        for layer, quantity in self._keys:
            values = recorded[f"{layer}/{quantity}"][torch.from_numpy(at), lanes].float().cpu()
            parts.append(values.tanh() if quantity == "cell" else values)
        places = self._lanes[rows] * _FAR + read + at
        self._taken.append((places, torch.cat(parts, dim=1).numpy(), self._answers[rows, filled + at]))

    def found(self) -> tuple[Float, NDArray[np.float32]]:
        """States (n, D) and answers (n,), in the order of the text."""
        places, states, answers = (np.concatenate(parts) for parts in zip(*self._taken, strict=True))
        order = np.argsort(places)
        return states[order], answers[order]


def _halve_lanes(asked: tuple[Asked, ...], along: Along) -> tuple[slice, slice]:
    """Lanes take turns; where one half then lacks a lone boolean, the first of them choose."""
    lanes = len(along.positions)
    for halves in (
        (slice(0, lanes, 2), slice(1, lanes, 2)),
        (slice(0, lanes // 2), slice(lanes // 2, lanes)),
    ):
        if len(asked) > 1 or not len(along.on):
            return halves
        if all(0 < along.on[0, half].sum() < along.positions[half].sum() for half in halves):
            return halves
    raise TextError(
        f"{asked[0].name} is on, or off, in one stretch of the text alone: to choose on one half and report "
        "on the other takes a text with more of it"
    )


def _by_steps(values: NDArray[Any]) -> NDArray[Any]:
    """(F, lanes, n) to (F, n · lanes)."""
    return values.transpose(0, 2, 1).reshape(len(values), values.shape[1] * values.shape[2])
