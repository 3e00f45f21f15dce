"""A full disk costs nothing that was saved before, and a run goes on when there is room again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.controls import Controls
from rnnscope.training.events import Evaluated, Event, Finished, Progress, Saved, Warned
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import Run, read_events
from rnnscope.training.trainer import Pace

_KIB = 1024
_DISK = 640 * _KIB
VOCABULARY = Vocabulary.of("abc\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 640 KiB; the test is skipped where none may be mounted."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={_DISK // _KIB}k", "tmpfs", str(directory)]
    if mount is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _model(seed: int) -> CharRNN:
    """A network of about 70 KiB."""
    architecture = Architecture(vocabulary_size=len(VOCABULARY), hidden_size=64)
    return CharRNN(architecture, VOCABULARY, generator=torch.Generator().manual_seed(seed))


def _save(run: Run, step: int) -> None:
    run.save_last(_model(step), {"step": step}, {"moments": torch.full((9000,), float(step))}, {"step": step})


def _evaluated(step: int) -> Evaluated:
    return Evaluated(step, step / 50, held_out_nats=1.5, characters=100, is_best=False)


def _fill(disk: Path, leave: int) -> Path:
    """Take all room on the disk but `leave` bytes."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - leave)))
    return ballast


def _say_until_full(run: Run, step: int) -> int:
    """Say an event a step; the step whose event did not fit any more."""
    try:
        while True:
            run.write(_evaluated(step))
            step += 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return step


def _assert_usable(directory: Path, steps: set[int]) -> None:
    """The run can be resumed at one of `steps`, and all that is on the disk is whole."""
    assert [path.name for path in directory.rglob("*.tmp")] == []
    for line in (directory / "events.jsonl").read_bytes().splitlines(keepends=True):
        assert line.endswith(b"\n")
        json.loads(line)
    with Run.reopen(directory) as run:
        resume = run.load_resume()
    assert resume is not None
    tensors, info = resume
    step = info["step"]
    assert step in steps
    assert read_header(directory / "last.safetensors").training["step"] == step
    weights, expected = load_model(directory / "last.safetensors").state_dict(), _model(step).state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert torch.equal(tensors["moments"], torch.full((9000,), float(step)))


@pytest.mark.parametrize("leave", [0, 8 * _KIB, 60 * _KIB, 80 * _KIB, 100 * _KIB])
def test_on_a_full_disk_the_last_good_save_stays_intact(small_disk: Path, leave: int) -> None:
    directory = small_disk / "run"
    run = Run.create(directory, {"options": {}})
    run.write(_evaluated(1))
    _save(run, 1)
    ballast = _fill(small_disk, leave)

    with pytest.raises(OSError, match="No space left"):
        _save(run, 2)
    said = _say_until_full(run, 2)
    run.write(_evaluated(said + 1))  # told once: from here on the log waits
    assert [path.name for path in directory.rglob("*.tmp")] == []
    assert {event.step for event in read_events(directory)} == set(range(1, said))

    # As if it had been killed here, and the user had made a little room:
    image = small_disk.parent / "killed"
    shutil.copytree(directory, image)
    _assert_usable(image, {1})

    ballast.unlink()
    run.write(_evaluated(said + 2))
    _save(run, 3)
    run.close()
    assert [event.step for event in read_events(directory)] == list(range(1, said + 3))
    _assert_usable(directory, {3})


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_fails_at_any_moment_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Every system call of a save fails once, in turn; needs no file system of its own."""
    failures = 0
    for failing in range(100):
        directory = tmp_path / f"run-{failing}"
        run = Run.create(directory, {"options": {}})
        _save(run, 1)
        calls = 0

        def around(name: str, failing: int = failing) -> Any:
            function = getattr(os, name)

            def call(*arguments: Any, **options: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == failing + 1:
                    raise OSError(number, os.strerror(number))
                return function(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("write", "fsync", "replace", "open"):
                patch.setattr(os, name, around(name))
            try:
                run.write(_evaluated(2))
                _save(run, 2)
            except OSError:
                failures += 1
        run.write(_evaluated(3))
        run.close()
        assert [event.step for event in read_events(directory)] == [2, 3] if calls > failing else True
        _assert_usable(directory, {1, 2})
        if calls <= failing:
            break
    assert failures == failing >= 6, "each call failed once, and the last round had none left to fail"


def test_training_goes_on_while_the_disk_is_full(small_disk: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("the ferry leaves at seven and not before\n" * 500)
    directory = small_disk / "run"
    options = TrainOptions(
        text=str(text), run=str(directory), hidden_size=8, batch_size=4, sequence_length=16, steps=400,
        precision="float32", threads=1, snapshot_megabytes=0.1,
    )  # fmt: skip
    pace = Pace(first_evaluation_seconds=0.05, first_save_seconds=0.05, save_seconds=0.05)
    said: list[Event] = []
    ballast: list[Path] = []

    def say(event: Event) -> None:
        """Fill the disk after the first save, and make room again 150 steps after the first complaint."""
        said.append(event)
        complaints = [e.step for e in said if isinstance(e, Warned) and e.kind == "disk"]
        if not ballast and isinstance(event, Saved) and event.kind == "last":
            ballast.append(_fill(small_disk, 0))
        elif complaints and event.step > complaints[0] + 150:
            ballast[0].unlink(missing_ok=True)

    train(options, Controls(), say, pace=pace)

    complaints = [e for e in said if isinstance(e, Warned) and e.kind == "disk"]
    assert 1 <= len(complaints) <= 3, "told once a trouble, not at every save"
    assert "No space left" in complaints[0].message
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.step == 400
    kept = read_events(directory)
    assert kept[-1].step == 400
    assert any(isinstance(event, Warned) and event.kind == "disk" for event in kept)
    steps = [step for event in kept if isinstance(event, Progress) for step in event.steps.tolist()]
    assert steps == list(range(1, 401)), "and not a step is missing from the log"
    assert read_header(directory / "last.safetensors").training["step"] == 400
