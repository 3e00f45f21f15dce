"""The time from the start of `rnnscope train` to its first complete frame, relative to importing Textual.

    python benchmarks/first_frame.py [TEXT]

The reference is a new interpreter that imports textual.app and numpy and exits. Medians of alternating runs.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyte

ROUNDS = 7
FLOOR_SECONDS = 0.8
COLUMNS, ROWS = 120, 40


def main() -> None:
    text = (
        sys.argv[1]
        if len(sys.argv) > 1
        else str(Path(__file__).resolve().parent.parent / "data" / "input.txt")
    )
    frames, references = [], []
    for _ in range(ROUNDS):
        references.append(reference_seconds())
        frames.append(first_frame_seconds(text))
    frame, reference = statistics.median(frames), statistics.median(references)
    print(f"first frame {frame:.2f} s, importing textual {reference:.2f} s: ratio {frame / reference:.2f}")
    print(f"floor {FLOOR_SECONDS} s: {'kept' if frame <= FLOOR_SECONDS else 'missed'}")


def reference_seconds() -> float:
    """The time of a new interpreter with the imports of any Textual application that uses arrays."""
    start = time.perf_counter()
    child = pexpect.spawn(sys.executable, ["-c", "import textual.app, numpy"], timeout=60)
    child.expect(pexpect.EOF)
    return time.perf_counter() - start


def first_frame_seconds(text: str) -> float:
    """The time until the terminal shows the header, the titles of all panels, and the footer."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        start = time.perf_counter()
        child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", "train", text, "--run", f"{directory}/run"],
            dimensions=(ROWS, COLUMNS),
            env=environment,
            timeout=60,
        )
        expected = ("rnnscope", "loss", "sample", "passage", "next", "gates", "heat map", "quit")
        while True:
            stream.feed(child.read_nonblocking(65_536, timeout=60))
            shown = "\n".join(screen.display)
            if all(word in shown for word in expected):
                break
        seconds = time.perf_counter() - start
        child.send("q")
        child.expect(pexpect.EOF)
        child.close()
    return seconds


if __name__ == "__main__":
    main()
