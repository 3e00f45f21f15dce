"""The learning rate at each moment of a run.

    wsd        ╱▔▔▔▔▔▔▔▔▔▔▔▔╲     constant; decays over the last part of the budget, or on `finish`
    constant   ╱▔▔▔▔▔▔▔▔▔▔▔▔▔
    cosine     ╱▔▔╲_              over the whole budget
    step       ╱▔▔|__|..          a cut every N steps
    plateau    ╱▔▔▔▔▔|__          a cut when the validation loss stops falling, down to a floor

With every schedule, `finish` multiplies the rate by a linear decay to zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rnnscope.training.options import ScheduleName, TrainOptions

Phase = Literal["warm-up", "stable", "annealing", "steady"]

SHORTEST_FINISH_STEPS = 200
LEAST_IMPROVEMENT_NATS = 1e-4
LOWEST_SHARE = 1e-4
"""The floor of plateau, as a share of the peak learning rate."""


@dataclass(frozen=True)
class Finish:
    """A requested decay to zero: from `start`, over `length` steps."""

    start: int
    length: int

    @classmethod
    def asked_at(cls, step: int) -> Finish:
        """Over a quarter of the steps so far, which is a fifth of the whole run."""
        return cls(step, max(SHORTEST_FINISH_STEPS, step // 4))

    @property
    def end(self) -> int:
        """The last step."""
        return self.start + self.length

    def fraction(self, step: int) -> float:
        """The completed share of the decay, 0..1."""
        return min(1.0, (step - self.start) / self.length)


@dataclass(frozen=True)
class Budget:
    """How long a run may take, by any of three measures; the first to run out ends it."""

    steps: int | None = None
    seconds: float | None = None
    epochs: float | None = None

    def done(self, step: int, seconds: float, epochs: float) -> float | None:
        """The used share of the budget, 0..1; None without a budget."""
        used = [
            now / most
            for now, most in ((step, self.steps), (seconds, self.seconds), (epochs, self.epochs))
            if most is not None
        ]
        return min(1.0, max(used)) if used else None

    def spent(self, step: int, seconds: float, epochs: float) -> Literal["steps", "minutes", "epochs"] | None:
        """The measure that has run out."""
        if self.steps is not None and step >= self.steps:
            return "steps"
        if self.seconds is not None and seconds >= self.seconds:
            return "minutes"
        if self.epochs is not None and epochs >= self.epochs:
            return "epochs"
        return None


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a function of the step and the share of the budget."""

    kind: ScheduleName
    height: float
    warmup_steps: int
    anneal_fraction: float
    decay_factor: float
    decay_every: int

    @classmethod
    def of(cls, options: TrainOptions) -> Schedule:
        return cls(
            options.schedule,
            options.learning_rate,
            options.warmup_steps,
            options.anneal_fraction,
            options.decay_factor,
            options.decay_every,
        )

    @property
    def most_cuts(self) -> float:
        """The number of plateau cuts down to the floor; infinity if a cut changes nothing."""
        if self.kind != "plateau" or self.decay_factor == 1:
            return math.inf
        return math.ceil(math.log(LOWEST_SHARE) / math.log(self.decay_factor))

    def rate(self, step: int, done: float | None, *, finish: Finish | None = None, cuts: int = 0) -> float:
        """The rate of the step after `step` steps.

        done: the used share of the budget, 0..1; None without a budget. cuts: the number of plateau cuts so
        far.
        """
        rate = self.height * min(1.0, (step + 1) / (self.warmup_steps + 1))
        match self.kind:
            case "wsd" if done is not None and done > 1 - self.anneal_fraction:
                rate *= max(0.0, 1 - done) / self.anneal_fraction
            case "cosine" if done is not None:
                rate *= (1 + math.cos(math.pi * min(1.0, done))) / 2
            case "step":
                rate *= self.decay_factor ** (step // self.decay_every)
            case "plateau":
                rate *= max(LOWEST_SHARE, self.decay_factor**cuts)
        if finish is not None:
            rate *= 1 - finish.fraction(step)
        return rate

    def phase(self, step: int, done: float | None, *, finish: Finish | None = None) -> Phase:
        """The name of this part of the run."""
        if finish is not None:
            return "annealing"
        if step < self.warmup_steps:
            return "warm-up"
        if self.kind != "wsd":
            return "steady"
        return "annealing" if done is not None and done > 1 - self.anneal_fraction else "stable"


@dataclass(frozen=True)
class Patience:
    """A count of evaluations without improvement; immutable."""

    best: float | None = None
    since_best: int = 0
    since_cut: int = 0
    cuts: int = 0

    def after(self, held_out_nats: float, plateau_patience: int) -> Patience:
        """The count after one more evaluation, which may cause a plateau cut.

        A loss lower by less than LEAST_IMPROVEMENT_NATS is no improvement.
        """
        if self.best is None or held_out_nats < self.best - LEAST_IMPROVEMENT_NATS:
            return Patience(held_out_nats, cuts=self.cuts)
        since_cut = self.since_cut + 1
        cut = since_cut >= plateau_patience
        return Patience(self.best, self.since_best + 1, 0 if cut else since_cut, self.cuts + cut)
