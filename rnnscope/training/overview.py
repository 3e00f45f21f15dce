"""Many runs at a glance: the loss curve, the options and the state of each, read again as they grow.

    overview = Overview([Path("runs")])
    for run in overview.poll(): print(run.name, run.state, run.best)

A directory that holds no run stands for the runs in it, also those that begin later. Logs are read on from
where the last reading ended; of each curve at most 8,192 points are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnscope.errors import RunError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.training.events import Evaluated, Event, Finished, Started
from rnnscope.training.events import Progress as Steps
from rnnscope.training.log import LogReader
from rnnscope.training.run import HEADER, LOG, is_being_written, read_run

Float = NDArray[np.float64]
State: TypeAlias = Literal["training", "finished", "stopped", "not begun"]

CurveName: TypeAlias = Literal["validation", "training"]
CURVES: tuple[CurveName, ...] = ("validation", "training")

MOST_POINTS = 8_192
"""The maximum number of points of a curve; when there are more, every other one is dropped."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Losses (N,) in nats per character, at steps (N,) and after training seconds (N,)."""

    steps: Float
    seconds: Float
    nats: Float


@dataclass(frozen=True, eq=False)
class RunOverview:
    """One run at one moment.

    name: relative to the directory that was given. options: the recorded options. state: stopped if its
    process ended without finishing it. reason: why it finished. step, seconds: of the newest event.
    characters_per_step: 0 before the first event. best: the step and the loss of the lowest validation loss.
    validation, training: the loss curves.
    """

    name: str
    directory: Path
    options: Mapping[str, Any]
    state: State
    reason: str
    step: int
    seconds: float
    characters_per_step: int
    best: tuple[int, float] | None
    validation: Curve
    training: Curve

    def curve(self, name: CurveName) -> Curve:
        """One of the two curves."""
        return self.validation if name == "validation" else self.training


class Overview:
    """Reads the runs of some directories."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """paths: run directories, or directories with runs in them. Raises RunError if one does not exist."""
        for path in paths:
            if not path.is_dir():
                raise RunError(f"{path} is not a directory; give a run, or a directory of runs")
        self._paths = tuple(paths)
        self._runs: dict[Path, _Reading] = {}

    def poll(self, progress: Progress = NO_PROGRESS) -> tuple[RunOverview, ...]:
        """All runs as they are now, in the order of their names. Raises Cancelled."""
        return [(), *self.updates(progress)][-1]

    def updates(self, progress: Progress = NO_PROGRESS) -> Iterator[tuple[RunOverview, ...]]:
        """The runs, again after each one that was read; those that cannot be read are left out."""
        directories = self._directories()
        for number, (name, directory) in enumerate(directories, 1):
            reading = self._runs.setdefault(directory, _Reading(name, directory))
            # It may have just begun, or its disk is away for a moment.
            with suppress(RunError, OSError):
                reading.read()
            progress(number / len(directories))
            yield tuple(
                latest
                for _, each in directories
                if each in self._runs and (latest := self._runs[each].latest) is not None
            )

    def _directories(self) -> list[tuple[str, Path]]:
        found: dict[Path, str] = {}
        for path in self._paths:
            if (path / HEADER).is_file():
                found[path] = path.name or str(path)
                continue
            for inner in sorted(path.iterdir()):
                if (inner / HEADER).is_file():
                    found[inner] = inner.name
        return [(name, directory) for directory, name in sorted(found.items(), key=lambda each: each[1])]


class _Reading:
    """The reading of one run, up to some line of its log."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = name
        self._directory = directory
        self._log = LogReader(directory / LOG)
        self.latest: RunOverview | None = None
        """The run as it was last read."""
        self._begin()

    def _begin(self) -> None:
        self._validation, self._training = _Points(), _Points()
        self._best: tuple[int, float] | None = None
        self._step, self._seconds, self._characters = 0, 0.0, 0
        self._reason = ""
        self._has_begun = False

    def read(self) -> None:
        """Read on, and set `latest`. Raises RunError, OSError."""
        options = read_run(self._directory).header.get("options")
        is_alive = is_being_written(self._directory)  # asked first: what it wrote before it ended is read
        events = self._log.read()
        if self._log.was_replaced:
            self._begin()
        for event in events:
            self._take(event)
        state: State = "finished" if self._reason else "stopped"
        if not self._has_begun:
            state = "not begun"
        if is_alive:
            state = "training"
        self.latest = RunOverview(
            self._name,
            self._directory,
            options if isinstance(options, Mapping) else {},
            state,
            self._reason,
            self._step,
            self._seconds,
            self._characters,
            self._best,
            self._validation.curve(),
            self._training.curve(),
        )

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self._has_begun = True
                self._characters = event.characters_per_step
                self._reason = ""
                if event.resumed:
                    self._rewind(event.step)
            case Steps():
                seconds = np.full(len(event.steps), event.elapsed_seconds)
                self._training.extend(event.steps, seconds, event.losses_nats)
            case Evaluated():
                self._validation.extend([event.step], [event.elapsed_seconds], [event.held_out_nats])
                if self._best is None or event.held_out_nats < self._best[1]:
                    self._best = event.step, event.held_out_nats
            case Finished():
                self._reason = event.reason
        self._step, self._seconds = event.step, event.elapsed_seconds

    def _rewind(self, step: int) -> None:
        """Drop the later steps, which a resumed run repeats."""
        self._training.rewind(step)
        self._validation.rewind(step)
        if self._best is not None and self._best[0] > step:
            curve = self._validation.curve()
            lowest = int(curve.nats.argmin()) if len(curve.nats) else -1
            self._best = None if lowest < 0 else (int(curve.steps[lowest]), float(curve.nats[lowest]))


class _Points:
    """Points of a curve in bounded memory: rows of step, seconds and nats."""

    def __init__(self) -> None:
        self._rows: Float = np.empty((3, 0))

    def extend(self, steps: ArrayLike, seconds: ArrayLike, nats: ArrayLike) -> None:
        new = np.stack([np.asarray(each, np.float64) for each in (steps, seconds, nats)])
        rows = np.concatenate([self._rows, new[:, np.isfinite(new[2])]], axis=1)
        while rows.shape[1] > MOST_POINTS:
            rows = rows[:, 1::2]
        self._rows = rows

    def rewind(self, step: int) -> None:
        self._rows = self._rows[:, self._rows[0] <= step]

    def curve(self) -> Curve:
        steps, seconds, nats = self._rows
        return Curve(steps, seconds, nats)
