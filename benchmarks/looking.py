"""How soon a real terminal shows what the reader asks `rnnscope inspect` for: a key typed, a neuron, a page.

    python benchmarks/looking.py [TEXT] [--layers 2] [--hidden 512] [--size 200x60] [--before-others]

A terminal is played to it: keys go in, and what comes out is kept with the time at which it came. The network
is drawn, not trained, and is looked at under 100 MB, copies of the text. The claims: the first colored page
within 2 s of the model being loaded, a typed key and the next neuron within 50 ms, 20 frames a second while
the page is scrolled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import pexpect  # isort: skip
import pyte
import torch

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

_BYTES = 100_000_000
_PRESSES = 40
_BETWEEN_SECONDS = 0.2
_NAMED_SECONDS = 3.0
"""Neurons are being named meanwhile, as they are for a reader."""


@dataclass
class Terminal:
    """A played terminal, and what was written to it when."""

    child: pexpect.spawn
    columns: int
    rows: int
    chunks: list[tuple[float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._screen = pyte.Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self._screen)
        self._looked_at = 0

    def start(self) -> None:
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

    def wait_for(self, shows: Callable[[str], bool], seconds: float = 120.0) -> float:
        """When the screen first showed something."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for when in self._read_on():
                if shows(self.shown):
                    return when
            time.sleep(0.002)
        raise SystemExit("the screen never showed it:\n" + self.shown)

    def press(self, key: str, *, is_typed: bool = False) -> float:
        """Press a key; returns milliseconds to the first frame that came of it, or until what was typed is in
        the prompt and in the passage.
        """
        self.settle()
        before = self.shown.count(key)
        pressed = time.perf_counter()
        self.child.send(key)
        time.sleep(_BETWEEN_SECONDS)
        return 1e3 * (self.wait_for(lambda shown: not is_typed or shown.count(key) >= before + 2) - pressed)

    def settle(self) -> None:
        """Wait until nothing comes any more, and read all that came."""
        while self.chunks and time.perf_counter() - self.chunks[-1][0] < 0.03:
            time.sleep(0.005)
        for _ in self._read_on():
            pass

    @property
    def shown(self) -> str:
        return "\n".join(self._screen.display)

    def _read_on(self) -> Iterator[float]:
        """Look at what came since, piece by piece, each with the time at which it came."""
        while self._looked_at < len(self.chunks):
            when, data = self.chunks[self._looked_at]
            self._looked_at += 1
            self._stream.feed(data)
            yield when


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("text", nargs="?", default=str(root / "data" / "input.txt"))
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--size", default="200x60")
    parser.add_argument("--before-others", action="store_true", help="raise the priority, where work goes on")
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    text = Path(options.text).read_text("utf-8")
    vocabulary = Vocabulary.of(text)
    torch.manual_seed(0)
    shape = Architecture("lstm", len(vocabulary), options.hidden, options.layers)
    with tempfile.TemporaryDirectory() as directory:
        model, long = Path(directory, "drawn.safetensors"), Path(directory, "long.txt")
        save_model(CharRNN(shape, vocabulary), model, {})
        content = text.encode()
        long.write_bytes(content * (_BYTES // len(content) + 1))
        child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", "inspect", str(model), str(long)],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            timeout=60,
        )
        child.delaybeforesend = None  # it would wait 50 ms before each key
        if options.before_others:
            Path(f"/proc/{child.pid}/autogroup").write_text("-15")
        terminal = Terminal(child, columns, rows)
        terminal.start()
        _look(terminal, text, shape.title)
        child.send("\x1b")  # back from typing
        time.sleep(1.0)
        child.send("q")
        begun = time.perf_counter()
        while child.isalive():
            time.sleep(0.01)
        print(f"  left in {time.perf_counter() - begun:.2f} s")


def _look(terminal: Terminal, text: str, title: str) -> None:
    line = next(line for line in text.splitlines() if len(line) > 8)[:24]
    loaded = terminal.wait_for(lambda shown: title in shown)
    colored = terminal.wait_for(lambda shown: line in shown)
    print(f"{title}, 100 MB: first page {colored - loaded:.2f} s after the model is loaded", flush=True)
    time.sleep(_NAMED_SECONDS)
    _tell("next neuron", [terminal.press("\x1b[B") for _ in range(_PRESSES)])
    _tell("scrolled by a line", [terminal.press("J") for _ in range(_PRESSES)])
    terminal.child.send("e")
    time.sleep(1.0)
    _tell("typed key", [terminal.press("zqxj"[i % 4], is_typed=True) for i in range(_PRESSES)])


def _tell(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    print(
        f"  {name:20} {statistics.median(ordered):6.1f} ms "
        f"(90 % within {ordered[int(0.9 * len(ordered))]:.1f} ms)",
        flush=True,
    )


if __name__ == "__main__":
    main()
