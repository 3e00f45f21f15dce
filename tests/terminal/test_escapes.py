"""Escapes in every field of every file, in names, arguments and prompts: none reaches the terminal."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnscope.cli import main
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.controls import Controls
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions
from tests.terminal.test_smoke import Terminal
from tests.unit.terminals import Terminal as TerminalFile

HOSTILE = "\x1b]0;HOSTILE\x07\x9b31mHOSTILE\x1b[2J\u202eEND"
MARKS = (
    b"\x1b]0;HOSTILE",
    b"\x9b31mHOSTILE",
    b"\xc2\x9b31mHOSTILE",
    b"\x1b]0;",
    "\u202e".encode(),
    b"HOSTILE\x1b[2J",
)
PASTED = f"\x1b[200~{HOSTILE}\x1b[201~"
TEXT = f'The bell "rang" at seven, and then {HOSTILE}\nthe ferry left; "never" again.\n\n' * 40


def _assert_clean(raw: bytes) -> None:
    for mark in MARKS:
        at = raw.find(mark)
        assert at < 0, raw[max(0, at - 80) : at + 80]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text, a model `m.safetensors` and a run `run`, with an escape in every text of their files."""
    directory = tmp_path_factory.mktemp("hostile")
    (directory / "text.txt").write_text(TEXT, encoding="utf-8")
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 16)
    network = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(0))
    training = {"corpus": {"name": HOSTILE, HOSTILE: HOSTILE}, HOSTILE: HOSTILE}
    save_model(network, directory / "m.safetensors", training)
    remarks = {"favorites": ["1/0", "1/1"], "notes": {f"1/{unit}": HOSTILE for unit in range(16)}}
    (directory / "m.remarks.json").write_text(json.dumps(remarks))

    run = directory / "run"
    options = TrainOptions(
        text=str(directory / "text.txt"), run=str(run), hidden_size=8, batch_size=4, sequence_length=16,
        steps=60, precision="float32", device="cpu", threads=1,
    )  # fmt: skip
    train(options, Controls(), lambda event: None)
    _fill_run(run)
    return directory


def _fill_run(run: Path) -> None:
    """Put an escape into every text of a run's JSON files."""
    records = [json.loads(line) for line in (run / "events.jsonl").read_bytes().splitlines()]
    for record in records:
        _fill(record)
    at: dict[str, Any] = {"step": 60, "elapsed_seconds": 0.1}
    sampled = {"text": HOSTILE, "temperature": 0.8, "probabilities": [0.5] * len(HOSTILE), "prime": HOSTILE}
    more: list[dict[str, Any]] = [{"event": "later", HOSTILE: HOSTILE}, {"event": "sampled", **at, **sampled}]
    for kind in ("disk", "divergence", "device", "controls", "other"):
        more.append({"event": "warned", **at, "message": HOSTILE, "kind": kind})
    for kind in ("last", "best", "snapshot"):
        more.append({"event": "saved", **at, "path": HOSTILE, "kind": kind})
    lines = [*records[:-1], *more, records[-1]]
    (run / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    header = json.loads((run / "run.json").read_text())
    header |= dict.fromkeys(("device", "hardware", "platform", HOSTILE), HOSTILE)
    header |= {"versions": {HOSTILE: HOSTILE}, "started": [HOSTILE]}
    header["corpus"]["name"] = HOSTILE
    (run / "run.json").write_text(json.dumps(header))
    (run / "baselines.json").write_text(json.dumps({"uniform": 4.0, HOSTILE: 3.0}))


def _fill(record: dict[str, Any]) -> None:
    """Put an escape into every free text of a record."""
    for name, value in record.items():
        if name in ("event", "phase", "reason", "kind"):
            continue
        if isinstance(value, str):
            record[name] = HOSTILE
        elif name in ("notes",):
            record[name] = [HOSTILE]


def test_a_foreign_run_is_watched(directory: Path) -> None:
    terminal = Terminal(["watch", "run"], directory)
    terminal.wait_for("step 60")
    terminal.wait_for(r"neuron 1/\d+")
    for keys in ("M", "\x1b", "!", "\x1b", "?", "\x1b", "z", "\x1b", "p", PASTED, "\x1b"):
        terminal.child.send(keys)
        terminal.read_until_quiet()
    terminal.child.send("q")
    terminal.wait_until_it_ends()
    _assert_clean(terminal.raw)


def test_a_foreign_model_text_and_remarks_are_inspected(directory: Path) -> None:
    terminal = Terminal(["inspect", "m.safetensors", "text.txt"], directory)
    terminal.wait_for("The bell")
    terminal.wait_for(r"1/\d+")
    note, edit, find, compare = '"', "e", "/", "w"
    asked = [note, PASTED, "\r", note, "\x1b", edit, "\x1b", edit, PASTED, "\r", find, PASTED, "\r", "\x1b"]
    asked += [compare, "\x1b", compare, PASTED, "\r", "?", "\x1b", "\x10", PASTED, "\x1b"]
    for keys in asked:
        terminal.child.send(keys)
        terminal.read_until_quiet()
    terminal.read(1.0)
    terminal.child.close(force=True)
    _assert_clean(terminal.raw)


def test_a_prime_and_a_text_with_hostile_names_are_trained_on(tmp_path: Path) -> None:
    name = f"{HOSTILE.replace('/', '')}.txt"
    (tmp_path / name).write_text(TEXT, encoding="utf-8")
    arguments = ["train", name, "--run", "run", "--hidden-size", "8", "--prime", HOSTILE]
    terminal = Terminal(arguments, tmp_path)
    terminal.wait_for(r"train +\d\.\d\d")
    for keys in ("p", "\x1b", "r"):
        terminal.child.send(keys)
        terminal.read_until_quiet()
    terminal.child.send("q")
    terminal.wait_until_it_ends()
    _assert_clean(terminal.raw)


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "run"],
        ["info", "m.safetensors"],
        ["watch", "run", "--plain"],
        ["watch", "run", "--json"],
        ["sample", "m.safetensors", "--length", "200", "--prime", HOSTILE],
        ["trace", "m.safetensors", "text.txt", "-o", f"{HOSTILE}.npz"],
        ["export", "m.safetensors", "text.txt", "-o", f"{HOSTILE}.html", "--unit", "1/1"],
        ["find", "m.safetensors", "text.txt", "--pattern", HOSTILE],
        ["find", "m.safetensors", HOSTILE, "--feature", "quotes"],
        ["train", HOSTILE],
        ["train", "text.txt", "--run", f"{HOSTILE}/x", "--cell", HOSTILE],
        ["train", "--resume", HOSTILE],
        [HOSTILE],
        ["info", HOSTILE],
        ["analyze", "m.safetensors", "text.txt", HOSTILE],
    ],
    ids=lambda arguments: " ".join(map(ascii, arguments))[:60],
)
def test_commands_print_no_escape_of_a_file_a_name_or_an_argument(
    arguments: list[str], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    monkeypatch.setenv("NO_COLOR", "1")
    output, errors = io.BytesIO(), io.BytesIO()
    terminals = [TerminalFile(raw, encoding="utf-8", write_through=True) for raw in (output, errors)]
    with redirect_stdout(terminals[0]), redirect_stderr(terminals[1]):
        status = main(arguments)
    assert status in (0, 2), errors.getvalue()
    assert output.getvalue() + errors.getvalue()
    _assert_clean(output.getvalue() + errors.getvalue())
