"""Models go to files and come back; strangers' files are refused in one line."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnscope.errors import CheckpointError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model, sample_model_directory
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of("abcdef\n")
IDS = torch.tensor([[0, 1], [2, 3], [6, 5]])


def make(vocabulary: Vocabulary = LETTERS, **changes: Any) -> CharRNN:
    architecture = Architecture(**{"vocabulary_size": len(vocabulary), "hidden_size": 5, **changes})
    return CharRNN(architecture, vocabulary, generator=torch.Generator().manual_seed(1)).eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(make(layers=2), path, {"step": 7})
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Change entries of the model's own metadata; None removes one."""
    header, data = split(path)
    described = json.loads(header["__metadata__"]["rnnscope"]) | changes
    kept = {name: value for name, value in described.items() if value is not None}
    header["__metadata__"]["rnnscope"] = json.dumps(kept)
    join(path, header, data)


def split(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def join(path: Path, header: dict[str, Any], data: bytes) -> None:
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def refused(path: Path, match: str | None = None) -> None:
    """Both readers say why, in one line that names the file."""
    for read in (load_model, read_header):
        with pytest.raises(CheckpointError, match=match) as caught:
            read(path)
        message = str(caught.value)
        assert str(path) in message
        assert message.isprintable()
        assert len(message) < len(str(path)) + 200


@pytest.mark.parametrize("cell", QUANTITIES)
@pytest.mark.parametrize("embedding", [{}, {"embedding_size": 3}, {"embedding_size": 5, "tied": True}])
def test_a_model_comes_back_as_it_was(cell: Any, embedding: dict[str, Any], tmp_path: Path) -> None:
    model = make(cell=cell, layers=2, **embedding)
    path = tmp_path / "model.safetensors"
    save_model(model, path, {"step": 3, "loss_nats": 1.5})

    loaded, header = load_model(path), read_header(path)

    assert loaded.architecture == header.architecture == model.architecture
    assert loaded.vocabulary == header.vocabulary == LETTERS
    assert header.training == {"step": 3, "loss_nats": 1.5}
    assert header.parameters == model.parameter_count == loaded.parameter_count
    assert torch.equal(loaded(IDS)[0], model(IDS)[0])
    assert not loaded.training


def test_softsign_a_byte_vocabulary_and_the_unknown_symbol_come_back(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(make(Vocabulary.of_bytes(), cell="coupled", activation="softsign"), path, {})
    assert load_model(path).architecture.activation == "softsign"
    assert load_model(path).vocabulary == Vocabulary.of_bytes()

    rare = Vocabulary.of("aaabbbc", minimum_count=2)
    save_model(make(rare), path, {})
    assert load_model(path).vocabulary.unknown == rare.unknown is not None


def test_names_and_shapes_in_the_file_are_those_of_torch(saved: Path) -> None:
    with safetensors.safe_open(saved, "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        described = json.loads(file.metadata()["rnnscope"])
    assert shapes == {
        "layers.1.weight_ih": (20, 7),
        "layers.1.weight_hh": (20, 5),
        "layers.1.bias_ih": (20,),
        "layers.1.bias_hh": (20,),
        "layers.2.weight_ih": (20, 5),
        "layers.2.weight_hh": (20, 5),
        "layers.2.bias_ih": (20,),
        "layers.2.bias_hh": (20,),
        "readout.weight": (7, 5),
        "readout.bias": (7,),
    }
    assert described == {
        "format": 1,
        "cell": "lstm",
        "input_size": 7,
        "hidden_size": 5,
        "layers": 2,
        "vocabulary": {"kind": "characters", "symbols": ["\n", "a", "b", "c", "d", "e", "f"]},
        "training": {"step": 7},
    }


def test_half_precision_takes_half_the_room_and_loads_as_float32(tmp_path: Path) -> None:
    model, whole, half = make(hidden_size=64), tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    model.readout.bias.data[0] = 1e6  # beyond float16: kept as its largest, not as infinity
    save_model(model, whole, {})
    save_model(model, half, {}, half=True)
    loaded = load_model(half)
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    assert read_header(half).dtype == "float16"
    assert loaded.readout.bias.data[0] == 65504.0
    for tensor, expected in zip(loaded.parameters(), model.parameters(), strict=True):
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor.clamp(-9, 9), expected.clamp(-9, 9), rtol=1e-3, atol=1e-4)


def test_diverged_weights_are_a_model_still(tmp_path: Path) -> None:
    model = make(embedding_size=5, tied=True)
    model.readout.weight.data[0, 0] = torch.nan
    save_model(model, tmp_path / "model.safetensors", {})
    loaded = load_model(tmp_path / "model.safetensors", allow_nonfinite=True)
    assert loaded.readout.weight[0, 0].isnan()


def test_loading_leaves_the_programs_random_numbers_alone(saved: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_model(saved)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": 2}, "its format is 2"),
        ({"format": None}, "its format is None"),
        ({"cell": "transformer"}, "transformer"),
        ({"cell": "\x1b[31mlstm\n"}, "its cell"),
        ({"cell": ["lstm"]}, "its cell"),
        ({"cell": "peephole"}, "lacks the tensor layers.1.peephole"),
        ({"cell": "gru"}, "shape"),
        ({"hidden_size": 10**9}, "shape"),
        ({"hidden_size": 10**300}, "too large"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"hidden_size": -5}, "hidden_size"),
        ({"hidden_size": 5.0}, "hidden_size"),
        ({"hidden_size": float("nan")}, "NaN is not a number"),
        ({"hidden_size": float("inf")}, "Infinity is not a number"),
        ({"hidden_size": True}, "hidden_size"),
        ({"hidden_size": "5"}, "hidden_size"),
        ({"layers": 10**9}, "layers"),
        ({"layers": 1}, "layers.2"),
        ({"layers": 3}, "lacks the tensor layers.3"),
        ({"input_size": 6}, "one-hot input is 6"),
        ({"input_size": 10**12}, "one-hot input"),
        ({"activation": "relu"}, "relu"),
        ({"tied": "yes"}, "tied"),
        ({"tied": True}, "tied"),
        ({"training": [1]}, "training"),
        ({"vocabulary": None}, "vocabulary"),
        ({"vocabulary": {"kind": "bytes"}}, "one-hot input is 7"),
        ({"vocabulary": {"kind": "words", "symbols": ["a"]}}, "words"),
        ({"vocabulary": {"kind": "characters", "symbols": []}}, "symbols"),
        ({"vocabulary": {"kind": "characters", "symbols": ["ab", *"cdefgh"]}}, "single characters"),
        ({"vocabulary": {"kind": "characters", "symbols": list("aabcdef")}}, "twice"),
        ({"vocabulary": {"kind": "characters", "symbols": [1, 2, 3, 4, 5, 6, 7]}}, "single characters"),
        ({"vocabulary": {"kind": "characters", "symbols": list("abcdefg"), "unknown": 7}}, "unknown"),
    ],
)
def test_metadata_that_cannot_be_is_refused(saved: Path, changes: dict[str, Any], match: str) -> None:
    rewrite(saved, **changes)
    refused(saved, match)


def test_a_tied_readout_that_differs_from_the_embedding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(make(embedding_size=5), path, {})
    rewrite(path, tied=True)
    with pytest.raises(CheckpointError, match="differs from the embedding"):
        load_model(path)


@pytest.mark.parametrize(
    ("tensor", "match"),
    [
        (torch.zeros(20, 5, dtype=torch.int64), "type"),
        (torch.zeros(20, 5, dtype=torch.float64), "type"),
        (torch.zeros(20, 6), "shape"),
        (torch.zeros(100), "shape"),
        (torch.zeros(20, 5, dtype=torch.float16), "several types"),
        (None, "lacks the tensor layers.2.weight_hh"),
    ],
)
def test_tensors_that_cannot_be_are_refused(saved: Path, tensor: torch.Tensor | None, match: str) -> None:
    tensors = safetensors.torch.load_file(saved)
    metadata = split(saved)[0]["__metadata__"]
    del tensors["layers.2.weight_hh"]
    if tensor is not None:
        tensors["layers.2.weight_hh"] = tensor
    safetensors.torch.save_file(tensors, saved, metadata)
    refused(saved, match)


def test_a_tensor_too_many_is_refused(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved) | {"more\x1b[2J": torch.zeros(1)}
    safetensors.torch.save_file(tensors, saved, split(saved)[0]["__metadata__"])
    refused(saved, "no such network")


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 900, -1])
def test_a_torn_file_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    refused(saved)


@pytest.mark.parametrize(
    "content",
    [
        b"once upon a time there was a text that was no model",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        struct.pack("<Q", 2) + b"\xff\xfe",
        struct.pack("<Q", 6000) + b'{"a":' + b"9" * 5994 + b"}",
        b"\x80\x04\x95" + b"\x00" * 64,
    ],
    ids=["text", "huge header", "no metadata", "array", "nested", "not UTF-8", "long number", "pickle"],
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("own", ["[]", "{", "7", "[" * 100_000, ""])
def test_our_key_that_holds_no_object_is_refused(saved: Path, own: str) -> None:
    header, data = split(saved)
    header["__metadata__"]["rnnscope"] = own
    join(saved, header, data)
    refused(saved)


def test_offsets_that_overlap_are_refused(saved: Path) -> None:
    header, data = split(saved)
    header["layers.1.bias_ih"]["data_offsets"] = header["layers.1.bias_hh"]["data_offsets"]
    join(saved, header, data)
    with pytest.raises(CheckpointError):
        load_model(saved)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1), value=st.integers(0, 255))
def test_a_changed_byte_of_the_header_never_surprises(saved: Path, position: float, value: int) -> None:
    content = bytearray(saved.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    content[int(position * (length + 7))] = value
    changed = saved.with_name("changed.safetensors")
    changed.write_bytes(content)
    with contextlib.suppress(CheckpointError):  # any other error fails; the change may also do no harm
        load_model(changed)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is a directory")
    refused(tmp_path / "absent", "cannot be read: No such file")
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer
    refused(tmp_path / "pipe", "not a regular file")


def test_a_failed_write_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_model(make(), saved, {})
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_a_model_is_found_by_path_by_run_and_by_name(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for directory in (run, tmp_path / "empty"):
        directory.mkdir()
    (run / "last.safetensors").write_bytes(b"")

    assert resolve_model(str(run / "last.safetensors")) == run / "last.safetensors"
    assert resolve_model(str(run)) == run / "last.safetensors"
    (run / "best.safetensors").write_bytes(b"")
    assert resolve_model(str(run)) == run / "best.safetensors"
    assert resolve_model("archive-lstm") == sample_model_directory() / "archive-lstm.safetensors"
    with pytest.raises(CheckpointError, match=r"no model novels, .* choose one of archive-"):
        resolve_model("novels")
    with pytest.raises(CheckpointError, match=r"no best\.safetensors"):
        resolve_model(str(tmp_path / "empty"))
    with pytest.raises(CheckpointError, match="no model"):
        resolve_model(f"../{sample_model_directory().name}/archive-lstm")
