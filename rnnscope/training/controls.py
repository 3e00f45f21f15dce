"""The controls of a training loop: a small thread-safe object that is read at every step."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Literal

from rnnscope.progress import Progress


@dataclass(frozen=True)
class ControlState:
    """All requests and settings at one moment. Counters increase by one with each request."""

    paused: bool = False
    stop: bool = False
    finish: bool = False
    """Decay the learning rate to zero, then end."""
    learning_rate_factor: float = 1.0
    """Multiplies the rate of the schedule."""
    temperature: float = 0.8
    prime: str = ""
    passage: str | None = None
    """The text to trace; None traces a part of the validation text."""
    passage_at: float = 0.0
    """Where in the validation text that part begins, 0..1."""
    observing: bool = True
    """Whether samples and traces are shown; False for a plain log."""
    compares_temperatures: bool = False
    """Whether each sample comes with two at other temperatures; see `compared_temperatures`."""
    searching: bool = False
    """Whether a neuron search is open; more than the passage is then traced."""
    offers_rescue: bool = False
    """Whether the user can choose another directory if the last save fails; False ends the run."""
    rescue: str | None = None
    """The directory to save in if the run directory cannot be written at the end."""
    saves: int = 0
    samples: int = 0
    traces: int = 0
    namings: int = 0
    """Requests of a trace to name neurons by; one that comes too soon is served later."""


class Controls:
    """A `ControlState` that any thread replaces and the training loop reads; reading it takes no lock."""

    def __init__(self, state: ControlState | None = None) -> None:
        self._lock = threading.Lock()
        self._state = state or ControlState()
        self._changed = threading.Event()

    @property
    def state(self) -> ControlState:
        """The present state, a frozen value."""
        return self._state

    @property
    def until_stopped(self) -> Progress:
        """Progress that cancels work once a stop is requested."""
        return Progress(is_cancelled=lambda: self._state.stop)

    def set(self, **changes: object) -> None:
        """Replace fields of the state, such as `set(paused=True)`."""
        with self._lock:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        self._changed.set()

    def save_now(self) -> None:
        self._count("saves")

    def sample_now(self) -> None:
        self._count("samples")

    def trace_now(self) -> None:
        self._count("traces")

    def name_now(self) -> None:
        self._count("namings")

    def _count(self, request: Literal["saves", "samples", "traces", "namings"]) -> None:
        with self._lock:
            self._state = replace(self._state, **{request: getattr(self._state, request) + 1})
        self._changed.set()

    def stop(self) -> None:
        """Ask the loop to save and end; safe in a signal handler of the main thread."""
        self._state = replace(self._state, stop=True, paused=False)
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Sleep until the state changes, at most `seconds`; how a paused loop waits."""
        self._changed.wait(seconds)
        self._changed.clear()
