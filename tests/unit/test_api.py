"""The public API: load, trace, sample, train."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.errors import CheckpointError, OptionError, TextError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.events import Event, Finished, Started


@pytest.fixture
def path(tmp_path: Path) -> Path:
    vocabulary = Vocabulary.of("abc \n")
    generator = torch.Generator().manual_seed(0)
    model = CharRNN(Architecture(vocabulary_size=5, hidden_size=8), vocabulary, generator=generator)
    save_model(model, tmp_path / "model.safetensors", {})
    return tmp_path / "model.safetensors"


def test_load_trace_sample(path: Path) -> None:
    model = rnnscope.load(path)
    trace = model.trace("abba cab")
    assert trace["1/cell"].shape == (8, 8)
    assert trace.text == "abba cab"
    written = model.sample(30, prime="abba", seed=1)
    assert len(written) == 30
    assert set(written) <= set("abc \n")
    assert written == model.sample(30, prime="abba", seed=1)
    assert written != model.sample(30, prime="abba", seed=2)


def test_errors_of_arguments_are_one_line(path: Path) -> None:
    model = rnnscope.load(path)
    assert repr(model) == "<model: model.safetensors, LSTM 1×8, 525 parameters>"
    with pytest.raises(KeyError, match="2/cell; use one of 1/input, 1/forget"):
        model.trace("abba")["2/cell"]
    with pytest.raises(OptionError, match="a text file") as raised:
        rnnscope.train("a text\n" * 3000, minutes=1)
    assert len(str(raised.value)) < 100


def test_the_trace_is_the_networks(path: Path) -> None:
    model = rnnscope.load(str(path))
    with torch.no_grad():
        logits, _ = model.network(torch.from_numpy(model.vocabulary.encode("abc")).long().unsqueeze(1))
    expected = logits.squeeze(1).log_softmax(-1).numpy()
    np.testing.assert_allclose(model.trace("abc").log_probabilities, expected, atol=1e-6)


def test_a_missing_model_and_an_unknown_character_are_errors(path: Path) -> None:
    with pytest.raises(CheckpointError, match="no model"):
        rnnscope.load("nowhere")
    with pytest.raises(TextError):
        rnnscope.load(path).trace("xyz")


def test_importing_the_package_takes_no_torch_and_shortens_its_threads_spin() -> None:
    code = "import sys, os, rnnscope; print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])"
    clean = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    for given, expected in ((clean, "False 1000"), (clean | {"GOMP_SPINCOUNT": "7"}, "False 7")):
        ran = subprocess.run(
            [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == expected


def test_a_model_is_trained_and_returned(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("the bell rang at seven\n" * 60, encoding="utf-8")
    events: list[Event] = []
    model = rnnscope.train(
        tmp_path / "input.txt",
        run=tmp_path / "run",
        on_event=events.append,
        cell="gru",
        hidden_size=12,
        steps=30,
        batch_size=4,
        sequence_length=16,
        threads=1,
    )
    assert model.architecture.title == "GRU 1×12"
    assert (tmp_path / "run" / "events.jsonl").is_file()
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    same = rnnscope.load(tmp_path / "run").trace("the bell")
    np.testing.assert_array_equal(rnnscope.trace(model, "the bell")["1/hidden"], same["1/hidden"])
    np.testing.assert_array_equal(
        rnnscope.trace(tmp_path / "run", "the bell").log_probabilities, same.log_probabilities
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "training time is missing"),
        ({"steps": 5, "hiden_size": 3}, "hiden_size"),
        ({"steps": 5, "cell": "lstmm"}, "lstmm"),
    ],
)
def test_wrong_options_of_a_training_are_errors(
    tmp_path: Path, options: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "input.txt").write_text("the bell rang at seven\n" * 60, encoding="utf-8")
    with pytest.raises(OptionError, match=complaint):
        rnnscope.train(tmp_path / "input.txt", run=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
