"""Signals before there is anything to save, and standard outputs that fail: no run hangs or ends unsaved."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest

from rnnscope.network.formats import read_header

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SMALL = ["--hidden-size", "8", "--batch-size", "4", "--sequence-length", "16", "--threads", "1"]


def _start(directory: Path, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "rnnscope", *arguments],
        cwd=directory,
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def _wait_until_it_reads(process: subprocess.Popen[bytes]) -> None:
    """Until the process sleeps in a system call after torch was loaded."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        if "libtorch_cpu" in maps and Path(f"/proc/{process.pid}/wchan").read_text().startswith(
            ("do_sel", "poll", "core_sys", "0")
        ):
            time.sleep(1.0)
            return
        time.sleep(0.05)
    raise AssertionError("it never came to reading")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("source", "number"),
    [*(("standard input", number) for number in ENDING), ("pipe without a writer", signal.SIGTERM)],
)
def test_the_first_signal_ends_the_reading_of_a_text(tmp_path: Path, source: str, number: int) -> None:
    if source == "standard input":
        process = _start(tmp_path, "train", "-", "--plain", *SMALL, stdin=subprocess.PIPE)
    else:
        os.mkfifo(tmp_path / "text")
        process = _start(tmp_path, "train", "text", "--plain", *SMALL)
    _wait_until_it_reads(process)
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    assert not list(tmp_path.glob("runs/*/last.safetensors"))


def test_a_text_through_a_pipe_is_read_whole(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "text")
    process = _start(tmp_path, "train", "text", "--plain", "--steps", "3", "--run", "r", *SMALL)
    with (tmp_path / "text").open("wb", buffering=0) as pipe:
        for _ in range(10):
            pipe.write(b"to be or not to be\n" * 20)
            time.sleep(0.02)
    assert process.wait(60) == 0, process.communicate()
    header = json.loads((tmp_path / "r" / "run.json").read_text())
    assert header["corpus"]["characters"] == 3800


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "t.txt").write_text("to be or not to be\n" * 200)
    return "t.txt"


def _full() -> IO[bytes]:
    return open("/dev/full", "wb")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("form", ["--plain", "--json"])
def test_a_log_on_a_full_disk_ends_no_run(tmp_path: Path, text: str, form: str) -> None:
    with _full() as full:
        process = _start(tmp_path, "train", text, form, "--steps", "30", "--run", "r", *SMALL, stdout=full)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0
    assert error.decode().splitlines() == [
        "rnnscope: standard output: no space left on device; the run continues without it"
    ]
    assert read_header(tmp_path / "r" / "last.safetensors").training["step"] == 30


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_neither_does_a_full_standard_error(tmp_path: Path, text: str) -> None:
    with _full() as full:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "rnnscope",
                "train",
                text,
                "--plain",
                "--steps",
                "9",
                "--run",
                "r",
                *SMALL,
            ],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=full,
        )
    assert process.wait(120) == 0
    assert read_header(tmp_path / "r" / "last.safetensors").training["step"] == 9


COMMANDS = [
    ["info", "archive-rnn"],
    ["train", "--help"],
    ["--help"],
    ["sample", "archive-rnn", "--length", "50"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_of_a_small_encoding_gets_replacements(
    tmp_path: Path, command: list[str], encoding: str
) -> None:
    process = _start(tmp_path, *command, env={**os.environ, "PYTHONIOENCODING": encoding})
    output, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert output
    assert error == b""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_standard_output_is_one_line(tmp_path: Path, command: list[str]) -> None:
    quoted = " ".join(command)
    process = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m rnnscope {quoted} >&-"], capture_output=True, cwd=tmp_path
    )
    assert process.returncode == 2
    assert process.stderr.decode().splitlines() == [
        "rnnscope: standard output is closed; send it to a file, or to /dev/null"
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_pipe_whose_reader_has_gone_ends_it_quietly_by_the_signals_number(
    tmp_path: Path, command: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = _start(tmp_path, *command, stdout=writing)
    os.close(writing)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGPIPE
    assert error == b""


def test_the_descriptors_of_closed_streams_never_become_files_of_the_run(tmp_path: Path, text: str) -> None:
    """Else what a library writes to standard error would land in a checkpoint."""
    quoted = " ".join(["train", text, "--plain", "--steps", "5", "--run", "r", *SMALL])
    command = f"exec 0<&- 2>&-; {sys.executable} -m rnnscope {quoted} > log"
    process = subprocess.run(["sh", "-c", command], capture_output=True, cwd=tmp_path)
    assert process.returncode == 0
    assert read_header(tmp_path / "r" / "last.safetensors").training["step"] == 5
