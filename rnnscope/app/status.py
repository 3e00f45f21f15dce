"""The state of a run that the header shows: a frozen value, updated by each event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from rnnscope.training.events import (
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Saved,
    Started,
    Warned,
)

Phase = Literal["starting", "training", "annealing", "paused", "saving", "finished", "failed"]


@dataclass(frozen=True)
class Status:
    """A run at one moment. Times are training time: pauses are left out."""

    corpus: str = ""
    model: str = ""
    """Such as `LSTM 1×256`."""
    layers: int = 1
    parameters: int = 0
    device: str = ""
    run: str = ""
    phase: Phase = "starting"
    paused: bool = False
    step: int = 0
    elapsed_seconds: float = 0.0
    epoch: float | None = None
    characters_per_second: float | None = None
    learning_rate: float | None = None
    memory_bytes: int = 0
    fraction: float | None = None
    """The fraction of the budget that is done; None if the run has no end."""
    remaining_seconds: float | None = None
    best_nats: float | None = None
    unsaved: Literal["", "failing", "lost"] = ""
    """`failing` while checkpoints cannot be written, `lost` if the last one could not be."""

    def after(self, event: Event) -> Status:
        """The status updated by an event."""
        now = replace(self, step=event.step, elapsed_seconds=event.elapsed_seconds)
        match event:
            case Started():
                return replace(
                    now,
                    corpus=event.corpus,
                    model=event.architecture.title,
                    layers=event.architecture.layers,
                    parameters=event.parameters,
                    device=event.device,
                    run=event.run,
                    phase="training",
                    fraction=None,
                    remaining_seconds=None,
                )
            case Progress():
                phase: Phase = "annealing" if event.phase == "annealing" else "training"
                return replace(
                    now,
                    phase="saving" if self.phase == "saving" else phase,
                    epoch=event.epoch,
                    characters_per_second=event.characters_per_second,
                    learning_rate=event.learning_rate,
                    memory_bytes=event.memory_bytes,
                    fraction=event.fraction,
                    remaining_seconds=event.remaining_seconds,
                )
            case Evaluated(is_best=True):
                return replace(now, best_nats=event.held_out_nats)
            case Paused():
                return replace(now, paused=event.paused)
            case Warned(kind="disk"):
                return replace(now, unsaved=self.unsaved or "failing")
            case Warned(kind="unsaved"):
                return replace(now, unsaved="lost")
            case Saved():
                return replace(now, unsaved="")
            case Finished():
                stopped = event.reason in ("stopped", "killed")
                return replace(
                    now,
                    phase="finished",
                    paused=False,
                    fraction=self.fraction if stopped else 1.0,
                    unsaved="lost" if self.unsaved == "lost" else "",
                )
            case _:
                return now


def clock(seconds: float) -> str:
    """`01:57`, or `1:02:03` from an hour on."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes:02}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def short(number: float) -> str:
    """`943`, `9.3k`, `162k`, `1.2M`: three figures at most."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * size:
            scaled = number / size
            return f"{scaled:.1f}{letter}" if scaled < 9.95 else f"{scaled:.0f}{letter}"
    return f"{number:.0f}"
