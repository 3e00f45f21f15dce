"""Progress reports: losses and norms of the learner, with speed, epoch and remaining time."""

from __future__ import annotations

import math
from collections import deque

import psutil

from rnnscope.training.clock import Clock
from rnnscope.training.events import Progress
from rnnscope.training.learner import Learner
from rnnscope.training.schedule import Budget, Finish, Schedule

_SPEED_OVER_REPORTS = 20


class Reporter:
    """Makes Progress events, each of all steps since the last one."""

    def __init__(self, learner: Learner, clock: Clock, schedule: Schedule, budget: Budget) -> None:
        self._learner = learner
        self._clock = clock
        self._schedule = schedule
        self._budget = budget
        self._process = psutil.Process()
        self._marks = deque([(learner.step, clock.seconds)], maxlen=_SPEED_OVER_REPORTS)

    def progress(self, rate: float, finish: Finish | None) -> Progress:
        """The steps since the last report; synchronizes a GPU. rate: the learning rate of the last step."""
        learner, streams = self._learner, self._learner.streams
        steps, losses_nats, gradient_norms = learner.take_report()
        step, seconds, ratio = learner.step, self._clock.seconds, learner.update_ratio
        steps_a_second = self._steps_a_second(step, seconds)
        done = self._budget.done(step, seconds, streams.epochs)
        return Progress(
            step,
            seconds,
            steps,
            losses_nats,
            gradient_norms,
            learning_rate=rate * learner.guard.rate_factor,
            characters_per_second=steps_a_second * streams.characters_per_step,
            epoch=streams.epochs,
            update_ratio_log10=math.log10(ratio) if ratio else None,
            fraction=done if finish is None else max(done or 0.0, step / finish.end),
            remaining_seconds=self._remaining_seconds(steps_a_second, finish),
            memory_bytes=self._process.memory_info().rss,
            phase=self._schedule.phase(step, done, finish=finish),
        )

    def _steps_a_second(self, step: int, seconds: float) -> float:
        """Mean over the last reports, including evaluations and other work."""
        first_step, first_seconds = self._marks[0]
        self._marks.append((step, seconds))
        return (step - first_step) / max(seconds - first_seconds, 1e-9)

    def _remaining_seconds(self, steps_a_second: float, finish: Finish | None) -> float | None:
        """Estimated time to the end at the current speed; None without a budget."""
        step, streams, budget = self._learner.step, self._learner.streams, self._budget
        steps_left: list[float] = []
        if budget.steps is not None:
            steps_left.append(budget.steps - step)
        if budget.epochs is not None:
            steps_left.append((budget.epochs - streams.epochs) * streams.length / streams.sequence_length)
        if finish is not None:
            steps_left.append(finish.end - step)
        ends = [left / steps_a_second for left in steps_left if steps_a_second > 0]
        if budget.seconds is not None:
            ends.append(budget.seconds - self._clock.seconds)
        return max(0.0, min(ends)) if ends else None
