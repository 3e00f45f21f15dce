"""How soon a real terminal shows what the reader asks `rnnscope inspect` for: a key typed, a neuron, a page.

    python benchmarks/looking.py [TEXT] [--layers 2] [--hidden 512] [--size 200x60]

A terminal is played to it: keys go in, and what comes out is kept with the time at which it came. The network
is drawn, not trained, and is looked at under 100 MB, copies of the text. The claims: the first coloured page
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
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import pexpect  # isort: skip
import pyte
import torch

from rnnscope.architecture import Architecture
from rnnscope.checkpoint import save_model
from rnnscope.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

_BYTES = 100_000_000
_PRESSES = 40
_NAMED_SECONDS = 3.0
"""Neurons are being named meanwhile, as they are for a reader."""


@dataclass
class Terminal:
    """A played terminal, and what was written to it when."""

    child: pexpect.spawn
    columns: int
    rows: int
    chunks: list[tuple[float, bytes]] = field(default_factory=list)

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
        screen = pyte.Screen(self.columns, self.rows)
        stream = pyte.ByteStream(screen)
        read, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            for when, data in self.chunks[read:]:
                stream.feed(data)
                read += 1
                if shows("\n".join(screen.display)):
                    return when
            time.sleep(0.002)
        raise SystemExit("the screen never showed it:\n" + "\n".join(screen.display))

    def press(self, key: str, quiet: float = 0.25) -> tuple[float, float, int]:
        """Press a key; returns milliseconds to the first and the last that came of it, and the bytes."""
        while self.chunks and time.perf_counter() - self.chunks[-1][0] < 0.03:
            time.sleep(0.005)  # what came before is done
        first = len(self.chunks)
        pressed = time.perf_counter()
        self.child.send(key)
        time.sleep(quiet)
        if len(self.chunks) == first:
            time.sleep(4 * quiet)
        came = self.chunks[first:]
        if not came:
            raise SystemExit(f"nothing came of {key!r}")
        size = sum(len(data) for _, data in came)
        return 1e3 * (came[0][0] - pressed), 1e3 * (came[-1][0] - pressed), size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("text", nargs="?", default=str(root / "data" / "input.txt"))
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--size", default="200x60")
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
    coloured = terminal.wait_for(lambda shown: line in shown)
    print(f"{title}, 100 MB: first page {coloured - loaded:.2f} s after the model is loaded", flush=True)
    time.sleep(_NAMED_SECONDS)
    _tell("next neuron", [terminal.press("\x1b[B") for _ in range(_PRESSES)])
    _tell("scrolled by a line", [terminal.press("J") for _ in range(_PRESSES)])
    terminal.child.send("e")
    time.sleep(1.0)
    _tell("typed key", [terminal.press("etaoin shrdlu"[i % 13]) for i in range(_PRESSES)])


def _tell(name: str, times: list[tuple[float, float, int]]) -> None:
    first, last = (sorted(each[k] for each in times) for k in (0, 1))
    print(
        f"  {name:20} first frame {statistics.median(first):6.1f} ms, last {statistics.median(last):6.1f} ms "
        f"(90 % within {last[int(0.9 * len(last))]:.1f} ms)",
        flush=True,
    )


if __name__ == "__main__":
    main()
