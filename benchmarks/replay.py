"""How soon `rnnscope replay` shows another snapshot in a real terminal, with a passage of 2,000 characters.

    python benchmarks/replay.py [TEXT] [--hidden 256] [--layers 1] [--size 120x40] [--before-others]

The run has 100 snapshots of random weights. Three ways to another snapshot are measured, from the key to the
frame that shows its step: the next one, which was computed ahead; ten next ones per second; and one far away,
which has to be computed. The bound is 150 ms for the median of each.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import pexpect  # isort: skip
import torch

from benchmarks.looking import Terminal
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.replay.film import PASSAGE_CHARACTERS
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.run import Run
from rnnscope.training.snapshots import finest

_BOUND_MS = 150.0
_LAST = 9_984
_PRESSES = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("text", nargs="?", default=str(root / "data" / "input.txt"))
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--before-others", action="store_true", help="raise the priority, where work goes on")
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    text = Path(options.text).read_text("utf-8")
    vocabulary = Vocabulary.of(text)
    shape = Architecture("lstm", len(vocabulary), options.hidden, options.layers, embedding_size=64)
    steps = [step for step in range(_LAST + 1) if step in finest(_LAST, 120)]
    with tempfile.TemporaryDirectory() as directory:
        times = []
        with Run.create(Path(directory, "run"), {"options": {}}) as run:
            for step in steps:
                model = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(step))
                begun = time.perf_counter()
                run.save_snapshot(model, step, {"step": step})
                times.append(1e3 * (time.perf_counter() - begun))
        print(f"{shape.title}: a snapshot is saved in {statistics.median(times):.1f} ms (median)")
        passage = Path(directory, "passage.txt")
        passage.write_text(text[:PASSAGE_CHARACTERS], "utf-8")
        child = pexpect.spawn(
            sys.executable,
            ["-m", "rnnscope", "replay", str(run.directory), str(passage)],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "RNNSCOPE_STATE": ""},
            timeout=60,
        )
        child.delaybeforesend = None  # it would wait 50 ms before each key
        if options.before_others:
            Path(f"/proc/{child.pid}/autogroup").write_text("-15")
        terminal = Terminal(child, columns, rows)
        terminal.start()
        terminal.wait_for(lambda shown: f"snapshot 2 of {len(steps)}" in shown)
        child.send(" ")
        time.sleep(1.0)
        print(f"{len(steps)} snapshots, {PASSAGE_CHARACTERS:,} characters, {options.size}")
        _report("next snapshot", [_time(terminal, ")", 0.4) for _ in range(_PRESSES)])
        _report("ten per second", [_time(terminal, ")", 0.1) for _ in range(_PRESSES)])
        _jump(terminal, steps[0])
        _report("far away", [_jump(terminal, step) for step in _far(steps)])
        child.send("q")
        child.wait()


def _time(terminal: Terminal, keys: str, rest_seconds: float) -> float:
    """Milliseconds from a key to the frame with another step, looked at after a rest."""
    terminal.settle()
    before = _step(terminal.shown)
    terminal.child.send(keys)
    pressed = time.perf_counter()
    time.sleep(rest_seconds)  # what comes is kept with its time; reading it now would cost the replay's time
    return 1e3 * (terminal.wait_for(lambda screen: _step(screen) != before) - pressed)


def _jump(terminal: Terminal, step: int) -> float:
    terminal.child.send(f":{step}")
    terminal.wait_for(lambda screen: f"{step}" in screen.split("\n")[-1])
    time.sleep(0.3)
    return _time(terminal, "\r", 0.5)


def _far(steps: list[int]) -> list[int]:
    """Snapshots in an order in which none is near the one before."""
    chosen = steps[5::4]
    random.Random(0).shuffle(chosen)
    return chosen


def _step(screen: str) -> str:
    """The step in the title of the sample, which is shown with everything else that belongs to it."""
    _, _, after = screen.partition("T 0.8")
    _, _, after = after.partition("step ")
    return after.split(" ")[0]


def _report(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    median = statistics.median(ordered)
    holds = "holds" if median <= _BOUND_MS else "does NOT hold"
    print(
        f"  {name:16} {median:6.1f} ms  (90 % within {ordered[int(0.9 * len(ordered))]:.1f} ms)"
        f"  bound {_BOUND_MS:.0f} ms {holds}",
        flush=True,
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
