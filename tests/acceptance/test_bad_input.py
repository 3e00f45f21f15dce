"""Whatever is put in: one line on standard error that says what is wrong, exit 2, no traceback."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rnnscope.cli import main
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.run import Run

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, where runs without a name go."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of every kind that should be refused, and few good ones."""
    directory = tmp_path_factory.mktemp("files")
    texts = {
        "good": b"to be or not to be\n" * 40,
        "empty": b"",
        "one": b"a",
        "binary": bytes(range(256)) * 8,
        "broken": b"fine\n" * 20 + b"not \xff fine",
        "utf16": ("to be or not to be\n" * 40).encode("utf-16"),
        "other": "ça\n".encode() * 40,
    }
    for name, content in texts.items():
        (directory / name).write_bytes(content)
    with (directory / "large").open("wb") as file:
        file.truncate(4 << 30)  # sparse: it takes no room
    (directory / "directory").mkdir()

    _save(directory / "model.safetensors", Vocabulary.of("to be or not\n"))
    _save(directory / "bytes.safetensors", Vocabulary.of_bytes())
    good = (directory / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", good[:8])[0]
    header = json.loads(good[8 : 8 + length])
    models = {
        "truncated": good[: len(good) // 2],
        "torn_header": good[:20],
        "random": os.urandom(5000),
        "pickle": pickle.dumps({"weights": [1.0, 2.0]}),
        "huge_header": struct.pack("<Q", 1 << 62) + b"{}",
        "nested": _packed(b'{"__metadata__":' + b"[" * 100_000),
        "not_ours": _packed(json.dumps({"__metadata__": {"format": "pt"}}).encode()),
        "lying_shape": _with(header, good[8 + length :], "readout.bias", {"shape": [1 << 40]}),
        "lying_offsets": _with(header, good[8 + length :], "readout.bias", {"data_offsets": [0, 1 << 50]}),
        "text": b"to be or not to be\n" * 40,
    }
    for name, content in models.items():
        (directory / f"{name}.safetensors").write_bytes(content)
    return directory


def _save(path: Path, vocabulary: Vocabulary) -> None:
    save_model(CharRNN(Architecture("lstm", len(vocabulary), 4), vocabulary), path, {})


def _packed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def _with(header: dict[str, dict[str, object]], data: bytes, name: str, lies: dict[str, object]) -> bytes:
    return _packed(json.dumps(header | {name: header[name] | lies}).encode()) + data


def assert_refused(arguments: list[str], says: str, capsys: Captured) -> None:
    status = main(arguments)
    out, err = capsys.readouterr()
    assert status == 2, err
    assert out == ""
    assert err.startswith("rnnscope: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert err[:-1].isprintable()
    assert says in err


BAD_TEXTS = {
    "nowhere": "there is no file",
    "empty": "is empty",
    "directory": "is a directory",
    "binary": "cannot be read as text: it is not UTF-8 at byte 128 (line 2)",
    "broken": "it is not UTF-8 at byte 104 (line 21); convert it to UTF-8, or train on any file",
    "utf16": "it is binary, with a NUL at byte",
    "large": "it is binary, with a NUL at byte 0",
}


@pytest.mark.parametrize(("name", "says"), BAD_TEXTS.items())
@pytest.mark.parametrize("command", ["train", "eval", "trace"])
def test_a_bad_text(command: str, name: str, says: str, files: Path, capsys: Captured) -> None:
    model, text = str(files / "model.safetensors"), str(files / name)
    arguments = {"train": [text], "eval": [model, text], "trace": [model, text, "-o", "trace.npz"]}
    started = time.monotonic()
    assert_refused([command, *arguments[command]], says, capsys)
    assert time.monotonic() - started < 5
    assert list(Path().iterdir()) == []  # no run, no trace


@pytest.mark.parametrize("command", ["train", "eval"])
def test_a_text_of_one_character(command: str, files: Path, capsys: Captured) -> None:
    text = str(files / "one")
    model = [str(files / "bytes.safetensors")] if command == "eval" else []
    assert_refused([command, *model, text], "is too short: 1 character", capsys)
    assert list(Path().iterdir()) == []


def test_a_text_that_may_not_be_read(tmp_path: Path, capsys: Captured) -> None:
    secret = tmp_path / "secret"
    secret.write_text("to be or not to be\n" * 40)
    secret.chmod(0)
    main(["train", "--help"])  # imports what nobody might not
    capsys.readouterr()
    with _being_nobody():
        assert_refused(["train", str(secret)], "cannot be read: permission denied", capsys)


@contextmanager
def _being_nobody() -> Iterator[None]:
    """Root may read every file, so where the tests are root's they are somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


BAD_MODELS = {
    "none": "there is no model",
    "directory": "holds no best.safetensors",
    "empty": "is not a model of rnnscope",
    "truncated.safetensors": "is not a model of rnnscope",
    "torn_header.safetensors": "is not a safetensors file",
    "random.safetensors": "is not a safetensors file",
    "pickle.safetensors": "is not a safetensors file",
    "huge_header.safetensors": "is not a safetensors file",
    "nested.safetensors": "it is nested too deeply",
    "not_ours.safetensors": "another program wrote it",
    "lying_shape.safetensors": "is not a model of rnnscope",
    "text.safetensors": "is not a safetensors file",
    "lying_offsets.safetensors": "is torn or not a safetensors file",
}


@pytest.mark.parametrize(("name", "says"), BAD_MODELS.items())
def test_a_hostile_model(name: str, says: str, files: Path, capsys: Captured) -> None:
    model, text = str(files / name), str(files / "good")
    for arguments in (
        ["info", model],
        ["info", model, "--json"],
        ["sample", model],
        ["eval", model, text, "--json"],
        ["trace", model, text, "-o", "trace.npz"],
        ["train", text, "--init-from", model, "--plain"],
    ):
        if arguments[0] == "info" and name == "lying_offsets.safetensors":
            continue  # which reads no weights
        assert_refused(arguments, says, capsys)
    assert list(Path().iterdir()) == []


BAD_OPTIONS = {
    "train GOOD --layers 0": "--layers is 0, but must be at least 1",
    "train GOOD --held-out 0.6 --test 0.4": "leave nothing to learn from",
    "train GOOD --tied": "--tied needs --embedding-size 256",
    "train GOOD --learning-rate inf": "'inf' is not a number",
    "train GOOD --device cuda:9": "there is no cuda:9; did you mean cuda?",
    "train GOOD --depth 3": "unrecognized options: --depth, 3",
    "train": "TEXT is missing",
    "train GOOD --resume directory": "holds no run",
    "train GOOD --encoding bytes --init-from MODEL": "--encoding is utf-8 in the model",
    "train GOOD --run GOOD": "good is not a directory; choose another --run",
    "sample MODEL --length 0": "--length is 0",
    "sample MODEL --temperature -1": "",
    "sample MODEL --top-p 0": "",
    "sample MODEL --top-k -1": "",
    "sample MODEL --seed -1": "--seed is -1",
    "sample MODEL --prime zoo": "no z (U+007A), which is character 1",
    "eval MODEL GOOD --window 0": "--window is 0",
    "eval MODEL OTHER": "no ç (U+00E7)",
    "trace MODEL GOOD": "-o FILE.npz is missing",
    "trace MODEL GOOD -o none/t.npz": "there is no directory none",
    "trace MODEL GOOD -o t.txt": "must end in .npz",
    "corpus papers": "there is no papers; choose one of archive",
    "corpus archive --characters 0": "--characters is 0",
    "corpus python --seed 1": "--seed is for archive",
    "corpus python -o none/python.txt": "there is no directory none",
    "watch none": "none does not exist",
    "watch GOOD": "holds no run",
    "train --resume none": "none does not exist",
    "look MODEL": "there is no command look",
}


@pytest.mark.parametrize(("line", "says"), BAD_OPTIONS.items())
def test_bad_options(line: str, says: str, files: Path, capsys: Captured) -> None:
    paths = {"GOOD": files / "good", "MODEL": files / "model.safetensors", "OTHER": files / "other"}
    arguments = [str(paths.get(word, word)) for word in line.split()]
    arguments = [str(files / word) if word == "directory" else word for word in arguments]
    assert_refused(arguments, says, capsys)


def test_a_run_that_another_process_writes(files: Path, tmp_path: Path, capsys: Captured) -> None:
    run = tmp_path / "run"
    text = str(files / "good")
    small = ["--hidden-size", "4", "--batch-size", "2", "--sequence-length", "4", "--precision", "float32"]
    assert main(["train", text, "--run", str(run), "--steps", "2", "--json", *small]) == 0
    capsys.readouterr()
    with Run.reopen(run):
        assert_refused(["train", "--resume", str(run), "--steps", "4"], "written by another process", capsys)
    assert_refused(["train", text, "--run", str(run)], "already holds a run", capsys)
    assert_refused(["train", "--resume", str(run), "--layers", "2"], "--layers cannot change", capsys)
    assert_refused(["train", "--resume", str(run)], "give more with --steps", capsys)

    (run / "resume.safetensors").write_bytes(b"torn")
    assert_refused(["train", "--resume", str(run), "--steps", "4"], "is damaged", capsys)
    (run / "run.json").write_text('{"format": 1')
    assert_refused(["train", "--resume", str(run), "--steps", "4"], "is damaged", capsys)
    assert_refused(["watch", str(run)], "is damaged", capsys)


def test_names_that_are_not_utf_8(tmp_path: Path, capsys: Captured) -> None:
    directory = tmp_path / os.fsdecode(b"caf\xe9")
    text, run = directory / os.fsdecode(b"\xff.txt"), directory / os.fsdecode(b"run\xff")
    try:
        directory.mkdir()
        text.write_bytes(b"to be or not to be\n" * 40)
    except OSError:
        pytest.skip("the file system takes no such names")
    small = ["--hidden-size", "4", "--batch-size", "2", "--sequence-length", "4", "--precision", "float32"]
    assert main(["train", str(text), "--run", str(run), "--steps", "2", "--plain", *small]) == 0
    assert main(["train", "--resume", str(run), str(text), "--steps", "4", "--json"]) == 0
    for arguments in (
        ["eval", str(run), str(text), "--json"],
        ["info", str(run), "--json"],
        ["find", str(run), str(text), "--pattern", "be", "--json"],
        ["report", str(run), "-o", str(directory / os.fsdecode(b"\xff.html"))],
    ):
        assert main(arguments) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert_refused(["train", "--resume", str(run), "--steps", "6"], "name its new place as TEXT", capsys)


@pytest.mark.parametrize(
    "line", ["info random.safetensors", "eval model.safetensors nowhere", "train broken --json"]
)
def test_in_a_process_of_its_own(line: str, files: Path) -> None:
    command = [sys.executable, "-m", "rnnscope", *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=files)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("rnnscope: ")
    assert done.stderr.count("\n") == 1
