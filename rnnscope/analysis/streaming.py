"""Counting along a text of any length, in one pass and in memory that does not grow with it.

    text ──lanes──▶ quantities (t, B, H) ──bins──▶ gathered (C, n) uint8 ──▶ tally
         └─features─────────────────────────────▶ on (F, n), ranks (G, n) ──┘

Lanes in the first half of the text choose, those in the second report. To shuffle a feature in blocks, each
choosing lane is given that of another, and moved along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
from rnnscope.analysis.lanes import STEPS, Lanes, read_lanes
from rnnscope.analysis.questions import Along, Answers, Asked, Passage, Question
from rnnscope.analysis.statistics import Binning, Bools
from rnnscope.analysis.tally import Tally
from rnnscope.architecture import Architecture
from rnnscope.errors import TextError
from rnnscope.model import CharRNN
from rnnscope.tracing.trace import Float

LANES = 256
_BUFFER_BYTES = 1 << 27
"""Bins that are gathered before they are counted."""
_SHUFFLES = 4
_EVERY = 4
"""For the null every fourth stretch is enough."""
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
) -> Evidence:
    """Count over `ids` (T,); `told` hears what share of them is done. Raises OptionError, TextError."""
    columns = Columns.of(model.architecture, quantity)
    cut = Lanes.over(len(ids), lanes)
    if cut.length < STEPS:
        raise TextError(f"{len(ids)} characters are too few to be read in lanes")
    along = question.along(Passage(ids, model.vocabulary.symbols), cut)
    counting = _Counting(model, columns, question.asked, along, cut)
    for first, recorded in read_lanes(model, ids, cut):
        counting.gather(recorded)
        if told is not None:
            told(min(1.0, (first + STEPS) / cut.length))
    return counting.evidence()


class _Counting:
    """The tallies of a pass, and the pieces that are gathered before they are counted."""

    def __init__(
        self, model: CharRNN, columns: Columns, asked: tuple[Asked, ...], along: Along, cut: Lanes
    ) -> None:
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
        fitting = _BUFFER_BYTES // (len(columns) * len(cut)) // STEPS * STEPS
        self._steps = max(STEPS, min(_MOST_STEPS, fitting))
        self._bins = [
            torch.empty(len(columns), self._steps, len(cut) // 2, dtype=torch.uint8) for _ in self._halves
        ]
        self._read = 0
        self._fills = 0
        self._samplings = [
            _Sampling(model.architecture, along, half, most)
            for half, most in zip(self._halves, (LEARN_FROM, JUDGED_BY), strict=True)
            if alone
        ]
        self._generator = np.random.default_rng(0)

    def gather(self, recorded: Mapping[str, Tensor]) -> None:
        """Bin the next steps of all lanes; count what is gathered when the buffer is full, or at the end."""
        filled = self._read % self._steps
        if filled == 0:
            self._answers = self._along.read(min(self._steps, self._length - self._read))
            for sampling, half in zip(self._samplings, self._halves, strict=False):
                sampling.expect(self._answers, half)
        size = self._columns.hidden_size
        steps = 0
        for number, (layer, quantity) in enumerate(self._columns.keys):
            values = recorded[f"{layer}/{quantity}"].float().cpu().contiguous()
            steps = len(values)
            if (layer, quantity) not in self._binnings:
                self._binnings[layer, quantity] = Binning.of(values.view(-1, size))
            binning = self._binnings[layer, quantity]
            found = binning(values.view(-1, size)).view(values.shape)
            for bins, half in zip(self._bins, self._halves, strict=True):
                rows = bins[number * size : (number + 1) * size, filled : filled + steps]
                rows.copy_(found[:, half].permute(2, 0, 1))
        for sampling in self._samplings:
            sampling.take(recorded, filled, steps, self._read)
        self._read += steps
        if filled + steps == self._steps or self._read == self._length:
            self._count(filled + steps)

    def _count(self, n: int) -> None:
        on, numbers, is_asked = self._answers.booleans, self._answers.numbers, self._answers.is_asked
        every = np.ones(on.shape[1:], np.bool_) if is_asked is None else is_asked
        for tally, bins, half in zip(self._tallies, self._bins, self._halves, strict=False):
            self._add(tally, bins[:, :n], on[:, half], numbers[:, half], every[half])
        if self._fills % _EVERY == 0:
            chooses = self._halves[0]
            self._count_shuffled(on[:, chooses], numbers[:, chooses], every[chooses], n)
        self._fills += 1

    def _count_shuffled(self, on: Bools, numbers: NDArray[np.float32], is_asked: Bools, n: int) -> None:
        lanes = len(is_asked)
        shuffled_on, shuffled_numbers = [], []
        wanted = np.ones((lanes, n), np.bool_)
        for _ in range(self._shuffles):
            order = self._generator.permutation(lanes)[:, None]
            moved = (np.arange(n) + self._generator.integers(n, size=(lanes, 1))) % n
            wanted &= is_asked[order, moved]
            shuffled_on.append(on[:, order, moved])
            shuffled_numbers.append(numbers[:, order, moved])
        self._add(
            self._tallies[2],
            self._bins[0][:, :n],
            np.concatenate(shuffled_on),
            np.concatenate(shuffled_numbers),
            wanted,
        )

    def _add(
        self, tally: Tally, bins: Tensor, on: Bools, numbers: NDArray[np.float32], wanted: Bools
    ) -> None:
        """Count what is wanted of bins (C, n, lanes), on (F, lanes, n) and numbers (G, lanes, n)."""
        gathered, kept = bins.flatten(1), wanted.T.ravel()
        if not kept.all():
            gathered = gathered[:, torch.from_numpy(np.flatnonzero(kept))]
        tally.add(gathered, _by_steps(on)[:, kept], _by_steps(numbers)[:, kept])

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
    """The lanes of the first half and those of the second; in turns, where a half lacks a lone boolean."""
    lanes = len(along.positions)
    ways = ((slice(0, lanes // 2), slice(lanes // 2, lanes)), (slice(0, lanes, 2), slice(1, lanes, 2)))
    for halves in ways:
        if len(asked) > 1 or not len(along.on):
            return halves
        if all(0 < along.on[0, half].sum() < along.positions[half].sum() for half in halves):
            return halves
    raise TextError(
        f"{asked[0].name} is on in one stretch of the text alone: to choose on one half and report on the "
        "other takes a text with more of it"
    )


def _by_steps(values: NDArray[Any]) -> NDArray[Any]:
    """(F, lanes, n) to (F, n · lanes)."""
    return values.transpose(0, 2, 1).reshape(len(values), values.shape[1] * values.shape[2])
