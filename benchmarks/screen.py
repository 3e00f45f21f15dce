"""The training speed with the screen, relative to --plain: medians of the ratios of alternating runs.

    python benchmarks/screen.py [TEXT] [--rounds 5] [--seconds 20] [--busy] [-- OPTIONS of train]
    python benchmarks/screen.py --find quotes        the screen with a search, relative to one without

Both are processes of their own in a 120×40 pseudo-terminal. The speed, in characters per second, is that of
the last two thirds of each run, from its events. --busy runs a third process that computes all the time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pexpect

from rnnscope.training.events import Progress
from rnnscope.training.run import read_events

FLOOR = 0.90
COLUMNS, ROWS = 120, 40


def main() -> None:
    parser = argparse.ArgumentParser(description="Training with the screen ÷ training with --plain.")
    parser.add_argument(
        "text", nargs="?", default=str(Path(__file__).resolve().parent.parent / "data/input.txt")
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--busy", action="store_true", help="run a third process that computes all the time")
    parser.add_argument("--find", metavar="FEATURE", help="the feature of a search that runs all the time")
    parser.add_argument("options", nargs="*", help="options of rnnscope train")
    chosen = parser.parse_args()
    searching = ("/", f"{chosen.find}\r") if chosen.find else ()
    reference = [] if chosen.find else ["--plain"]
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if chosen.busy else None
    ratios = []
    try:
        for number in range(chosen.rounds):
            speeds = {}
            for is_reference in (False, True) if number % 2 else (True, False):
                options = [*(reference if is_reference else []), *chosen.options]
                typed = () if is_reference else searching
                speeds[is_reference] = speed(chosen.text, chosen.seconds, options, typed)
            ratios.append(speeds[False] / speeds[True])
            print(f"{speeds[False]:,.0f} ÷ {speeds[True]:,.0f} char/s  ratio {ratios[-1]:.3f}", flush=True)
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
    median = statistics.median(ratios)
    print(
        f"{'searching ÷ not' if searching else 'screen ÷ plain'}: median {median:.3f} of {len(ratios)}; "
        f"floor {FLOOR} {'kept' if median >= FLOOR else 'missed'}"
    )


def speed(text: str, seconds: float, options: list[str], typed: Sequence[str] = ()) -> float:
    """Characters per second over the last two thirds of one run; `typed` is sent once it trains."""
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory) / "run"
        child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", "train", text, "--run", str(run), "--minutes", str(seconds / 60), *options],
            dimensions=(ROWS, COLUMNS),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            timeout=60 + 3 * seconds,
        )
        while not has_event(run, "finished") and child.isalive():
            if typed and has_event(run, "progress"):
                child.send(typed[0])
                typed = typed[1:]
            try:
                child.read_nonblocking(1 << 20, timeout=0.5)  # as a terminal does
            except pexpect.TIMEOUT:
                time.sleep(0.05)
            except pexpect.EOF:
                break
        if child.isalive():
            child.send("q")
            child.expect(pexpect.EOF)
        child.close()
        reports = [event for event in read_events(run) if isinstance(event, Progress)]
        late = [event for event in reports if event.elapsed_seconds >= seconds / 3]
        steps = late[-1].step - late[0].step
        return steps * 32 * 64 / (late[-1].elapsed_seconds - late[0].elapsed_seconds)


def has_event(run: Path, event: str) -> bool:
    """Whether an event of this kind is at the end of the log."""
    events = run / "events.jsonl"
    return events.exists() and f'"event":"{event}"' in events.read_text(encoding="utf-8")[-2000:]


if __name__ == "__main__":
    main()
