"""A run that other code trained: plain PyTorch, with snapshots written by the file contract alone.

`activations` reads a snapshot again and runs it in a float64 loop, independent of rnnscope.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

LINE = 'the bell rang "at seven" and the ferry (the blue one) left\nshe said "not before noon" to them\n'
TEXT = LINE * 24
STEPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
HIDDEN = 10


@dataclass(frozen=True)
class ScriptedRun:
    """The directory, and the validation losses that its log records."""

    directory: Path
    text: Path
    losses: tuple[tuple[int, float], ...]

    def snapshot(self, step: int) -> Path:
        return self.directory / "snapshots" / f"{step}.safetensors"


def write_run(root: Path, *, has_log: bool = True) -> ScriptedRun:
    """Train an LSTM of 10 units for 64 steps."""
    symbols = sorted(set(TEXT))
    ids = torch.tensor([symbols.index(character) for character in TEXT])
    torch.manual_seed(5)
    network = torch.nn.LSTM(len(symbols), HIDDEN)
    readout = torch.nn.Linear(HIDDEN, len(symbols))
    parameters = [*network.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.03)
    directory = root / "run"
    (directory / "snapshots").mkdir(parents=True)
    train, log = [], []
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            _write_snapshot(directory / "snapshots" / f"{step}.safetensors", step, symbols, network, readout)
        start = 37 * step % (len(ids) - 300)
        part = ids[start : start + 257]
        inputs = torch.nn.functional.one_hot(part, len(symbols)).float()
        hidden, _ = network(inputs[:-1, None])
        loss = torch.nn.functional.cross_entropy(readout(hidden[:, 0]), part[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train.append(float(loss.detach()))
    for step in range(8, max(STEPS) + 1, 8):
        log.append(
            {
                "event": "progress", "step": step, "elapsed_seconds": step / 10,
                "steps": list(range(step - 7, step + 1)), "losses_nats": train[step - 8 : step],
                "gradient_norms": [1.0] * 8, "learning_rate": 0.03,
                "characters_per_second": 1e4, "epoch": 0.0,
            }
        )  # fmt: skip
        log.append(
            {
                "event": "evaluated", "step": step, "elapsed_seconds": step / 10,
                "held_out_nats": train[step], "characters": 1000, "is_best": True, "whole": True,
            }
        )  # fmt: skip
    if has_log:
        (directory / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in log))
        (directory / "run.json").write_text(json.dumps({"format": 1, "options": {}}))
    text = root / "text.txt"
    text.write_text(TEXT)
    losses = [(each["step"], each["held_out_nats"]) for each in log if each["event"] == "evaluated"]
    return ScriptedRun(directory, text, tuple(losses))


def _write_snapshot(
    path: Path, step: int, symbols: list[str], network: torch.nn.LSTM, readout: torch.nn.Linear
) -> None:
    weights = {
        "layers.1.weight_ih": network.weight_ih_l0,
        "layers.1.weight_hh": network.weight_hh_l0,
        "layers.1.bias_ih": network.bias_ih_l0,
        "layers.1.bias_hh": network.bias_hh_l0,
        "readout.weight": readout.weight,
        "readout.bias": readout.bias,
    }
    described = {
        "format": 1,
        "cell": "lstm",
        "input_size": len(symbols),
        "hidden_size": HIDDEN,
        "layers": 1,
        "vocabulary": {"kind": "characters", "symbols": symbols},
        "training": {"step": step, "elapsed_seconds": step / 10},
    }
    arrays = {name: tensor.detach().numpy().astype(np.float16) for name, tensor in weights.items()}
    safetensors.numpy.save_file(arrays, path, {"rnnscope": json.dumps(described)})


@lru_cache(maxsize=256)
def activations(path: Path, text: str) -> tuple[dict[str, Doubles], Doubles]:
    """Every quantity (T, H) along a text, and the log-probabilities (T, V), by a loop in float64."""
    w = {name: array.astype(np.float64) for name, array in safetensors.numpy.load_file(path).items()}
    symbols = sorted(set(TEXT))
    h, c = np.zeros(HIDDEN), np.zeros(HIDDEN)
    rows: list[dict[str, Any]] = []
    for character in text:
        x = w["layers.1.weight_ih"][:, symbols.index(character)]
        gates = x + w["layers.1.bias_ih"] + w["layers.1.weight_hh"] @ h + w["layers.1.bias_hh"]
        i, f, g, o = np.split(gates, 4)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        logits = w["readout.weight"] @ h + w["readout.bias"]
        logits -= logits.max()
        rows.append(
            {
                "input": i, "forget": f, "candidate": g, "output": o, "cell": c, "hidden": h,
                "log_probabilities": logits - np.log(np.exp(logits).sum()),
            }
        )  # fmt: skip
    found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return found, found.pop("log_probabilities")


def greedy(path: Path, length: int, before: str = "\n") -> str:
    """The most probable continuation of a text, by the same loop."""
    text = before
    for _ in range(length):
        text += sorted(set(TEXT))[int(activations(path, text)[1][-1].argmax())]
    return text[len(before) :]


def _sigmoid(values: Doubles) -> Doubles:
    return 1 / (1 + np.exp(-values))
