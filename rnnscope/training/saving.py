"""Files of a run, written while training goes on even when the disk does not take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rnnscope.training.clock import Clock
from rnnscope.training.events import Saved, Warned
from rnnscope.training.run import BEST, LAST, SNAPSHOTS, Run


class Saver:
    """Turns each attempt to write into what there is to say about it."""

    def __init__(self, run: Run, clock: Clock) -> None:
        self.run = run
        self._clock = clock
        self._told: str | None = None

    def save(
        self, kind: Literal["last", "best", "snapshot"], step: int, write: Callable[[], None]
    ) -> Saved | Warned | None:
        """Write a file. None for a trouble that was told before and has not ended since."""
        name = {"last": LAST, "best": BEST, "snapshot": f"{SNAPSHOTS}/{step}.safetensors"}[kind]
        try:
            write()
        except OSError as error:
            return self.trouble(error, step)
        self._told = None
        return Saved(step, self._clock.seconds, str(self.run.directory / name), kind)

    def trouble(self, error: OSError, step: int) -> Warned | None:
        """A warning that files cannot be written, once a cause."""
        cause = error.strerror or str(error)
        if cause == self._told:
            return None
        self._told = cause
        message = f"{self.run.directory} cannot be written: {cause}; training goes on and tries again"
        return Warned(step, self._clock.seconds, message, "disk")
