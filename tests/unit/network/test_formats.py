"""Checkpoints of other programs are read wherever a model is expected; damaged ones are refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

import rnnscope
from rnnscope.app.model_file import ModelFile
from rnnscope.cli import main
from rnnscope.errors import CheckpointError
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model, sidecar

SHARED = Path(__file__).resolve().parents[4] / "shared"
SYMBOLS = "\nabU'é"
HIDDEN, EMBEDDING = 5, 4
FIND = rnnscope.Find(pattern="a")

Arrays = dict[str, NDArray[np.float32]]


def write(directory: Path, embedding: int = EMBEDDING, words: tuple[str, str] = ("kernel", "bias")) -> Arrays:
    """A checkpoint of ml5.js with two layers and the optimizer's variables. Returns its arrays."""
    random = np.random.default_rng(1)
    kernel, bias = words
    cell = "rnnlm/multi_rnn_cell/cell_{}/basic_lstm_cell/{}"
    shapes: dict[str, tuple[int, ...]] = {
        "Variable": (),
        cell.format(0, kernel): ((embedding or len(SYMBOLS)) + HIDDEN, 4 * HIDDEN),
        cell.format(0, bias): (4 * HIDDEN,),
        cell.format(0, kernel) + "/Adam": (3, 3),
        cell.format(1, kernel): (HIDDEN + HIDDEN, 4 * HIDDEN),
        cell.format(1, bias): (4 * HIDDEN,),
        "rnnlm/softmax_w": (HIDDEN, len(SYMBOLS)),
        "rnnlm/softmax_b": (len(SYMBOLS),),
    }
    if embedding:
        shapes["embedding"] = (len(SYMBOLS), embedding)
    directory.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.asarray(random.normal(size=shape), "<f4") for name, shape in shapes.items()}
    manifest = {
        name: {"filename": name.replace("/", "_"), "shape": list(array.shape)}
        for name, array in arrays.items()
    }
    for name, array in arrays.items():
        (directory / manifest[name]["filename"]).write_bytes(array.tobytes())
    (directory / "manifest.json").write_text(json.dumps(manifest))
    (directory / "vocab.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(SYMBOLS)}))
    return {name.removeprefix("rnnlm/multi_rnn_cell/"): array for name, array in arrays.items()}


def tensorflow(arrays: Arrays, ids: list[int], words: tuple[str, str]) -> NDArray[np.float64]:
    """Logits (T, V) of TensorFlow's BasicLSTMCell with its forget bias of 1, in float64."""

    def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-x))

    state = [(np.zeros(HIDDEN), np.zeros(HIDDEN)) for _ in range(2)]
    logits = []
    for i in ids:
        x = arrays["embedding"][i].astype(float) if "embedding" in arrays else np.eye(len(SYMBOLS))[i]
        for layer, (c, h) in enumerate(state):
            kernel, bias = (arrays[f"cell_{layer}/basic_lstm_cell/{word}"].astype(float) for word in words)
            input_gate, new, forget, output = np.split(np.concatenate([x, h]) @ kernel + bias, 4)
            c = c * sigmoid(forget + 1.0) + sigmoid(input_gate) * np.tanh(new)
            h = np.tanh(c) * sigmoid(output)
            state[layer] = c, h
            x = h
        logits.append(x @ arrays["rnnlm/softmax_w"].astype(float) + arrays["rnnlm/softmax_b"])
    return np.array(logits)


@pytest.mark.parametrize("embedding", [EMBEDDING, 0])
@pytest.mark.parametrize("words", [("kernel", "bias"), ("weights", "biases")])
def test_ml5_computes_what_tensorflow_computes(
    embedding: int, words: tuple[str, str], tmp_path: Path
) -> None:
    arrays = write(tmp_path / "tiny", embedding, words)
    ids = np.random.default_rng(2).integers(len(SYMBOLS), size=40).tolist()

    model, header = load_model(tmp_path / "tiny"), read_header(tmp_path / "tiny")
    logits, _ = model.double()(torch.tensor(ids)[:, None])

    # The forget bias is added in float32, as a native file stores it.
    np.testing.assert_allclose(logits[:, 0].detach(), tensorflow(arrays, ids, words), rtol=0, atol=1e-6)
    assert model.architecture == header.architecture
    assert (header.architecture.title, header.architecture.embedding_size) == ("LSTM 2×5", embedding)
    assert header.parameters == model.parameter_count
    assert "".join(header.vocabulary.symbols) == SYMBOLS


def test_a_foreign_checkpoint_is_a_model_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("tiny"))
    Path("text.txt").write_text("ab'\naUé\n" * 40)

    assert resolve_model("tiny") == Path("tiny")
    assert rnnscope.load("tiny").facts[:2] == ("tiny", "LSTM 2×5")
    session = rnnscope.Session.open("tiny", "text.txt", keep=True)
    assert len(session.ask(rnnscope.Saturation()).to_dict())
    assert sidecar(Path("tiny"), ".findings.json") == Path("tiny.findings.json")
    for line in (
        "info tiny",
        "info tiny --json",
        "sample tiny --length 20",
        "eval tiny text.txt --json",
        "trace tiny text.txt -o trace.npz",
        "find tiny text.txt --pattern a",
        "analyze tiny text.txt saturation",
        "analyze tiny text.txt gradient-flow --other tiny",
        "export tiny text.txt --unit 2/3 -o page.html",
        "train text.txt --init-from tiny --run run --batch-size 2 --sequence-length 4 --steps 2 --plain",
    ):
        assert main(line.split()) == 0, capsys.readouterr().err
    assert load_model(Path("run/last.safetensors")).architecture.title == "LSTM 2×5"


def test_results_are_kept_for_the_weights_of_all_files(tmp_path: Path) -> None:
    arrays = write(tmp_path / "tiny")
    text = tmp_path / "text.txt"
    text.write_text("ab'\naUé\n" * 40)
    before = rnnscope.Session.open(str(tmp_path / "tiny"), str(text), keep=True).ask(FIND)
    (tmp_path / "tiny" / "rnnlm_multi_rnn_cell_cell_1_basic_lstm_cell_kernel").write_bytes(
        (-arrays["cell_1/basic_lstm_cell/kernel"]).tobytes()
    )
    after = rnnscope.Session.open(str(tmp_path / "tiny"), str(text), keep=True).ask(FIND)
    assert before.to_dict() != after.to_dict()


def test_an_open_model_notices_that_one_of_its_files_has_changed(tmp_path: Path) -> None:
    write(tmp_path / "tiny")
    watched = ModelFile(tmp_path / "tiny")
    assert not watched.has_changed()
    os.utime(tmp_path / "tiny" / "embedding", (1, 1))
    assert watched.has_changed()


def test_import_writes_the_same_model_and_says_where_it_is_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "tiny")
    given = ["import", str(tmp_path / "tiny"), "-o", str(tmp_path / "tiny.safetensors")]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "ml5.js charRNN, LSTM 2×5, embedding of 4, 6 symbols" in printed
    assert str(tmp_path / "tiny") in printed

    foreign, converted = load_model(tmp_path / "tiny"), load_model(tmp_path / "tiny.safetensors")
    assert converted.architecture == foreign.architecture
    assert converted.vocabulary == foreign.vocabulary
    for name, tensor in foreign.tensors().items():
        assert torch.equal(tensor, converted.tensors()[name])
    recorded = read_header(tmp_path / "tiny.safetensors").training
    assert recorded == {"imported": {"format": "ml5.js charRNN", "path": str(tmp_path / "tiny")}}

    assert main(given) == 2
    assert "exists; choose another file" in capsys.readouterr().err
    assert main([*given, "--force"]) == 0
    again = ["import", str(tmp_path / "tiny.safetensors"), "-o", str(tmp_path / "copy.safetensors")]
    assert main(again) == 0
    assert (tmp_path / "copy.safetensors").read_bytes() == (tmp_path / "tiny.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("output", "message"),
    [("model.pt", "should end in .safetensors"), ("none/model.safetensors", "there is no directory")],
)
def test_import_refuses_a_destination(
    output: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "tiny")
    assert main(["import", str(tmp_path / "tiny"), "-o", str(tmp_path / output)]) == 2
    assert message in capsys.readouterr().err


BIAS = "rnnlm/multi_rnn_cell/cell_0/basic_lstm_cell/bias"
KERNEL = "rnnlm/multi_rnn_cell/cell_1/basic_lstm_cell/kernel"

Manifest = dict[str, Any]
Damage = Callable[[Path, Manifest], object]


def change(name: str, **values: object) -> Damage:
    return lambda _, manifest: manifest[name].update(values)


def remove(name: str) -> Damage:
    return lambda _, manifest: manifest.pop(name)


def vocabulary(content: str) -> Damage:
    return lambda directory, _: (directory / "vocab.json").write_text(content)


def link_outside(directory: Path, _: Manifest) -> None:
    (directory / "embedding").rename(directory.parent / "elsewhere")
    (directory / "embedding").symlink_to(directory.parent / "elsewhere")


def pipe(directory: Path, _: Manifest) -> None:
    (directory / "embedding").unlink()
    os.mkfifo(directory / "embedding")


def sparse(directory: Path, manifest: Manifest) -> None:
    """Kernels, biases and a read-out that agree with each other and with files of 17 GB without content."""
    size = 1 << 14
    for name, shape in {
        "rnnlm/multi_rnn_cell/cell_0/basic_lstm_cell/kernel": [EMBEDDING + size, 4 * size],
        BIAS: [4 * size],
        KERNEL: [2 * size, 4 * size],
        KERNEL.replace("kernel", "bias"): [4 * size],
        "rnnlm/softmax_w": [size, len(SYMBOLS)],
    }.items():
        manifest[name]["shape"] = shape
        with (directory / manifest[name]["filename"]).open("r+b") as file:
            file.truncate(4 * int(np.prod(shape)))


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a path above the directory": (change("embedding", filename="../elsewhere"), "is outside the directory"),
    "an absolute path": (change("embedding", filename="/etc/passwd"), "is outside the directory"),
    "a link out of the directory": (link_outside, "is outside the directory"),
    "a name with a zero byte": (change("embedding", filename="a\0b"), "is outside the directory"),
    "a name that is too long": (change("embedding", filename="a" * 5000), "there is no file"),
    "a missing file": (change("embedding", filename="none"), "there is no file 'none'"),
    "the directory itself": (change("embedding", filename="."), "there is no file '.'"),
    "a pipe": (pipe, "there is no file"),
    "a file that is too short": (
        lambda directory, _: (directory / "embedding").write_bytes(bytes(95)),
        "has 95 bytes where its shape needs 96",
    ),
    "a file that is too long": (
        lambda directory, _: (directory / "embedding").write_bytes(bytes(100)),
        "has 100 bytes where its shape needs 96",
    ),
    "a huge shape": (change(BIAS, shape=[2**50]), "has the shape"),
    "huge shapes that agree": (sparse, "take more than"),
    "a negative shape": (change(BIAS, shape=[-20]), "has the shape"),
    "no layer's width": (change(BIAS, shape=[]), "has the shape"),
    "an embedding of zero": (change("embedding", shape=[6, 0]), "has the shape"),
    "another kernel": (change(KERNEL, shape=[20, 10]), r"has the shape \[20, 10\], where \[10, 20\] fits"),
    "a fractional shape": (change(BIAS, shape=[20.5]), "manifest.json: "),
    "a shape that is no list": (change(BIAS, shape={"0": 20}), "manifest.json: "),
    "no file name": (change(BIAS, filename=3), "manifest.json: "),
    "no read-out": (remove("rnnlm/softmax_w"), "manifest.json lacks softmax_w"),
    "no first layer": (remove(BIAS), "manifest.json lacks cell_0/bias"),
    "no second kernel": (remove(KERNEL), "manifest.json lacks cell_1/kernel"),
    "a layer too many": (
        lambda _, manifest: manifest.update({"cell_7/kernel": manifest[KERNEL]}),
        "cell_7/kernel has the shape .* where nothing fits",
    ),
    "two kernels of a layer": (
        lambda _, manifest: manifest.update({KERNEL.replace("kernel", "weights"): manifest[KERNEL]}),
        "two variables for 'cell_1/kernel'",
    ),
    "an id twice": (vocabulary('{"\\n": 0, "a": 1, "b": 1, "U": 3, "\'": 4, "é": 5}'), "each once"),
    "an id too high": (vocabulary('{"a": 0, "b": 2}'), "each once"),
    "a vocabulary of other size": (vocabulary('{"a": 0, "b": 1}'), "has the shape"),
    "an empty vocabulary": (vocabulary("{}"), "not a list of single characters"),
    "a word in the vocabulary": (
        vocabulary('{"\\n": 0, "ab": 1, "b": 2, "U": 3, "\'": 4, "é": 5}'),
        "not a list of single characters",
    ),
    "a vocabulary that is a list": (vocabulary("[]"), "vocab.json: "),
    "a vocabulary that is not JSON": (vocabulary("{"), "vocab.json: it is not JSON"),
    "a vocabulary too large": (vocabulary(" " * (5 << 20)), "vocab.json cannot be read: it is larger than"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_hostile_checkpoint_of_ml5_is_refused_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, message = DAMAGES[name]
    directory = tmp_path / "tiny"
    write(directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    damage(directory, manifest)
    (directory / "manifest.json").write_text(json.dumps(manifest))

    for read in (read_header, load_model):
        with pytest.raises(CheckpointError, match=message) as caught:
            read(directory)
        assert str(directory) in str(caught.value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < len(str(directory)) + 200
    assert main(["info", str(directory)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_foreign_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    write(tmp_path / "tiny")
    (tmp_path / "tiny" / "rnnlm_softmax_b").write_bytes(np.full(len(SYMBOLS), value, "<f4").tobytes())
    with pytest.raises(CheckpointError, match=r"NaN or infinite, in readout\.bias"):
        load_model(tmp_path / "tiny")
    assert not torch.isfinite(load_model(tmp_path / "tiny", allow_nonfinite=True).readout.bias).any()


def test_the_lost_letters_of_the_published_vocabularies(tmp_path: Path) -> None:
    write(tmp_path / "tiny")
    (tmp_path / "tiny" / "vocab.json").write_text('{"": 0, "a": 1, "  ": 2, "b": 3, " ": 4, "\'": 5}')
    assert read_header(tmp_path / "tiny").vocabulary.symbols == ("U", "a", "u", "b", " ", "'")


@pytest.mark.skipif(not (SHARED / "foreign").is_dir(), reason="needs the published checkpoint")
def test_the_published_shakespeare_model_of_ml5_has_its_loss() -> None:
    """1.3096 nats over characters 100 to 1,000 of 100 streams of 1,000, by an independent reader in NumPy."""
    model = load_model(SHARED / "foreign" / "ml5-shakespeare")
    text = (SHARED / "data" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    ids = torch.from_numpy(model.vocabulary.encode(text[:100_000])).long().view(100, 1000).T
    with torch.no_grad():
        logits, _ = model(ids[:-1])
    loss = functional.cross_entropy(logits[100:].reshape(-1, 65), ids[101:].reshape(-1))
    assert loss.item() == pytest.approx(1.3096, abs=1e-4)
