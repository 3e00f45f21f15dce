"""A real terminal: train, look, leave, and find what was saved."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from rnnscope.network.checkpoint import load_model
from rnnscope.training.controls import Controls
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions

COLUMNS, ROWS = 120, 40
SLOWEST_SECONDS = 60.0


class Terminal:
    """A terminal of 120×40 in which a command runs."""

    def __init__(self, arguments: list[str], directory: Path, **environment: str) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.is_hung_up = False
        settings = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "OMP_NUM_THREADS": "1"}
        sized = {"COLUMNS", "LINES"}  # these would outweigh the size of the terminal
        inherited = {name: value for name, value in os.environ.items() if name not in sized}
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", *arguments],
            cwd=str(directory),
            dimensions=(ROWS, COLUMNS),
            env={**inherited, **settings, **environment},
            timeout=SLOWEST_SECONDS,
        )

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def read(self, seconds: float) -> None:
        """Take what comes within some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                data = self.child.read_nonblocking(65_536, timeout=left)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            self.raw += data
            self._stream.feed(data)

    def read_until_quiet(self, quiet_seconds: float = 0.1, most_seconds: float = 1.0) -> None:
        """Take what comes until nothing new does, as after a key."""
        end = time.monotonic() + most_seconds
        while time.monotonic() < end:
            before = len(self.raw)
            self.read(quiet_seconds)
            if len(self.raw) == before:
                return

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until the screen shows something."""
        end = time.monotonic() + SLOWEST_SECONDS
        while time.monotonic() < end:
            if found := re.search(pattern, self.text):
                return found
            self.read(0.05)
        raise AssertionError(f"the screen never showed {pattern!r}:\n{self.text}")

    def wait_until_it_ends(self) -> int:
        """The exit status; what comes before the end is read."""
        end = time.monotonic() + SLOWEST_SECONDS
        while self.child.isalive() and time.monotonic() < end:
            self.read(0.05)
        self.child.close()
        status = self.child.exitstatus
        return -self.child.signalstatus if status is None else status

    def hang_up(self) -> None:
        """Close the terminal's side, as a window does that is closed."""
        self.is_hung_up = True
        self.child.ptyproc.fileobj.close()
        self.child.ptyproc.closed = self.child.closed = True

    def white_cell(self) -> tuple[int, int]:
        """Where the cursor of the passage stands, as soon as it is drawn."""
        end = time.monotonic() + SLOWEST_SECONDS
        while time.monotonic() < end:
            for row in range(14, 26):
                for column in range(66):
                    if self.screen.buffer[row][column].bg == "ffffff":
                        return row, column
            self.read(0.05)
        raise AssertionError(f"no cursor:\n{self.text}")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "tide.txt"
    lines = (f"At {hour} the tide is {hour * 7 % 12} ells, and the ferry waits.\n" for hour in range(1, 900))
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def terminal_for(tmp_path: Path, text: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens a terminal in which a small network learns, once its screen shows a loss and a passage."""
    opened: list[Terminal] = []

    def open_one(**environment: str) -> Terminal:
        options = ["--run", "run", "--hidden-size", "24", "--seed", "1"]
        terminal = Terminal(["train", str(text), *options], tmp_path, **environment)
        opened.append(terminal)
        terminal.wait_for(r"train +\d\.\d\d")
        terminal.wait_for(r"passage  .*step \d")
        return terminal

    yield open_one
    for terminal in opened:
        if not terminal.is_hung_up:
            terminal.child.close(force=True)


def test_it_trains_shows_itself_and_leaves_a_checkpoint_that_loads(
    terminal_for: Callable[..., Terminal], tmp_path: Path
) -> None:
    training = terminal_for()
    first = float(training.wait_for(r"train +(\d\.\d\d)")[1])
    before = training.white_cell()
    training.child.send("\x1b[C")
    end = time.monotonic() + SLOWEST_SECONDS
    while (cell := training.white_cell()) == before and time.monotonic() < end:
        training.read(0.1)
    assert cell in ((before[0], before[1] + 1), (before[0] + 1, min(before[1], cell[1])))

    neuron = training.wait_for(r"gates +neuron 1/(\d+)")[1]
    training.child.send("\x1b[B")
    training.wait_for(rf"gates +neuron 1/(?!{neuron}\b)\d+")
    training.wait_for(r"●")

    end = time.monotonic() + SLOWEST_SECONDS
    while float(training.wait_for(r"train +(\d\.\d\d)")[1]) > max(first - 0.2, 0.3):  # where little is left
        assert time.monotonic() < end, training.text
        training.read(0.2)

    training.child.send("q")
    assert training.wait_until_it_ends() == 0
    assert (
        training.raw.rstrip().endswith((b"\x1b[?25h", b"\x1b[?1004l"))
        or b"\x1b[?1049l" in training.raw[-2_000:]
    )
    model = load_model(tmp_path / "run" / "last.safetensors")
    assert model.architecture.hidden_size == 24


def test_a_signal_saves_and_gives_the_terminal_back_and_no_color_is_heeded(
    terminal_for: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = terminal_for(NO_COLOR="1")
    terminal.child.kill(signal.SIGTERM)
    start = time.monotonic()
    assert terminal.wait_until_it_ends() == 128 + signal.SIGTERM
    assert time.monotonic() - start < 10
    assert b"\x1b[?1049l" in terminal.raw[-4_000:]
    assert load_model(tmp_path / "run" / "last.safetensors").architecture.hidden_size == 24
    colors = re.findall(rb"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m", terminal.raw)
    assert not colors, colors[:5]
    assert re.search(rb"\x1b\[(?:[0-9]+;)*7[0-9;]*m", terminal.raw), "nothing stands out either"


def test_a_terminal_that_closes_costs_nothing(terminal_for: Callable[..., Terminal], tmp_path: Path) -> None:
    """The terminal's side is closed: the process is told by SIGHUP, and can write no more."""
    terminal = terminal_for()
    process = terminal.child.pid
    terminal.hang_up()
    end = time.monotonic() + SLOWEST_SECONDS
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
            raise AssertionError("it went on without a terminal")
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(ended[1]) in (0, 128 + signal.SIGHUP)
    finished = (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert '"finished"' in finished
    assert load_model(tmp_path / "run" / "last.safetensors").architecture.hidden_size == 24


def test_an_error_after_the_screen_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("a", encoding="utf-8")
    terminal = Terminal(["train", "short.txt"], tmp_path)
    assert terminal.wait_until_it_ends() == 2
    assert b"Traceback" not in terminal.raw
    told = re.sub(r"\x1b\[[?0-9;]*[a-z]", "", terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()).strip()
    assert told.startswith("rnnscope: ")
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["inspect", "archive-rnn", "pipe"], ["train", "pipe"]])
def test_a_signal_ends_a_screen_that_waits_for_a_pipe(tmp_path: Path, arguments: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    terminal = Terminal(arguments, tmp_path)
    terminal.wait_for("loading")
    terminal.read(2.0)  # until torch is imported and the pipe is read, or nearly so
    terminal.child.kill(signal.SIGTERM)
    assert terminal.wait_until_it_ends() == 128 + signal.SIGTERM


def test_a_terminal_is_not_the_text_of_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The screen reads keys from it: one line, before the screen opens."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"to be or not to be\n" * 20)))
    run = str(tmp_path / "run")
    small = TrainOptions("-", run=run, hidden_size=4, batch_size=2, sequence_length=8, steps=2, threads=1)
    train(small, Controls(), lambda event: None)
    keys = "standard input is the terminal from which the screen reads keys: name a file"
    again = (
        "the text of run came through standard input: pipe it in again, or name a file that holds it as TEXT"
    )
    for arguments, complaint in (
        (["train", "-"], keys),
        (["inspect", "run", "-"], keys),
        (["replay", "run", "-"], keys),
        (["train", "--resume", "run", "--steps", "4"], again),
    ):
        terminal = Terminal(arguments, tmp_path)
        assert terminal.wait_until_it_ends() == 2
        assert terminal.raw.decode() == f"rnnscope: {complaint}\r\n"
