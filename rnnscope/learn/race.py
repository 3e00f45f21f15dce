"""Chapter race: an RNN, an LSTM and a GRU train side by side, a step each in turn, on one text.

    race = Race(prepared(), Numbers())
    for standing in race.run():
        standing.losses["lstm"]

All three read the same chunks at the same learning rate, from the same seed. The losses are those of the
validation split, as are those of the n-gram models that they are compared with.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.ngram import held_out_losses
from rnnscope.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rnnscope.training.learner import Learner

Cell = Literal["rnn", "lstm", "gru"]
Equal = Literal["units", "parameters"]

CELLS: tuple[Cell, ...] = get_args(Cell)
STEPS = 3_000
"""Steps of a race."""
SEQUENCE_LENGTH, BATCH_SIZE = 48, 32
SEED = 1
CHARACTERS = 200_000
"""The length of the text; its last tenth is the validation split."""

_EVALUATED = 10_000
"""Characters of the validation split that an evaluation reads."""
_SAMPLE = 240
_BLOCKS = {"rnn": 1, "lstm": 4, "gru": 3}
"""Matrices of each cell."""


@dataclass(frozen=True)
class Numbers:
    """The numbers that can be changed."""

    hidden_size: int = 64
    """Hidden units of the LSTM; of the others, too, unless the number of parameters is equal."""
    learning_rate: float = 0.01
    temperature: float = 0.8
    """Of the samples."""
    equal: Equal = "units"
    """What the three have in common: the number of hidden units, or of parameters."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A text in ids, and the losses of n-gram models on it."""

    vocabulary: Vocabulary
    train: NDArray[np.int32]
    held_out: NDArray[np.int32]
    baselines: Mapping[str, float]
    """The validation loss of each n-gram model, in nats per character."""


@dataclass(frozen=True)
class Standing:
    """A race at one moment."""

    numbers: Numbers = Numbers()
    step: int = 0
    steps: tuple[int, ...] = ()
    """The steps at which the losses were measured."""
    losses: Mapping[Cell, tuple[float, ...]] = field(default_factory=dict)
    """Validation losses of each cell, in nats per character."""
    samples: Mapping[Cell, str] = field(default_factory=dict)
    sizes: Mapping[Cell, int] = field(default_factory=dict)
    """Hidden units."""
    parameters: Mapping[Cell, int] = field(default_factory=dict)
    step_seconds: Mapping[Cell, float] = field(default_factory=dict)
    """The mean time of a step."""


def prepared(characters: int = CHARACTERS, progress: Progress = NO_PROGRESS) -> Prepared:
    """The text of the race, the first characters of the archive. Raises Cancelled."""
    from rnnscope.corpora.archive import archive_text

    text = archive_text(characters, SEED)
    progress(0.5)
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text)
    split = len(ids) * 9 // 10
    train, held_out = ids[:split], ids[split:]
    baselines = dict(held_out_losses(train, held_out, len(vocabulary), progress=progress))
    return Prepared(vocabulary, train, held_out, baselines)


def sizes(numbers: Numbers, vocabulary: int) -> dict[Cell, int]:
    """The number of hidden units of each cell."""
    if numbers.equal == "units":
        return dict.fromkeys(CELLS, numbers.hidden_size)
    wanted = parameters("lstm", numbers.hidden_size, vocabulary)
    found: dict[Cell, int] = {}
    for cell in CELLS:
        blocks = _BLOCKS[cell]
        linear = vocabulary * (blocks + 1) + 2 * blocks  # blocks·H² + linear·H + vocabulary = wanted
        root = math.sqrt(linear**2 + 4 * blocks * (wanted - vocabulary))
        found[cell] = round((root - linear) / (2 * blocks))
    return found


def parameters(cell: Cell, hidden_size: int, vocabulary: int) -> int:
    """The number of weights and biases of a network with one layer."""
    blocks = _BLOCKS[cell] * hidden_size
    return blocks * (vocabulary + hidden_size + 2) + vocabulary * (hidden_size + 1)


def is_evaluated(step: int) -> bool:
    """Whether the losses are measured after a step: often at first, then every 50 steps."""
    return step % 50 == 0 or (step < 50 and step & (step - 1) == 0)


class Race:
    """Three learners. `run` continues where it was interrupted."""

    def __init__(self, text: Prepared, numbers: Numbers) -> None:
        self._text = text
        self._learners: dict[Cell, Learner] = {}
        self._seconds: dict[Cell, float] = dict.fromkeys(CELLS, 0.0)
        self._standing = Standing(numbers, sizes=sizes(numbers, len(text.vocabulary)))

    @property
    def standing(self) -> Standing:
        return self._standing

    def run(self, progress: Progress = NO_PROGRESS, steps: int = STEPS) -> Iterator[Standing]:
        """Train up to step `steps`, and yield the standing whenever it was measured. Raises Cancelled."""
        import torch

        torch.set_num_threads(1)  # for networks of this size, more threads cost more than they gain
        if not self._learners:
            self._learners = {cell: self._learner(cell) for cell in CELLS}
            yield self._measured()
        while (step := self._standing.step) < steps:
            progress.check()
            rate = self._standing.numbers.learning_rate
            for cell, learner in self._learners.items():
                if learner.step == step:  # not yet done when the race was interrupted
                    began = time.perf_counter()
                    learner.learn(rate)
                    learner.restore_after_divergence()
                    self._seconds[cell] += time.perf_counter() - began
            self._standing = replace(self._standing, step=step + 1)
            if is_evaluated(step + 1):
                yield self._measured()

    def resample(self, temperature: float) -> Standing:
        """Change the temperature, and write the samples again."""
        self._standing = replace(
            self._standing, numbers=replace(self._standing.numbers, temperature=temperature)
        )
        if self._learners:
            self._standing = replace(self._standing, samples=self._samples())
        return self._standing

    def _learner(self, cell: Cell) -> Learner:
        import torch

        from rnnscope.network.architecture import Architecture
        from rnnscope.network.model import CharRNN
        from rnnscope.training.learner import Learner
        from rnnscope.training.options import TrainOptions

        size, numbers = self._standing.sizes[cell], self._standing.numbers
        random = torch.Generator().manual_seed(SEED)
        vocabulary = self._text.vocabulary
        model = CharRNN(Architecture(cell, len(vocabulary), size), vocabulary, generator=random)
        options = TrainOptions(
            cell=cell,
            hidden_size=size,
            learning_rate=numbers.learning_rate,
            sequence_length=SEQUENCE_LENGTH,
            batch_size=BATCH_SIZE,
            reset_probability=0.0,  # which would draw from one generator for all three
        )
        return Learner(model, self._text.train, options, torch.device("cpu"), "float32")

    def _measured(self) -> Standing:
        from rnnscope.training.evaluate import estimate_loss

        before = self._standing
        losses = {
            cell: (
                *before.losses.get(cell, ()),
                estimate_loss(learner.model, self._text.held_out, characters=_EVALUATED).loss_nats,
            )
            for cell, learner in self._learners.items()
        }
        self._standing = replace(
            before,
            steps=(*before.steps, before.step),
            losses=losses,
            samples=self._samples(),
            parameters={cell: learner.model.parameter_count for cell, learner in self._learners.items()},
            step_seconds={cell: self._seconds[cell] / max(1, before.step) for cell in CELLS},
        )
        return self._standing

    def _samples(self) -> dict[Cell, str]:
        """A sample of each network, all from one seed and after a line break."""
        from rnnscope.network.sampling import Sampler

        vocabulary, found = self._text.vocabulary, {}
        for cell, learner in self._learners.items():
            sampler = Sampler(learner.model)
            sampler.feed((vocabulary.opening,))
            written = sampler.stream(_SAMPLE, temperature=self._standing.numbers.temperature, seed=SEED)
            found[cell] = "".join(vocabulary.symbols[i] for i, _ in written)
        return found
