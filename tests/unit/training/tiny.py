"""Training runs that take a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from rnnscope.network.checkpoint import load_model
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions
from rnnscope.training.trainer import Pace

TEXT = "the ferry leaves at seven, and not before; bring the ledger (the blue one).\n" * 60
EAGER = Pace(report_seconds=0.01, first_evaluation_seconds=0.0, first_save_seconds=1e9, baselines_seconds=1e9)
"""Evaluates early, does not save unless asked, and leaves n-grams out."""
E = TypeVar("E")


def options(directory: Path, **changes: Any) -> TrainOptions:
    """Options of a small network on a small text, which is written below `directory`."""
    text = directory / "text.txt"
    if not text.exists():
        text.write_text(TEXT)
    chosen: dict[str, Any] = {
        "text": str(text),
        "run": str(directory / "run"),
        "hidden_size": 8,
        "batch_size": 4,
        "sequence_length": 16,
        "steps": 60,
        "warmup_steps": 5,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
    }
    return TrainOptions(**(chosen | changes))


def run_training(
    options: TrainOptions,
    on_event: Callable[[Event, Controls], None] = lambda event, controls: None,
    controls: Controls | None = None,
    pace: Pace = EAGER,
) -> list[Event]:
    """All events of a run; `on_event` may use the controls."""
    hand = controls or Controls()
    said: list[Event] = []

    def say(event: Event) -> None:
        said.append(event)
        on_event(event, hand)

    train(options, hand, say, pace=pace)
    return said


def of(kind: type[E], said: list[Event]) -> list[E]:
    """The events of one kind."""
    return [event for event in said if isinstance(event, kind)]


def weights(run: Path, name: str = "last") -> dict[str, Tensor]:
    return load_model(run / f"{name}.safetensors").state_dict()


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    """Whether all bits are equal."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
