"""Counting, for every quantity of every unit, what a search decides from: in a trace, or along a long text.

    the half that chooses   ──▶  scores           the same half, features shuffled in blocks  ──▶  null
    the half that reports   ──▶  held out

A trace's values are at hand, so that what counts as best can be worked out exactly. Along a long text only
histograms are kept, and some thousand positions for the probe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.along import Answers, Asked
from rnnscope.analysis.binning import Binning
from rnnscope.analysis.control import Sums
from rnnscope.analysis.questions import Question
from rnnscope.analysis.statistics import Bools, centred_ranks
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.analysis.tally import Tally
from rnnscope.analysis.threads import Threads
from rnnscope.errors import OptionError, TextError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.tracing.trace import Float, Trace

Positions = NDArray[np.int64]

_SAMPLE = 2048
"""Positions from which bins are laid out."""
_TURNS = 16
_BLOCKS = 24
"""Blocks that a half is cut into to be shuffled."""
_SHUFFLES = 8
LEARN_FROM = 2048
JUDGED_BY = 4096
"""Positions that a probe is fitted to, and judged by."""


@dataclass(frozen=True)
class Columns:
    """The quantities of all units that are searched, in the order of the tally's columns."""

    keys: tuple[tuple[int, str], ...]
    """Layer and quantity."""
    hidden_size: int

    @classmethod
    def of(cls, architecture: Architecture, quantity: str | None) -> Columns:
        """All quantities, or one. Raises OptionError where the cell has no such quantity."""
        known = QUANTITIES[architecture.cell]
        if quantity is not None and quantity not in known:
            raise OptionError(f"there is no quantity {quantity!r} in this network: it has {', '.join(known)}")
        quantities = known if quantity is None else (quantity,)
        keys = ((layer, each) for layer in range(1, architecture.layers + 1) for each in quantities)
        return cls(tuple(keys), architecture.hidden_size)

    def __len__(self) -> int:
        return len(self.keys) * self.hidden_size

    def __getitem__(self, column: int) -> tuple[int, int, str]:
        """Layer, unit and quantity of a column."""
        layer, quantity = self.keys[column // self.hidden_size]
        return layer, column % self.hidden_size, quantity


@dataclass(frozen=True, eq=False)
class Samples:
    """States and answers at some positions of each half: what a probe is fitted to, and judged by."""

    states: Float
    answers: NDArray[np.float32]
    held_states: Float
    held_answers: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was counted.

    shuffled: of the half that chooses, and of several times as many features: those of one shuffle after
    those of another.
    positives: (F,) how often each boolean is on.
    """

    columns: Columns
    asked: tuple[Asked, ...]
    positions: int
    positives: NDArray[np.int64]
    chosen_by: Tally
    reported_by: Tally
    shuffled: Sums
    samples: Samples | None
    state_parts: int
    """How many numbers of each unit a sample has: hidden, or hidden and cell."""


@dataclass(frozen=True)
class Halves:
    """Positions of a text, or numbers of lanes, of the half that chooses and of the half that reports."""

    chooses: Positions
    reports: Positions


def halve(asked: Positions, on: Bools | None) -> Halves:
    """Blocks of the text take turns: eight choose and eight report, so that both halves see all its kinds.

    Where a lone boolean is on, or off, in only one of them, blocks are half as long, until each half has seen
    both. Raises TextError where that cannot be.
    """
    block = max(1, -(-len(asked) // _TURNS))
    while block:
        takes_part = np.arange(len(asked)) // block % 2 == 0
        if on is None or _sees_both(on, takes_part):
            return Halves(asked[takes_part], asked[~takes_part])
        block //= 2
    raise TextError(
        "the feature is on, or off, at too few positions: to choose on one half of the text and report on "
        "the other, both need some of both"
    )


def _sees_both(on: Bools, takes_part: Bools) -> bool:
    return all(0 < on[part].sum() < part.sum() for part in (takes_part, ~takes_part))


def shuffled_in_blocks(n: int, generator: np.random.Generator) -> Positions:
    """(n,) positions, their blocks in another order, and uneven, so that no period of the text survives."""
    size = max(2, n // _BLOCKS)
    lengths = generator.integers(size // 2 + 1, size + size // 2 + 1, size=2 * n // size + 2)
    borders = np.minimum(np.cumsum(lengths), n)
    blocks = np.split(np.arange(n), borders[borders < n])
    return np.concatenate([blocks[i] for i in generator.permutation(len(blocks))])


def count_trace(
    trace: Trace, question: Question, quantity: str | None, *, should_stop: Stop | None = None
) -> Evidence:
    """Count over a trace. Raises OptionError, TextError, Stopped."""
    columns = Columns.of(trace.architecture, quantity)
    answers = question.over(trace.text)
    asked, on, numbers, halves = halved(answers, question)
    bins = torch.empty(len(columns), len(trace), dtype=torch.uint8)
    sample = asked[np.linspace(0, len(asked) - 1, min(_SAMPLE, len(asked))).astype(np.int64)]

    def fill(number: int) -> None:
        heed(should_stop)
        layer, quantity = columns.keys[number]
        values = torch.from_numpy(trace[f"{layer}/{quantity}"])
        rows = slice(number * columns.hidden_size, (number + 1) * columns.hidden_size)
        Binning.of(values[torch.from_numpy(sample)]).fill(bins[rows], values)

    tallies = [Tally(len(columns), len(on), len(numbers)) for _ in range(2)]
    with Threads() as threads:
        threads.each(fill, range(len(columns.keys)))
        parts = [_picked(bins, half) for half in (halves.chooses, halves.reports)]
        for tally, part, half in zip(tallies, parts, (halves.chooses, halves.reports), strict=True):
            ranked = _ranked(numbers[:, half])
            tally.add(part, on[:, half], ranked, threads=threads, should_stop=should_stop)
    samples = None
    if len(question.asked) == 1:
        answer = numbers[0] if len(numbers) else on[0].astype(np.float32)
        learnt = _thinned(halves.chooses, answer if len(on) else None, LEARN_FROM)
        judged = _thinned(halves.reports, answer if len(on) else None, JUDGED_BY)
        samples = Samples(_states(trace, learnt), answer[learnt], _states(trace, judged), answer[judged])
    return Evidence(
        columns=columns,
        asked=question.asked,
        positions=len(asked),
        positives=on[:, asked].sum(axis=1),
        chosen_by=tallies[0],
        reported_by=tallies[1],
        shuffled=_shuffled(columns, parts[0], on, numbers, halves.chooses),
        samples=samples,
        state_parts=state_parts(trace.architecture),
    )


def _shuffled(
    columns: Columns, bins: Tensor, on: Bools, numbers: NDArray[np.float32], half: Positions
) -> Sums:
    """What bins (C, n) at positions (n,) go with features that are shuffled in blocks."""
    times = max(1, _SHUFFLES // (len(on) + len(numbers)))
    generator = np.random.default_rng(0)
    orders = [half[shuffled_in_blocks(len(half), generator)] for _ in range(times)]
    sums = Sums(len(columns), len(on) * times, len(numbers) * times)
    rows = sums.rows(
        np.concatenate([on[:, order] for order in orders]),
        np.concatenate([_ranked(numbers[:, order]) for order in orders]),
        np.ones(len(half)),
    )
    for first in range(0, len(columns), columns.hidden_size):
        some = slice(first, first + columns.hidden_size)
        sums.add(some, bins[some].t().float(), rows)
    sums.settle()
    return sums


def halved(answers: Answers, question: Question) -> tuple[Positions, Bools, NDArray[np.float32], Halves]:
    """The positions asked about, the booleans (F, T) and numbers (G, T) of the one row, and its halves."""
    on, numbers = answers.booleans[:, 0], answers.numbers[:, 0]
    is_asked = np.ones(on.shape[1], np.bool_) if answers.is_asked is None else answers.is_asked[0]
    asked = np.flatnonzero(is_asked)
    lone = on[0, asked] if len(question.asked) == 1 and len(on) else None
    check(question.asked, len(asked), None if lone is None else int(lone.sum()))
    return asked, on, numbers, halve(asked, lone)


def check(asked: tuple[Asked, ...], positions: int, positives: int | None) -> None:
    """Raise TextError where there is nothing to tell apart."""
    if positions < 8:
        raise TextError(f"{positions} positions are too few to find a neuron by: give a longer text")
    if positives is not None and not 2 <= positives <= positions - 2:
        where = {0: "nowhere", 1: "only once", positions: "everywhere"}.get(positives, "all but everywhere")
        raise TextError(
            f"{asked[0].name} is {where} in the {positions:,} characters that were read: "
            "a search needs it on twice, and off twice"
        )


def remembered(architecture: Architecture) -> tuple[tuple[int, str], ...]:
    """Layer and quantity of all that a network carries to its next step: what a probe reads."""
    carried = [each for each in ("hidden", "cell") if each in QUANTITIES[architecture.cell]]
    return tuple((layer, each) for each in carried for layer in range(1, architecture.layers + 1))


def state_parts(architecture: Architecture) -> int:
    """How many numbers of each unit a network carries."""
    return len(remembered(architecture)) // architecture.layers


def _states(trace: Trace, positions: Positions) -> Float:
    """(n, D) hidden states, and cells as they are shown, of all layers."""
    return np.concatenate(
        [trace.shown(layer, each)[positions] for layer, each in remembered(trace.architecture)], axis=1
    )


def _thinned(positions: Positions, on: NDArray[np.float32] | None, most: int) -> Positions:
    """At most so many, evenly; of a boolean as many where it is on as where not, where there are enough."""
    if on is None:
        return _evenly(positions, most)
    parts = [positions[on[positions] == wanted] for wanted in (0, 1)]
    share = max(most // 2, most - min(len(part) for part in parts))
    return np.sort(np.concatenate([_evenly(part, share) for part in parts]))


def _evenly(positions: Positions, most: int) -> Positions:
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(np.int64)]


def _picked(bins: Tensor, positions: Positions) -> Tensor:
    """Columns of (C, T); a stretch is not copied."""
    first, last = int(positions[0]), int(positions[-1]) + 1
    if last - first == len(positions):
        return bins[:, first:last]
    return bins[:, torch.from_numpy(positions)]


def _ranked(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    return centred_ranks(numbers) if len(numbers) else numbers
