"""The time from a key press to the painted frame, during training and on the same screen paused.

    python benchmarks/latency.py [TEXT] [--size 120x40] [--presses 200] [--find quotes]

`rnnscope train` runs in a pseudo-terminal. Its output is stored with time stamps and analyzed after the run,
so that reading it costs little. The paused screen is the reference.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pyte

FLOOR_SECONDS = 0.050
WARM_UP_SECONDS = 12.0
_LONGEST_WAIT_SECONDS = 60.0


@dataclass
class Terminal:
    """A pseudo-terminal: its output and the pressed keys, with their times in seconds."""

    child: pexpect.spawn
    columns: int
    rows: int
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    presses: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Read the output in a thread."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.child.child_fd, 65_536)
            except OSError:
                return
            if not data:
                return
            self.chunks.append((time.perf_counter(), data))

    def press(self, key: str) -> None:
        """Send a key and store its time."""
        self.presses.append(time.perf_counter())
        self.child.send(key)

    def shows(self, text: str) -> bool:
        """Whether the screen has the text."""
        return text in "\n".join(self.screen().display)

    def screen(self) -> pyte.Screen:
        """The present screen."""
        screen = pyte.Screen(self.columns, self.rows)
        stream = pyte.ByteStream(screen)
        for _, data in list(self.chunks):
            stream.feed(data)
        return screen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("text", nargs="?", default=str(root / "data" / "input.txt"))
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument(
        "--find", metavar="FEATURE", help="the feature of a search that runs at the same time"
    )
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as directory:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", "train", options.text, "--run", f"{directory}/run"],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            timeout=60,
        )
        child.delaybeforesend = None  # it would wait 50 ms before each key
        terminal = Terminal(child, columns, rows)
        terminal.start()
        _wait_for(terminal, "training")
        if options.find:
            child.send("/")
            time.sleep(1.0)
            child.send(f"{options.find}\r")
        time.sleep(WARM_UP_SECONDS)
        training = _measure(terminal, options.presses)
        child.send(" ")
        time.sleep(2.0)
        paused = _measure(terminal, options.presses)
        child.send("q")
        child.wait()
    _report("training", training)
    _report("paused", paused)
    worst = _percentile(training, 99)
    print(f"ratio of the 99th percentiles {worst / _percentile(paused, 99):.2f}")
    print(f"floor {1e3 * FLOOR_SECONDS:.0f} ms: {'kept' if worst <= FLOOR_SECONDS else 'missed'}")


def _wait_for(terminal: Terminal, text: str) -> None:
    end = time.perf_counter() + _LONGEST_WAIT_SECONDS
    while not terminal.shows(text):
        if time.perf_counter() > end:
            raise SystemExit(f"the screen did not show {text!r}:\n" + "\n".join(terminal.screen().display))
        time.sleep(0.5)


def _measure(terminal: Terminal, presses: int) -> list[float]:
    """The seconds from each press of → to the frame that shows it."""
    start = len(terminal.chunks)
    before = terminal.screen()
    terminal.presses.clear()
    chance = random.Random(0)
    for _ in range(presses):
        terminal.press("\x1b[C")
        time.sleep(chance.uniform(0.12, 0.32))
    time.sleep(0.5)
    return _latencies(before, terminal.chunks[start:], terminal.presses)


def _latencies(screen: pyte.Screen, chunks: list[tuple[float, bytes]], presses: list[float]) -> list[float]:
    stream = pyte.ByteStream(screen)
    found: list[float] = []
    waiting = iter(presses)
    pressed = next(waiting)
    cursor = _cursor(screen)
    for when, data in chunks:
        stream.feed(data)
        if when < pressed or _cursor(screen) == cursor:
            continue
        found.append(when - pressed)
        cursor = _cursor(screen)
        following = next(waiting, None)
        if following is None:
            break
        pressed = following
    if len(found) < len(presses):
        raise SystemExit(f"{len(presses) - len(found)} of {len(presses)} presses have no frame")
    return found


def _cursor(screen: pyte.Screen) -> tuple[tuple[int, int], str]:
    """The position of the white cell in the passage, and the lowest row that moves with the cursor."""
    white = [
        (row, column)
        for row, cells in sorted(screen.buffer.items())
        for column, cell in cells.items()
        if cell.bg == "ffffff"
    ]
    passage = white[0] if white else (-1, -1)
    lowest = max((row for row, _ in white), default=0)
    return passage, screen.display[lowest]


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _report(name: str, values: list[float]) -> None:
    numbers = {
        "median": statistics.median(values),
        "p90": _percentile(values, 90),
        "p99": _percentile(values, 99),
        "most": max(values),
    }
    columns = "  ".join(f"{label} {1e3 * value:.1f} ms" for label, value in numbers.items())
    print(f"{name:9} {len(values)} presses  {columns}")


if __name__ == "__main__":
    main()
