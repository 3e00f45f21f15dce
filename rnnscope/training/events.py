"""The events of a training run, as frozen values for any reader: a screen, a log, a file, a replay.

This module does not import torch. Each event has its step and its training time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace

FinishReason = Literal["steps", "minutes", "epochs", "finish", "patience", "stopped", "killed"]
"""killed: the process ended without a `Finished`; `follow` reports it, no run records it."""


@dataclass(frozen=True)
class _Event:
    step: int
    elapsed_seconds: float
    """Training time; pauses are not counted."""


@dataclass(frozen=True)
class Started(_Event):
    """The first event of a run, and of each resumption."""

    run: str
    """The run directory."""
    corpus: str
    """The name of the text, as displayed in the header."""
    architecture: Architecture
    symbols: tuple[str, ...]
    parameters: int
    device: str
    precision: str
    train_characters: int
    held_out_characters: int
    characters_per_step: int
    unknown_characters: int = 0
    """Characters of the text below the minimum count, read as the unknown symbol."""
    resumed: bool = False
    clip_norm: float | None = None
    """The norm at which gradients are clipped; None without clipping."""
    notes: tuple[str, ...] = ()
    """Choices made at start-up: the device, the measured precision, …"""


@dataclass(frozen=True, eq=False)
class Progress(_Event):
    """Many steps at once; never one event per step."""

    steps: NDArray[np.int64]
    """(K,) the steps, in order."""
    losses_nats: NDArray[np.float64]
    """(K,) training loss of each, nats per character."""
    gradient_norms: NDArray[np.float64]
    """(K,) before clipping."""
    learning_rate: float
    characters_per_second: float
    epoch: float
    update_ratio_log10: float | None = None
    """log10 of the last measured ‖update‖ / ‖parameters‖; about −3 is healthy."""
    fraction: float | None = None
    """The share of the budget that is used, 0..1; None without a budget."""
    remaining_seconds: float | None = None
    memory_bytes: int = 0
    phase: Literal["warm-up", "stable", "annealing", "steady"] = "steady"


@dataclass(frozen=True)
class Evaluated(_Event):
    """The validation loss, with the state carried across the text that was read."""

    held_out_nats: float
    characters: int
    """The number of characters that the loss is averaged over."""
    is_best: bool
    whole: bool = True
    """False where only parts of the validation text were read, to save time."""


@dataclass(frozen=True)
class Compared(_Event):
    """The validation losses of n-gram models; kept in the run's `baselines.json`."""

    baselines_nats: dict[str, float]
    """`uniform`, `1-gram`, `2-gram`, … → nats per character."""


@dataclass(frozen=True, eq=False)
class Sampled(_Event):
    """A sample of the network."""

    text: str
    probabilities: NDArray[np.float32]
    """(N,) the probability of each sampled character, before temperature."""
    temperature: float
    prime: str = ""
    characters: tuple[str, ...] = ()
    """The N sampled symbols; `text` is their concatenation."""


@dataclass(frozen=True, eq=False)
class Resampled(_Event):
    """The last sample again, by the same weights, seed and prompt, at other temperatures."""

    samples: tuple[Sampled, ...]


def by_character(event: Sampled, *, of_bytes: bool) -> Sampled:
    """The sample with one probability per character; bytes are decoded to characters.

    A character of several bytes has the product of their probabilities; invalid bytes stay single.
    """
    characters = event.characters or tuple(event.text)
    if not of_bytes or not characters:
        return replace(event, characters=characters)
    text = bytes(map(ord, characters)).decode("utf-8", "surrogateescape")
    sizes = [len(character.encode("utf-8", "surrogateescape")) for character in text]
    starts = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.intp)
    probabilities = np.multiply.reduceat(event.probabilities, starts)
    return replace(event, text=text, characters=tuple(text), probabilities=probabilities)


@dataclass(frozen=True, eq=False)
class Traced(_Event):
    """The passage, traced through the present weights."""

    trace: Trace
    searched: Trace | None = None
    """The passage and the validation text after it, during a neuron search."""
    named: Trace | None = None
    """The beginning of the validation text, if it was requested to name neurons."""


@dataclass(frozen=True)
class Saved(_Event):
    """A file of the run was written."""

    path: str
    kind: Literal["last", "best", "snapshot"]


@dataclass(frozen=True)
class Warned(_Event):
    """A warning: a full disk, a divergence, …"""

    message: str
    kind: Literal["disk", "unsaved", "divergence", "device", "controls", "other"] = "other"
    """disk: files of the run cannot be written. unsaved: training has ended and waits for another directory
    to save in, see `ControlState.rescue`."""


@dataclass(frozen=True)
class Paused(_Event):
    """Training is paused, or resumed."""

    paused: bool


@dataclass(frozen=True)
class Finished(_Event):
    """The last event of a run."""

    reason: FinishReason
    held_out_nats: float | None = None
    path: str = ""
    notes: tuple[str, ...] = field(default=())


Event: TypeAlias = (
    Started
    | Progress
    | Evaluated
    | Compared
    | Sampled
    | Resampled
    | Traced
    | Saved
    | Warned
    | Paused
    | Finished
)

OnEvent: TypeAlias = Callable[[Event], object]
