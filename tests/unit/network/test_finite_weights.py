"""Weights that are not finite: refused in one line, and read without a fault where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.cli import main
from rnnscope.errors import CheckpointError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

TEXT = 'he said "no" (twice), and left\n' * 300
VOCABULARY = Vocabulary.of(TEXT)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return str(path)


def _model(path: Path, name: str, value: float, *, half: bool = False) -> str:
    shape = Architecture("lstm", len(VOCABULARY), 8, embedding_size=4)
    model = CharRNN(shape, VOCABULARY, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.tensors()[name].view(-1)[3] = value
    file = path / "model.safetensors"
    save_model(model, file, {"held_out_nats": float("nan")}, half=half)
    return str(file)


PLACES = ["embedding.weight", "layers.1.weight_hh", "readout.weight", "layers.1.bias_ih"]


@pytest.mark.parametrize("name", PLACES)
def test_a_model_with_nan_is_refused_unless_it_is_asked_for(tmp_path: Path, name: str) -> None:
    path = Path(_model(tmp_path, name, float("nan")))
    with pytest.raises(CheckpointError, match=f"NaN or infinite, in {name}") as error:
        load_model(path)
    assert len(str(error.value).splitlines()) == 1
    assert torch.isnan(load_model(path, allow_nonfinite=True).tensors()[name]).any()


@pytest.mark.parametrize("command", ["sample", "eval", "trace", "export", "find", "analyze"])
@pytest.mark.parametrize("name", ["embedding.weight", "layers.1.weight_hh", "readout.weight"])
def test_every_command_refuses_in_one_line_and_ends_when_it_may_look(
    command: str, name: str, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _model(tmp_path, name, float("nan"))
    arguments = {
        "sample": ["sample", model, "--length", "20"],
        "eval": ["eval", model, text, "--json"],
        "trace": ["trace", model, text, "-o", str(tmp_path / "t.npz")],
        "export": ["export", model, text, "-o", str(tmp_path / "e.json"), "--length", "200", "--unit", "1/2"],
        "find": ["find", model, text, "--feature", "quotes", "--json"],
        "analyze": ["analyze", model, text, "saturation", "--json"],
    }[command]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "NaN or infinite" in error
    assert len(error.splitlines()) == 1

    status = main([*arguments, "--allow-nonfinite"])
    output = capsys.readouterr()
    assert status in (0, 2), output.err
    if status == 0 and "--json" in arguments:
        json.loads(output.out, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


def test_infinities_cannot_be_written_and_their_bits_are_refused(tmp_path: Path) -> None:
    path = Path(_model(tmp_path, "readout.weight", 1.0))
    content = bytearray(path.read_bytes())
    content[-4:] = np.array([np.inf], np.float32).tobytes()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        load_model(path)


def test_info_prints_valid_json_of_a_record_with_nan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", _model(tmp_path, "readout.weight", 1.0), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert facts["training"]["held_out_nats"] is None
