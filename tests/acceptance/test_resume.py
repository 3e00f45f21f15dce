"""A run that is killed again and again ends with the very bits of one that never was."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import sys
import time
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import pytest

from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Progress
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import read_events
from rnnscope.training.trainer import Pace
from tests.unit.training.tiny import options, same, weights

STEPS, KILLS = 300, 20
SAVES_ALL_THE_TIME = Pace(
    report_seconds=0.0,
    first_evaluation_seconds=0.0,
    saving_share=0.6,
    first_save_seconds=0.0,
    save_seconds=0.0,
)


def train_and_tell(asked: TrainOptions, step: Synchronized[int]) -> None:
    """What the process does that will be killed."""

    def say(event: Event) -> None:
        step.value = event.step

    train(asked, Controls(), say, pace=SAVES_ALL_THE_TIME)


@pytest.fixture(scope="module")
def processes() -> BaseContext:
    """Where processes come from; on Linux from one that has imported torch already: seconds each."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rnnscope.training.launch"])
    return context


def killed_at(asked: TrainOptions, target: int, delay: float, processes: BaseContext) -> bool:
    """Train in a process that is killed `delay` seconds after step `target`; False where it ended before."""
    step: Synchronized[int] = processes.Value("q", -1)
    process = processes.Process(target=train_and_tell, args=(asked, step))  # type: ignore[attr-defined]
    process.start()
    while step.value < target and process.exitcode is None:
        time.sleep(0.0005)
    time.sleep(delay)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), "it trains until it is killed"
    return process.exitcode == -signal.SIGKILL


def test_killed_at_twenty_points_a_run_ends_with_the_same_bits(
    tmp_path: Path, processes: BaseContext
) -> None:
    shape = {"steps": STEPS, "dropout": 0.2, "reset_probability": 0.1, "layers": 2}
    never = options(tmp_path, run=str(tmp_path / "never"), **shape)
    train(never, Controls(), lambda event: None, pace=Pace(first_save_seconds=1e9))

    chance = random.Random(2026)
    asked = options(tmp_path, **shape)
    again = TrainOptions(resume=asked.run, threads=1)
    run = tmp_path / "run"
    kills = 0
    for target in sorted(chance.sample(range(1, STEPS - 20), KILLS)):
        if not (
            run / "resume.safetensors"
        ).exists():  # killed before the first save: nothing is lost but a step
            shutil.rmtree(run, ignore_errors=True)
        kills += killed_at(again if run.exists() else asked, target, chance.uniform(0, 0.02), processes)
    assert kills == KILLS
    train(again, Controls(), lambda event: None, pace=SAVES_ALL_THE_TIME)

    assert same(weights(run), weights(tmp_path / "never"))
    told = [
        step for event in read_events(run) if isinstance(event, Progress) for step in event.steps.tolist()
    ]
    assert told == sorted(set(told)), "no step is told twice"
    assert told[-1] == STEPS
