"""The frame of `rnnscope watch` over many runs: 20 synthetic runs of 100,000 steps.

    python benchmarks/watch.py

Prints the time of the first reading, of a later one, and the median and the 99th percentile of the time in
which both panels are drawn after another run was selected, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import numpy as np


def write_run(directory: Path, number: int, steps: int) -> None:
    """A finished run with a log as training writes it: 10,000 steps one by one, later ones rarer."""
    directory.mkdir(parents=True)
    options = {"text": "t.txt", "cell": ("lstm", "gru", "rnn")[number % 3], "hidden_size": 64 * (number + 1)}
    (directory / "run.json").write_text(json.dumps({"format": 1, "options": options, "started": []}))
    generator = np.random.default_rng(number)
    architecture = {"cell": "lstm", "vocabulary_size": 64, "hidden_size": 64, "layers": 1}
    started = {
        "event": "started", "step": 0, "elapsed_seconds": 0, "run": str(directory), "corpus": "t.txt",
        "architecture": {**architecture, "embedding_size": 0, "activation": "tanh"}, "symbols": ["a", "b"],
        "parameters": 1000, "device": "cpu", "precision": "float32", "train_characters": 10**6,
        "held_out_characters": 10**5, "characters_per_step": 2048,
    }  # fmt: skip
    lines = [json.dumps(started)]
    for first in range(1, steps + 1, 50):
        group = 1 + (first - 1) // 10_000
        at = np.arange(first + group - 1, first + 50, group)
        nats = 1 + 3.5 * np.exp(-at / 9_000) + 0.1 * number / 20 + generator.normal(size=len(at)) / 20
        record = {
            "event": "progress", "step": int(at[-1]), "elapsed_seconds": first / 20, "loss_nats": 1.0,
            "gradient_norm": 1.0, "steps": at.tolist(), "losses_nats": np.round(nats, 6).tolist(),
            "gradient_norms": [1.0] * len(at), "learning_rate": 0.002, "characters_per_second": 50_000.0,
            "epoch": 1.0,
        }  # fmt: skip
        lines.append(json.dumps(record))
        if first % 500 == 1:
            held = float(1.05 + 3.4 * np.exp(-first / 9_000) + 0.1 * number / 20)
            evaluated = {
                "event": "evaluated", "step": int(at[-1]), "elapsed_seconds": first / 20,
                "held_out_nats": held, "characters": 1000, "is_best": True,
            }  # fmt: skip
            lines.append(json.dumps(evaluated))
    lines.append(json.dumps({"event": "finished", "step": steps, "elapsed_seconds": 5000, "reason": "steps"}))
    (directory / "events.jsonl").write_text("\n".join(lines) + "\n")


async def measure(root: Path, presses: int) -> None:
    from rnnscope.app.app import RnnscopeApp
    from rnnscope.app.screens.runs import RunsScreen
    from rnnscope.training.overview import Overview

    overview = Overview([root])
    began = time.perf_counter()
    runs = overview.poll()
    print(f"first reading of {len(runs)} runs: {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    overview.poll()
    print(f"a later reading: {1000 * (time.perf_counter() - began):.1f} ms")

    screen = RunsScreen([root])
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    frames = []
    async with app.run_test(size=(120, 40)) as pilot:
        while len(screen.runs) < len(runs):
            await asyncio.sleep(0.2)
        for number in range(presses):
            began = time.perf_counter()
            screen.change(selected=screen.view.runs[number % len(runs)].directory)
            for panel in (screen.chart, screen.table):
                for y in range(panel.size.height):
                    panel.render_line(y)
            frames.append(1000 * (time.perf_counter() - began))
            await pilot.pause(0)
    slow = np.percentile(frames, 99)
    print(f"frame after a selection: median {np.median(frames):.1f} ms, 99th percentile {slow:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description="The frame of `rnnscope watch` over many runs.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--presses", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(chosen.runs):
            write_run(Path(directory) / f"run-{number:02}", number, chosen.steps)
        asyncio.run(measure(Path(directory), chosen.presses))


if __name__ == "__main__":
    main()
