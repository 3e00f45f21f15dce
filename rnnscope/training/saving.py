"""Saves a run during training, also when the disk fails or files are removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rnnscope.errors import RunError
from rnnscope.network.locate import SNAPSHOTS
from rnnscope.training.clock import Clock
from rnnscope.training.events import Saved, Warned
from rnnscope.training.run import BEST, LAST, Run

REMIND_SECONDS = 15.0
"""The interval at which a warning with an unchanged cause is repeated, in seconds of training."""


class Saver:
    """Writes the files of a run, and tracks which step is saved."""

    def __init__(self, run: Run, clock: Clock, saved_step: int | None = None) -> None:
        """saved_step: the step that the run was resumed from; None for a new run."""
        self.run = run
        self.saved_step = saved_step
        """The step that a resumed run would start from; None before the first save."""
        self.failure: str | None = None
        """The reason why the last save failed; None if it succeeded."""
        self._clock = clock
        self._reported: str | None = None
        self._reported_at = 0.0
        self._rescued: Path | None = None

    def save(
        self, kind: Literal["last", "best", "snapshot"], step: int, write: Callable[[Run], None]
    ) -> tuple[Saved | Warned, ...]:
        """Write files, after restoring what was removed from the run directory.

        Returns a `Saved` if that succeeded, and new warnings: an unchanged cause is repeated only after a
        while. Raises RunError if another process has begun to write the run.
        """
        warnings: tuple[Warned, ...] = ()
        try:
            if restored := self.run.restore():
                warnings = (Warned(step, self._clock.seconds, restored),)
            write(self.run)
        except OSError as error:
            if kind == "last":
                self.failure = error.strerror or str(error)
            return (*warnings, *self.trouble(error, step))
        if kind == "last":
            self.saved_step, self.failure = step, None
        self._reported = None
        name = {"last": LAST, "best": BEST, "snapshot": f"{SNAPSHOTS}/{step}.safetensors"}[kind]
        return (*warnings, Saved(step, self._clock.seconds, str(self.run.directory / name), kind))

    def trouble(self, error: OSError, step: int) -> tuple[Warned, ...]:
        """A warning that files cannot be written, if its cause is new or was last reported long ago."""
        cause, now = error.strerror or str(error), self._clock.seconds
        if cause == self._reported and now - self._reported_at < REMIND_SECONDS:
            return ()
        self._reported, self._reported_at = cause, now
        message = f"{self.run.directory} cannot be written: {cause}; {self._saved()}; trying again"
        return (Warned(step, self._clock.seconds, message, "disk"),)

    def rescue(self, step: int, directory: Path, write: Callable[[Run], None]) -> tuple[Saved | Warned, ...]:
        """Write the whole run into another directory, which can be resumed like the first."""
        try:
            with self.run.copy_to(directory) as copy:
                write(copy)
        except (OSError, RunError) as error:
            reason = str(error) if isinstance(error, RunError) else f"{directory}: {error.strerror or error}"
            return (Warned(step, self._clock.seconds, f"the rescue failed too: {reason}", "disk"),)
        self._rescued = directory
        return (Saved(step, self._clock.seconds, str(directory / LAST), "last"),)

    @property
    def directory(self) -> Path:
        """The directory to resume from: the run directory, or the one in which the run was rescued."""
        return self._rescued or self.run.directory

    def loss(self, step: int) -> str:
        """One line on what is not saved at the end, at `step`, and where a resume starts."""
        failed = f"{self.run.directory} could not be written: {self.failure}"
        if self._rescued is not None:
            return f"{failed}; step {step:,} is saved in {self._rescued}, which can be resumed"
        return f"{failed}; step {step:,} is not saved, {self._saved()}"

    def _saved(self) -> str:
        return f"a resume would start at step {self.saved_step or 0:,}"
