"""A text beyond the memory limit of the process (`ulimit -v`): refused at once, with what to do."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from rnnscope.analysis.targets import room
from rnnscope.cli import main
from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit works differently there")

ADVICE = "raise it (ulimit -v unlimited) or use a part of the text"


@contextmanager
def at_most(more_bytes: int) -> Iterator[None]:
    """The process may have so many bytes of address space more than it has."""
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + more_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a model, and a text of 64 GB that takes no room on the disk."""
    monkeypatch.chdir(tmp_path)
    vocabulary = Vocabulary.of("to be\n")
    save_model(CharRNN(Architecture("gru", len(vocabulary), 4), vocabulary), Path("m.safetensors"), {})
    with open("large", "wb") as file:
        file.write(b"to be\n" * 400_000)
        file.truncate(64_000_000_000)
    return tmp_path


@pytest.mark.parametrize(
    "line", ["train large --plain", "train large --plain --encoding bytes", "eval m.safetensors large"]
)
def test_a_file_that_cannot_be_mapped(line: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    with at_most(4 << 30):
        assert main(line.split()) == 2
    assert time.monotonic() - began < 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "rnnscope: large needs 64.0 GB of address space, more than the limit of this process allows; "
        f"{ADVICE}\n"
    )
    assert not list(here.glob("runs/*"))


def test_a_search_whose_array_cannot_be_mapped() -> None:
    with at_most(1 << 30), pytest.raises(TextError, match=r"a search of 10,000,000,000 char.* needs 40.0 GB"):
        room(10_000_000_000, np.float32)


@pytest.mark.parametrize("line", ["train text --plain", "eval m.safetensors text", "find m.safetensors text"])
def test_a_pipe_that_does_not_fit_in_memory(
    line: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("text")

    def write() -> None:
        with suppress(BrokenPipeError), open("text", "wb", buffering=0) as pipe:
            while True:
                pipe.write(b"to be\n" * 40_000)

    writer = threading.Thread(target=write)
    writer.start()
    with at_most(256 << 20):
        assert main([*line.split(), *(["--pattern", "be"] if "find" in line else [])]) == 2
    writer.join()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "rnnscope: text does not fit in memory: use a part of it, or save it as a file, "
        "which is read in pieces\n"
    )
