"""Runs whose disk fails, whose files are removed, or whose reader fails: nothing is lost in silence."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch.nn import Module
from torch.nn.modules.module import register_module_forward_hook

from rnnscope.cli import main
from rnnscope.errors import RnnscopeError, UnsavedError
from rnnscope.network.formats import read_header
from rnnscope.network.model import CharRNN
from rnnscope.training.controls import Controls
from rnnscope.training.events import Evaluated, Event, Finished, Progress, Saved, Started, Warned
from rnnscope.training.launch import train
from rnnscope.training.optimizers import Optimizer
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import read_baselines, read_events
from tests.unit.training.tiny import EAGER, of, options, run_training, same, weights

SAVING = replace(EAGER, first_save_seconds=0.0, save_seconds=0.0, retry_seconds=0.01)


class Disk:
    """Renames below a directory fail while `is_full`, as on a full disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
        self.is_full = False
        rename = os.replace

        def limited(source: Any, destination: Any) -> None:
            if self.is_full and str(destination).startswith(str(directory)):
                raise OSError(errno.ENOSPC, "No space left on device")
            rename(source, destination)

        monkeypatch.setattr(os, "replace", limited)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch, tmp_path / "run")


def _fills_after_the_first_save(disk: Disk) -> Callable[[Event, Controls], None]:
    def fill(event: Event, controls: Controls) -> None:
        disk.is_full = disk.is_full or (isinstance(event, Saved) and event.kind == "last")

    return fill


def _trained(directory: Path, on_event: Callable[[Event, Controls], None], **changes: Any) -> list[Event]:
    """The events of a run that ends with UnsavedError, whose message is added as a last warning."""
    events: list[Event] = []

    def collect(event: Event, controls: Controls) -> None:
        events.append(event)
        on_event(event, controls)

    with pytest.raises(UnsavedError) as error:
        run_training(options(directory, **changes), collect, pace=SAVING)
    assert error.value.exit_status == 1
    return [*events, Warned(0, 0.0, str(error.value))]


def test_a_disk_that_stays_full_is_said_at_the_end_with_the_step_of_a_resume(
    disk: Disk, tmp_path: Path
) -> None:
    *events, finished, error = _trained(tmp_path, _fills_after_the_first_save(disk))
    saved = of(Saved, events)[-1].step
    assert isinstance(finished, Finished)
    assert isinstance(error, Warned)
    assert "No space left on device" in error.message
    assert f"a resume would start at step {saved}" in error.message
    assert error.message in finished.notes

    disk.is_full = False
    resumed = run_training(options(tmp_path, text="", run=None, resume=str(tmp_path / "run"), **_DEFAULTS))
    assert of(Started, resumed)[0].step == saved


_DEFAULTS: dict[str, Any] = {
    "hidden_size": 256, "batch_size": 32, "sequence_length": 64, "steps": None, "warmup_steps": 50,
    "precision": "auto", "device": "auto", "threads": 0,
}  # fmt: skip


def test_nothing_saved_is_called_best_and_no_path_is_given_for_weights_that_do_not_exist(
    disk: Disk, tmp_path: Path
) -> None:
    def fill(event: Event, controls: Controls) -> None:
        disk.is_full = True

    *events, finished, error = _trained(tmp_path, fill)
    assert isinstance(finished, Finished)
    assert finished.path == ""
    assert isinstance(error, Warned)
    assert "a resume would start at step 0" in error.message
    evaluations = of(Evaluated, events)
    assert evaluations
    assert not any(event.is_best for event in evaluations)


def test_the_rescue_directory_takes_the_run_and_can_be_resumed(disk: Disk, tmp_path: Path) -> None:
    rescue = tmp_path / "rescue"
    *_, finished, error = _trained(tmp_path, _fills_after_the_first_save(disk), rescue=str(rescue))
    assert isinstance(error, Warned)
    assert f"saved in {rescue}" in error.message
    assert isinstance(finished, Finished)
    assert read_header(rescue / "last.safetensors").training["step"] == 60
    asked = options(tmp_path, text="", run=None, resume=str(rescue), **_DEFAULTS | {"steps": 70})
    resumed = run_training(asked)
    assert of(Started, resumed)[0].step == 60
    assert of(Finished, resumed)[0].step == 70


def test_a_reader_that_offers_it_is_asked_for_a_rescue_directory(disk: Disk, tmp_path: Path) -> None:
    fill, rescue = _fills_after_the_first_save(disk), tmp_path / "asked"

    def answer(event: Event, controls: Controls) -> None:
        fill(event, controls)
        controls.set(offers_rescue=True)
        if isinstance(event, Warned) and event.kind == "unsaved":
            controls.set(rescue=str(rescue))

    _trained(tmp_path, answer)
    assert read_header(rescue / "last.safetensors").training["step"] == 60


def test_a_disk_that_has_room_again_at_the_end_takes_the_last_save(disk: Disk, tmp_path: Path) -> None:
    fill = _fills_after_the_first_save(disk)

    def make_room_at_the_end(event: Event, controls: Controls) -> None:
        fill(event, controls)
        if isinstance(event, Progress) and event.step == 60:
            disk.is_full = False

    events = run_training(options(tmp_path), make_room_at_the_end, pace=SAVING)
    assert isinstance(events[-1], Finished)
    assert read_header(tmp_path / "run" / "last.safetensors").training["step"] == 60


def test_an_exception_of_the_reader_saves_first(tmp_path: Path) -> None:
    def fail(event: Event, controls: Controls) -> None:
        if isinstance(event, Progress) and event.step >= 20:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_training(options(tmp_path), fail)
    step = read_header(tmp_path / "run" / "last.safetensors").training["step"]
    assert step >= 20
    run_training(options(tmp_path, run=str(tmp_path / "whole")))
    run_training(options(tmp_path, text="", run=None, resume=str(tmp_path / "run"), **_DEFAULTS))
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


class Fails:
    """A hook of PyTorch that fails at the 21st training step."""

    def __init__(self, where: str, error: Exception) -> None:
        self._where, self._error, self._steps = where, error, 0

    def __call__(self, module: Module, inputs: object, output: Any) -> None:
        if not isinstance(module, CharRNN) or not module.training:
            return
        self._steps += 1
        if self._steps == 21 and self._where == "forward":
            raise self._error
        if self._steps == 21:
            output[0].register_hook(self._fail)

    def _fail(self, gradient: object) -> None:
        raise self._error


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_an_exception_inside_a_step_saves_the_run_as_it_was_before_the_step(
    where: str, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"dropout": 0.2, "reset_probability": 0.1, "layers": 2}
    run_training(options(tmp_path, run=str(tmp_path / "whole"), **changes))
    events: list[Event] = []
    with (
        register_module_forward_hook(Fails(where, ZeroDivisionError("boom"))),
        pytest.raises(ZeroDivisionError) as raised,
    ):
        run_training(options(tmp_path, **changes), lambda event, controls: events.append(event))
    assert raised.value.__notes__ == [f"saved at step 20: rnnscope train --resume {tmp_path / 'run'}"]
    assert isinstance(events[-1], Saved)
    run_training(TrainOptions(resume=str(tmp_path / "run")))
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_a_command_whose_training_fails_says_in_one_line_what_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = options(tmp_path)
    small = ["--hidden-size", "8", "--batch-size", "4", "--sequence-length", "16", "--threads", "1"]
    command = ["train", asked.text, "--plain", *small, "--precision", "float32"]
    failures = {
        ZeroDivisionError("boom"): (1, "internal error: ZeroDivisionError: boom"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"): (2, "out of memory; choose"),
    }
    for number, (error, (status, says)) in enumerate(failures.items()):
        run = str(tmp_path / f"run{number}")
        with register_module_forward_hook(Fails("forward", error)):
            assert main([*command, "--run", run]) == status
        err = capsys.readouterr().err
        assert err.startswith(f"rnnscope: {says}")
        assert f"; saved at step 20: rnnscope train --resume {run}" in err
        assert err.count("\n") == 1


def test_weights_that_were_being_updated_are_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = Optimizer.step, []

    def fail(self: Optimizer, rate: float) -> None:
        steps.append(rate)
        step(self, rate)
        if len(steps) == 21:
            raise ZeroDivisionError

    monkeypatch.setattr(Optimizer, "step", fail)
    with pytest.raises(ZeroDivisionError):
        run_training(options(tmp_path), pace=replace(SAVING, first_save_seconds=1e9))
    assert not (tmp_path / "run" / "last.safetensors").exists()


@pytest.mark.parametrize("removed", ["best.safetensors", "last.safetensors", "run.json", "."])
def test_what_is_removed_during_a_run_is_written_again(tmp_path: Path, removed: str) -> None:
    directory = tmp_path / "run"
    done: list[int] = []

    def remove(event: Event, controls: Controls) -> None:
        if not done and isinstance(event, Saved) and event.kind == "best":
            done.append(event.step)
            shutil.rmtree(directory) if removed == "." else (directory / removed).unlink(missing_ok=True)

    events = run_training(options(tmp_path, steps=200), remove)
    assert isinstance(events[-1], Finished)
    assert done
    assert read_header(directory / "last.safetensors").training["step"] == 200
    assert read_header(directory / "best.safetensors").training["held_out_nats"] == events[-1].held_out_nats
    assert not [event for event in of(Warned, events) if event.kind == "disk"], "all is saved"
    if removed != "last.safetensors":  # of which there is none yet
        assert any("removed" in warning.message for warning in of(Warned, events))
    assert isinstance(read_events(directory)[-1], Finished)


def test_a_run_killed_before_its_first_save_starts_again_and_ends_with_the_same_bits(tmp_path: Path) -> None:
    asked = options(tmp_path, run=str(tmp_path / "whole"))
    run_training(asked)
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "whole", killed)
    for name in ("last", "resume", "best"):
        (killed / f"{name}.safetensors").unlink()
    resumed = run_training(options(tmp_path, text="", run=None, resume=str(killed), **_DEFAULTS))
    started = of(Started, resumed)[0]
    assert started.step == 0
    assert started.resumed
    assert any("starts again at step 0" in note for note in started.notes)
    assert same(weights(killed), weights(tmp_path / "whole"))
    steps = [step for event in of(Progress, read_events(killed)) for step in event.steps.tolist()]
    assert steps == list(range(1, 61)), "and the log reads as one run"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[" * 100_000, b'{"uniform": NaN}'])
def test_damaged_baselines_are_computed_again_and_said(tmp_path: Path, content: bytes) -> None:
    pace = replace(EAGER, baselines_seconds=0.0)
    run_training(options(tmp_path), lambda event, controls: controls.stop(), pace=pace)
    (tmp_path / "run" / "baselines.json").write_bytes(content)
    asked = options(tmp_path, text="", run=None, resume=str(tmp_path / "run"), **_DEFAULTS | {"steps": 3000})

    def stop(event: Event, controls: Controls) -> None:
        if (tmp_path / "run" / "baselines.json").read_bytes() != content:
            controls.stop()

    resumed = run_training(asked, stop, pace=pace)
    assert any("computing them again" in note for note in of(Started, resumed)[0].notes)
    assert "uniform" in read_baselines(tmp_path / "run")


def test_edited_options_that_the_weights_were_not_trained_with_are_refused(tmp_path: Path) -> None:
    run_training(options(tmp_path, steps=10))
    path = tmp_path / "run" / "run.json"
    recorded = path.read_text()
    for name, value in (
        ("held_out", 0.5), ("hidden_size", 9), ("tied", True), ("learning_rate", "x"), ("layers", 1.5),
        ("seed", True), ("batch_size", -4), ("cell", ["lstm"]), ("text", None), ("dropout", 1e400),
    ):  # fmt: skip
        header = json.loads(recorded)
        header["options"][name] = value
        path.write_text(json.dumps(header))
        asked = options(
            tmp_path, text="", run=None, resume=str(tmp_path / "run"), **_DEFAULTS | {"steps": 20}
        )
        with pytest.raises(RnnscopeError) as error:
            train(asked, Controls(), lambda event: None)
        assert len(str(error.value).splitlines()) == 1, name
    for name in ("threads", "device", "precision", "corpus"):
        for bad in (None, -1, 1.5, [], {}, True):
            header = json.loads(recorded)
            header[name] = bad
            path.write_text(json.dumps(header))
            with pytest.raises(RnnscopeError):
                train(asked, Controls(), lambda event: None)
