"""What a training run says, as frozen values that any reader understands: a screen, a log, a file, a replay.

Nothing here knows torch. Each event has the step and the training time at which it was said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace

FinishReason = Literal["steps", "minutes", "epochs", "finish", "patience", "stopped", "killed"]
"""killed: the process ended without saying so; a follower reports it, no run records it."""


@dataclass(frozen=True)
class _Said:
    step: int
    elapsed_seconds: float
    """Training time alone; pauses are left out."""


@dataclass(frozen=True)
class Started(_Said):
    """The first event of a run, and of each resumption."""

    run: str
    """The run directory."""
    corpus: str
    """The text's name, as the header shows it."""
    architecture: Architecture
    symbols: tuple[str, ...]
    parameters: int
    device: str
    precision: str
    train_characters: int
    held_out_characters: int
    characters_per_step: int
    unknown_characters: int = 0
    """How many characters of the text were below the cut-off and became the unknown symbol."""
    resumed: bool = False
    clip_norm: float | None = None
    """The norm at which gradients are clipped; None where they are not."""
    notes: tuple[str, ...] = ()
    """Choices made at start-up and told: the device, the measured precision, …"""


@dataclass(frozen=True, eq=False)
class Progress(_Said):
    """Many steps at once; never one event a step."""

    steps: NDArray[np.int64]
    """(K,) the steps told, in order."""
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
    """How much of the budget is done, 0..1; None where there is no end yet."""
    remaining_seconds: float | None = None
    memory_bytes: int = 0
    phase: Literal["warm-up", "stable", "annealing", "steady"] = "steady"


@dataclass(frozen=True)
class Evaluated(_Said):
    """The loss on the held-out text, state carried across the whole of what was read."""

    held_out_nats: float
    characters: int
    """How many characters the figure is a mean over."""
    is_best: bool
    whole: bool = True
    """False where only stretches of the held-out text were read, to keep looking cheap."""


@dataclass(frozen=True)
class Compared(_Said):
    """The loss of models without a network on the held-out text; kept in the run's `baselines.json`."""

    baselines_nats: dict[str, float]
    """`uniform`, `1-gram`, `2-gram`, … → nats per character."""


@dataclass(frozen=True, eq=False)
class Sampled(_Said):
    """A text that the network wrote."""

    text: str
    probabilities: NDArray[np.float32]
    """(number of symbols,) what the network gave each written character, before temperature."""
    temperature: float
    prime: str = ""
    characters: tuple[str, ...] = ()
    """The written symbols one by one; `text` is their concatenation."""


@dataclass(frozen=True, eq=False)
class Traced(_Said):
    """The watched passage through the present weights."""

    trace: Trace
    searched: Trace | None = None
    """The passage and what follows it in the held-out text, while somebody searches for a neuron."""


@dataclass(frozen=True)
class Saved(_Said):
    """A file of the run is on the disk."""

    path: str
    kind: Literal["last", "best", "snapshot"]


@dataclass(frozen=True)
class Warned(_Said):
    """Something the reader should know: a full disk, a divergence that was undone, …"""

    message: str
    kind: Literal["disk", "unsaved", "divergence", "device", "controls", "other"] = "other"
    """unsaved: training has ended and waits for another directory to save in, see `ControlState.rescue`."""


@dataclass(frozen=True)
class Paused(_Said):
    """The loop stands still, or goes on again."""

    paused: bool


@dataclass(frozen=True)
class Finished(_Said):
    """The last event of a run."""

    reason: FinishReason
    held_out_nats: float | None = None
    path: str = ""
    notes: tuple[str, ...] = field(default=())


Event: TypeAlias = (
    Started | Progress | Evaluated | Compared | Sampled | Traced | Saved | Warned | Paused | Finished
)
