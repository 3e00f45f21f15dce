"""A run directory: one writer, whole files, and nothing that a kill or a full disk could tear."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.errors import RunError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.events import Evaluated, Progress, Started
from rnnscope.training.run import (
    Run,
    new_run_directory,
    read_baselines,
    read_events,
    read_run,
)

VOCABULARY = Vocabulary.of("abc\n")
HEADER: dict[str, Any] = {"options": {"text": "a.txt"}, "seed": 1}


def _model(seed: int) -> CharRNN:
    architecture = Architecture(vocabulary_size=len(VOCABULARY), hidden_size=5)
    return CharRNN(architecture, VOCABULARY, generator=torch.Generator().manual_seed(seed))


def _save(run: Run, step: int) -> CharRNN:
    """Save weights and a state that both tell the step."""
    model = _model(step)
    moments = torch.full((3, 4), float(step))
    run.save_last(model, {"step": step}, {"moments": moments}, {"step": step, "best_nats": None})
    return model


def _resume_of(run: Run) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    resume = run.load_resume()
    assert resume is not None
    return resume


def _evaluated(step: int) -> Evaluated:
    return Evaluated(step, step / 50, held_out_nats=1.5, characters=100, is_best=False)


def _same_weights(left: CharRNN, right: CharRNN) -> bool:
    ours, theirs = left.state_dict(), right.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run.create(tmp_path / "run", HEADER) as run:
        yield run


def test_a_new_run_tells_what_it_was_asked(run: Run) -> None:
    header = read_run(run.directory).header
    assert header["options"] == {"text": "a.txt"}
    assert header["seed"] == 1
    (started,) = header["started"]
    assert datetime.fromisoformat(started).tzinfo is not None
    assert (run.directory / "events.jsonl").read_bytes() == b""


def test_what_is_said_can_be_read_while_the_run_goes_on(run: Run) -> None:
    run.write(_evaluated(1))
    assert read_events(run.directory) == [_evaluated(1)]


def test_a_directory_with_a_run_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match=r"already holds a run; continue it with --resume"):
        Run.create(run.directory, HEADER)
    run.write(_evaluated(1))
    run.close()
    (run.directory / "run.json").unlink()
    with pytest.raises(RunError, match="already holds a run"):
        Run.create(run.directory, HEADER)


def test_a_directory_that_was_only_claimed_is_taken(tmp_path: Path) -> None:
    directory = new_run_directory(tmp_path, "a.txt")
    Run.create(directory, HEADER).close()
    assert read_run(directory).last is None


@pytest.mark.parametrize("place", ["file/run", "/proc/run"])
def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    for attempt in (
        lambda: Run.create(tmp_path / place, HEADER),
        lambda: new_run_directory(tmp_path / place, "a.txt"),
    ):
        with pytest.raises(RunError, match=r"cannot be written: .*choose another directory") as caught:
            attempt()
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_directory_is_told_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunError, match="cannot be written: Permission denied"):
            Run.create(tmp_path / "run", HEADER)
    finally:
        tmp_path.chmod(0o700)


def test_a_directory_without_a_run_is_told_and_left_alone(tmp_path: Path) -> None:
    for attempt in (Run.reopen, read_run, read_events):
        with pytest.raises(RunError, match="holds no run"):
            attempt(tmp_path)
        with pytest.raises(RunError, match="does not exist"):
            attempt(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1, "started": 3}', b"\xff\xfe"])
def test_a_damaged_header_is_told(run: Run, content: bytes) -> None:
    (run.directory / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        read_run(run.directory)


def test_a_run_of_another_version_is_told(run: Run) -> None:
    (run.directory / "run.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(RunError, match="another version"):
        read_run(run.directory)


def test_a_second_writer_is_refused_and_the_first_goes_on(run: Run) -> None:
    with pytest.raises(
        RunError, match=rf"{re.escape(str(run.directory))} is being written by another process"
    ):
        Run.reopen(run.directory)
    run.write(_evaluated(1))
    run.close()
    run.close()
    with Run.reopen(run.directory) as again:
        again.write(_evaluated(2))
    assert [event.step for event in read_events(run.directory)] == [1, 2]


def test_only_a_resumption_that_begins_is_among_the_starts(run: Run) -> None:
    run.close()
    with Run.reopen(run.directory):
        pass  # it may still fail: a text that is gone, a device that is missing
    assert len(read_run(run.directory).header["started"]) == 1
    with Run.reopen(run.directory) as again:
        again.record_start("/moved/text.txt")
    header = read_run(run.directory).header
    assert len(header["started"]) == 2
    assert header["corpus"]["path"] == "/moved/text.txt"


def test_a_killed_process_holds_no_run(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from rnnscope.training.run import Run\n"
        "run = Run.create(pathlib.Path(sys.argv[1]), {}); print('open', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "run")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(RunError, match="another process"):
            Run.reopen(tmp_path / "run")
        process.send_signal(signal.SIGKILL)
    Run.reopen(tmp_path / "run").close()


def test_looking_at_a_run_needs_no_torch() -> None:
    program = (
        "import sys; import rnnscope.training.run, rnnscope.training.follow\n"
        "assert not {'torch', 'textual', 'rich'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_all_that_is_needed_to_go_on_comes_back_to_the_bit(run: Run) -> None:
    generator = torch.Generator().manual_seed(3)
    tensors = {
        "float32": torch.randn(7, 3, generator=generator),
        "turned": torch.randn(7, 3, generator=generator).t(),
        "bfloat16": torch.randn(5, generator=generator).bfloat16(),
        "int64": torch.tensor([-(2**62), 2**62]),
        "random": generator.get_state(),
        "scalar": torch.tensor(0.1, dtype=torch.float64),
        "empty": torch.empty(0, 4),
        "nan": torch.tensor([float("nan"), -0.0]),
    }
    tensors["shared"] = tensors["float32"]
    tensors["row"] = tensors["float32"][2]
    run.save_last(_model(1), {"step": 9}, tensors, {"position": [1, 2], "best_nats": 1.25, "none": None})
    back, info = _resume_of(run)
    assert info == {"position": [1, 2], "best_nats": 1.25, "none": None}
    assert set(back) == set(tensors)
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        ours, theirs = tensor.contiguous(), back[name].contiguous()
        assert (
            ours.numpy(force=True).tobytes() == theirs.numpy(force=True).tobytes()
            if name != "bfloat16"
            else (torch.equal(ours, theirs))
        )


def test_a_run_killed_before_its_first_save_has_nothing_to_resume_from(run: Run) -> None:
    assert run.load_resume() is None


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-10], lambda data: b"x" * len(data)])
def test_a_damaged_resume_file_is_told(run: Run, damage: Any) -> None:
    _save(run, 1)
    path = run.directory / "resume.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match=r"resume\.safetensors is damaged"):
        run.load_resume()
    run.close()
    with pytest.raises(RunError, match=r"resume\.safetensors is damaged"):
        Run.reopen(run.directory)


def test_one_flipped_bit_in_the_resume_file_is_noticed_and_replaces_nothing(run: Run) -> None:
    _save(run, 1)
    run.close()
    path, last = run.directory / "resume.safetensors", run.directory / "last.safetensors"
    whole, weights = path.read_bytes(), last.read_bytes()
    for position in np.linspace(8, len(whole) - 1, 60).astype(int).tolist():
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RunError, match=r"resume\.safetensors is damaged") as error:
            Run.reopen(run.directory)
        assert "--init-from" in str(error.value)
        assert last.read_bytes() == weights
    path.write_bytes(whole)
    Run.reopen(run.directory).close()


def test_a_resume_file_of_a_version_without_checksums_still_opens(run: Run) -> None:
    _save(run, 1)
    run.close()
    path = run.directory / "resume.safetensors"
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    del header["__metadata__"]["sha256"]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    with Run.reopen(run.directory) as again:
        assert _resume_of(again)[1] == {"step": 1, "best_nats": None}


@pytest.mark.parametrize("name", ["events.jsonl", "snapshots"])
def test_a_run_is_not_written_through_links(run: Run, tmp_path: Path, name: str) -> None:
    run.close()
    target = tmp_path / "mine"
    if name == "snapshots":
        target.mkdir()
    else:
        (run.directory / name).unlink()
        target.write_text("mine\n")
    (run.directory / name).symlink_to(target)
    if name == "snapshots":
        with Run.reopen(run.directory) as again, pytest.raises(OSError, match="symbolic link"):
            again.save_snapshot(_model(1), 1, {})
        assert list(target.iterdir()) == []
    else:
        with pytest.raises(RunError, match="symbolic link"):
            Run.reopen(run.directory)
        assert target.read_text() == "mine\n"


@pytest.mark.parametrize("removed", [["run.json"], ["events.jsonl"], ["baselines.json"], ["."]])
def test_what_was_removed_during_a_run_is_made_again(run: Run, removed: list[str]) -> None:
    run.write(_evaluated(1))
    run.write_baselines({"uniform": 4.0})
    for name in removed:
        shutil.rmtree(run.directory) if name == "." else (run.directory / name).unlink()
    assert "written again" in str(run.restore())
    assert run.restore() is None
    _save(run, 2)
    run.write(_evaluated(3))
    run.close()
    assert [event.step for event in read_events(run.directory)] == [1, 3]
    assert read_baselines(run.directory) == {"uniform": 4.0}
    with Run.reopen(run.directory) as again:
        assert _resume_of(again)[1]["step"] == 2


def test_a_writer_whose_log_was_removed_gives_way_to_the_next(run: Run) -> None:
    (run.directory / "events.jsonl").unlink()
    with Run.reopen(run.directory), pytest.raises(RunError, match="another process"):
        run.restore()
    assert run.restore() is not None, "and may go on once it has ended"


def test_no_file_besides_the_log_holds_the_lock(run: Run) -> None:
    """A lock file could be removed by hand, and let a second process in."""
    for path in run.directory.iterdir():
        if path.name not in ("events.jsonl", "run.json"):
            path.unlink()
    with pytest.raises(RunError, match="another process"):
        Run.reopen(run.directory)


def test_a_copy_in_another_directory_can_be_resumed(run: Run, tmp_path: Path) -> None:
    run.write(_evaluated(1))
    run.save_best(_model(7), {"step": 1})
    with run.copy_to(tmp_path / "rescue") as copy:
        _save(copy, 2)
    with Run.reopen(tmp_path / "rescue") as again:
        assert _resume_of(again)[1]["step"] == 2
    assert [event.step for event in read_events(tmp_path / "rescue")] == [1]
    assert _same_weights(load_model(tmp_path / "rescue" / "best.safetensors"), _model(7))
    with pytest.raises(RunError, match="already holds a run"):
        run.copy_to(tmp_path / "rescue")


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b'{"uniform": "x"}', b'{"uniform": 1e999}'])
def test_damaged_baselines_are_refused_in_one_line(run: Run, content: bytes) -> None:
    (run.directory / "baselines.json").write_bytes(content)
    with pytest.raises(RunError, match=r"baselines\.json is damaged"):
        read_baselines(run.directory)


def test_killed_between_any_two_system_calls_weights_and_state_belong_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Around every system call that changes the disk, the directory is copied as a kill would leave it."""
    directory = tmp_path / "run"
    pictures: list[Path] = []

    def take_picture() -> None:
        pictures.append(tmp_path / f"killed-{len(pictures)}")
        shutil.copytree(directory, pictures[-1])

    def pictured(name: str) -> Callable[..., Any]:
        function = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            take_picture()
            try:
                return function(*arguments, **options)
            finally:
                take_picture()

        return call

    with Run.create(directory, HEADER) as run:
        _save(run, 1)
        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "write", "ftruncate", "unlink", "rename"):
                patch.setattr(os, name, pictured(name))
            run.write(_evaluated(2))
            _save(run, 2)
        _save(run, 3)
    take_picture()

    steps = []
    for picture in pictures:
        # What a kill in the middle of writing a temporary file would leave beside it:
        (picture / ".last.safetensors.0badf00d.tmp").write_bytes(b"half")
        with Run.reopen(picture) as killed:
            tensors, info = _resume_of(killed)
            step = info["step"]
            assert torch.equal(tensors["moments"], torch.full((3, 4), float(step)))
            assert read_header(picture / "last.safetensors").training["step"] == step
            assert _same_weights(load_model(picture / "last.safetensors"), _model(step))
            assert list(picture.glob(".*.tmp")) == []
            killed.write(_evaluated(9))
        assert read_events(picture)[-1] == _evaluated(9)
        steps.append(step)
    assert steps == sorted(steps), "time does not go back"
    assert set(steps) == {1, 2, 3}
    assert len(pictures) > 10


def test_what_was_said_before_a_save_is_in_the_log_with_it(run: Run) -> None:
    steps = torch.arange(1, 3).numpy()
    told = Progress(2, 0.04, steps, steps * 1.0, steps * 1.0, 0.1, 9.0, 0.1)
    more = Progress(4, 0.08, steps + 2, steps * 1.0, steps * 1.0, 0.1, 9.0, 0.1)
    run.write(told)
    run.write(more)
    _save(run, 4)
    assert [event.step for event in read_events(run.directory)] == [2, 4]


def test_a_resumed_run_reads_as_one(run: Run) -> None:
    network = Architecture(vocabulary_size=2, hidden_size=4)
    started = Started(5, 0.1, "run", "a.txt", network, ("a", "b"), 9, "cpu", "float32", 9, 1, 2, resumed=True)
    for event in (_evaluated(4), _evaluated(6), started, _evaluated(6)):
        run.write(event)
    assert [event.step for event in read_events(run.directory)] == [4, 5, 6]


def test_best_and_snapshots_are_models(run: Run) -> None:
    run.save_best(_model(1), {"step": 64, "held_out_nats": 1.5})
    for step in (8, 64, 512):
        run.save_snapshot(_model(step), step, {"step": step})
    found = read_run(run.directory)
    assert found.last is None
    assert found.best is not None
    assert _same_weights(load_model(found.best), _model(1))
    assert [step for step, _ in found.snapshots] == [8, 64, 512]
    for step, path in found.snapshots:
        assert path.name == f"{step}.safetensors"
        assert read_header(path).dtype == "float16"


def test_snapshots_past_their_number_are_deleted(run: Run) -> None:
    for step in (0, 8, 16, 24, 32, 40):
        run.save_snapshot(_model(step), step, {}, most=4)
        assert len(read_run(run.directory).snapshots) <= 4
    assert [step for step, _ in read_run(run.directory).snapshots] == [0, 16, 32, 40]
    run.save_snapshot(_model(0), 36, {}, most=4)
    steps = [step for step, _ in read_run(run.directory).snapshots]
    assert steps == [0, 16, 32, 36], "40 is of an end that the run did not keep"


def test_baselines_come_back(run: Run) -> None:
    assert read_baselines(run.directory) == {}
    run.write_baselines({"uniform": 4.2, "1-gram": 3.3})
    assert read_baselines(run.directory) == {"uniform": 4.2, "1-gram": 3.3}
    for damaged in ("{", "[1]", '{"uniform": "much"}'):
        (run.directory / "baselines.json").write_text(damaged)
        with pytest.raises(RunError, match="damaged"):
            read_baselines(run.directory)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_a_run_has_a_harmless_name_whatever_the_text_is_called(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.mktemp("runs")
    directory = new_run_directory(root, name)
    assert directory.parent == root
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}-\d{8}-\d{6}", directory.name)


def test_runs_of_the_same_second_have_their_own_directories(tmp_path: Path) -> None:
    directories = {new_run_directory(tmp_path / "runs", "data/input.txt") for _ in range(5)}
    assert len(directories) == 5
    assert all(directory.is_dir() for directory in directories)
    assert all(re.match(r"input-\d{8}-\d{6}(-\d)?$", directory.name) for directory in directories)
