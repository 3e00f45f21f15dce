"""What a reader may ask of a running loop: a small thread-safe object that the loop reads at every step."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Wishes:
    """All that is wished for at one moment. The counters grow by one with each request."""

    paused: bool = False
    stop: bool = False
    finish: bool = False
    """Anneal the learning rate to zero, then end."""
    learning_rate_factor: float = 1.0
    """Multiplies the schedule's rate."""
    temperature: float = 0.8
    prime: str = ""
    passage: str | None = None
    """The text to trace; None takes a part of the held-out text."""
    passage_at: float = 0.0
    """Where in the held-out text that part begins, 0..1."""
    observing: bool = True
    """Whether anybody looks at samples and traces; False for a plain log."""
    searching: bool = False
    """Whether somebody searches for a neuron, so that more than the passage is traced."""
    saves: int = 0
    samples: int = 0
    traces: int = 0


class Controls:
    """Wishes that any thread sets and the training loop reads; reading one attribute takes no lock."""

    def __init__(self, wishes: Wishes | None = None) -> None:
        self._lock = threading.Lock()
        self._wishes = wishes or Wishes()
        self._changed = threading.Event()

    @property
    def wishes(self) -> Wishes:
        """The present wishes, a frozen value."""
        return self._wishes

    def set(self, **changes: object) -> None:
        """Replace fields of `Wishes`, such as `set(paused=True)`."""
        with self._lock:
            self._wishes = replace(self._wishes, **changes)  # type: ignore[arg-type]
        self._changed.set()

    def save_now(self) -> None:
        with self._lock:
            self._wishes = replace(self._wishes, saves=self._wishes.saves + 1)
        self._changed.set()

    def sample_now(self) -> None:
        with self._lock:
            self._wishes = replace(self._wishes, samples=self._wishes.samples + 1)
        self._changed.set()

    def trace_now(self) -> None:
        with self._lock:
            self._wishes = replace(self._wishes, traces=self._wishes.traces + 1)
        self._changed.set()

    def stop(self) -> None:
        """Ask the loop to save and end; safe in a signal handler of the main thread."""
        self._wishes = replace(self._wishes, stop=True, paused=False)
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Sleep until something is wished for, at most `seconds`; how a paused loop waits."""
        self._changed.wait(seconds)
        self._changed.clear()
