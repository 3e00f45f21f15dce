"""Directories of ml5.js charRNN: TensorFlow's BasicLSTMCell, as char-rnn-tensorflow trains it.

    manifest.json   {"VARIABLE": {"filename": "FILE", "shape": [rows, columns]}, …}
    vocab.json      {"CHARACTER": id, …}
    FILE            the numbers of a variable: float32, little-endian

With x the character's embedding, or its one-hot vector where there is none, h' = h(t−1) and c' = c(t−1):

    (i, j, f, o) = (x, h') W + b                     W ((I+H)×4H), b (4H)
    c = σ(f + 1) ∘ c' + σ(i) ∘ tanh(j)               h = σ(o) ∘ tanh(c)

A native file has the blocks in the order i, f, j, o, and the forget gate's 1 in its bias.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from os.path import isfile, realpath
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rnnscope.errors import CheckpointError
from rnnscope.files import read_regular_file
from rnnscope.network.architecture import Architecture
from rnnscope.network.header import Header
from rnnscope.strict_json import JsonError, decode, read_json, shown
from rnnscope.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NAME = "ml5.js charRNN"

_MANIFEST, _VOCABULARY = "manifest.json", "vocab.json"
_LARGEST_JSON = 4 << 20
_LARGEST_BYTES = 1 << 30
_LOST_LETTERS = {"": "U", "  ": "u"}
"""Keys of ml5.js's published vocabularies that have lost their letter."""

_CELL = re.compile(r".*(?:cell|lstm)_(\d+)/(?:.*/)?(?:(kernel|weights)|bias|biases)")
_OTHER = re.compile(r"(?:.*/)?(embedding|softmax_w|softmax_b)")
_ORDER = [0, 2, 1, 3]

T = TypeVar("T")


@dataclass(frozen=True)
class _Variable:
    filename: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Checkpoint:
    header: Header
    files: dict[str, Path]
    """Of each part, such as `cell_0/kernel` and `softmax_w`."""
    shapes: dict[str, tuple[int, ...]]


def matches(path: Path) -> bool:
    return isfile(path / _MANIFEST) and isfile(path / _VOCABULARY)


def files(path: Path) -> tuple[Path, ...]:
    return (path / _MANIFEST, path / _VOCABULARY, *_open(path).files.values())


def read_header(path: Path) -> Header:
    return _open(path).header


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    import numpy as np
    import torch

    checkpoint = _open(path)
    architecture, parts = checkpoint.header.architecture, _arrays(checkpoint)
    size = architecture.hidden_size
    tensors = {"readout.weight": parts["softmax_w"].T, "readout.bias": parts["softmax_b"]}
    if architecture.embedding_size:
        tensors["embedding.weight"] = parts["embedding"]
    for number in range(architecture.layers):
        kernel = parts[f"cell_{number}/kernel"].reshape(-1, 4, size)[:, _ORDER].reshape(-1, 4 * size)
        bias = parts[f"cell_{number}/bias"].reshape(4, size)[_ORDER]
        bias[1] += 1
        tensors |= {
            f"layers.{number + 1}.weight_ih": kernel[:-size].T,
            f"layers.{number + 1}.weight_hh": kernel[-size:].T,
            f"layers.{number + 1}.bias_ih": bias.ravel(),
            f"layers.{number + 1}.bias_hh": np.zeros(4 * size, np.float32),
        }
    return checkpoint.header, {
        name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in tensors.items()
    }


def _open(directory: Path) -> _Checkpoint:
    """The checkpoint without its weights: every shape, name and size of a file is checked."""
    parts = _parts(_read_json(directory, _MANIFEST, dict[str, _Variable]))
    vocabulary = _vocabulary(_read_json(directory, _VOCABULARY, dict[str, int]))
    architecture = Architecture(
        cell="lstm",
        vocabulary_size=len(vocabulary),
        hidden_size=_width(parts, "cell_0/bias", dimensions=1) // 4,
        layers=sum(part.endswith("/bias") for part in parts),
        embedding_size=_width(parts, "embedding", dimensions=2) if "embedding" in parts else 0,
    )
    shapes = _shapes(architecture)
    for part in shapes.keys() | parts.keys():
        if part not in parts:
            raise CheckpointError(f"{_MANIFEST} lacks {part}")
        if part not in shapes or parts[part].shape != shapes[part]:
            claimed, fitting = shown(list(parts[part].shape)), list(shapes.get(part, ()))
            raise CheckpointError(f"{part} has the shape {claimed}, where {fitting or 'nothing'} fits")
    if 4 * sum(map(math.prod, shapes.values())) > _LARGEST_BYTES:
        raise CheckpointError(f"its weights take more than {_LARGEST_BYTES:,} bytes")
    files = {part: _file(directory, parts[part]) for part in shapes}
    return _Checkpoint(Header(architecture, vocabulary, {}), files, shapes)


def _read_json(directory: Path, name: str, kind: type[T]) -> T:
    try:
        return decode(kind, read_json(directory / name, max_bytes=_LARGEST_JSON))
    except JsonError as error:
        raise CheckpointError(f"{name}: {error}") from None


def _parts(manifest: dict[str, _Variable]) -> dict[str, _Variable]:
    """The variables of the network; the others belong to the optimizer."""
    parts: dict[str, _Variable] = {}
    for name, variable in manifest.items():
        if found := _CELL.fullmatch(name):
            part = f"cell_{found[1]}/{'kernel' if found[2] else 'bias'}"
        elif found := _OTHER.fullmatch(name):
            part = found[1]
        else:
            continue
        if part in parts:
            raise CheckpointError(f"{_MANIFEST} has two variables for {shown(part)}")
        parts[part] = variable
    return parts


def _vocabulary(ids: dict[str, int]) -> Vocabulary:
    if sorted(ids.values()) != list(range(len(ids))):
        raise CheckpointError(f"the ids of {_VOCABULARY} are not 0 to {len(ids) - 1}, each once")
    symbols = [_LOST_LETTERS.get(key, key) for key in sorted(ids, key=ids.__getitem__)]
    return Vocabulary.from_json({"kind": "characters", "symbols": symbols})


def _width(parts: dict[str, _Variable], part: str, dimensions: int) -> int:
    """The last number of a part's shape."""
    if part not in parts:
        raise CheckpointError(f"{_MANIFEST} lacks {part}")
    shape = parts[part].shape
    if len(shape) != dimensions or shape[-1] < 4:
        raise CheckpointError(f"{part} has the shape {shown(list(shape))}")
    return shape[-1]


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    size, symbols = architecture.hidden_size, architecture.vocabulary_size
    shapes: dict[str, tuple[int, ...]] = {"softmax_w": (size, symbols), "softmax_b": (symbols,)}
    if architecture.embedding_size:
        shapes["embedding"] = (symbols, architecture.embedding_size)
    for number in range(architecture.layers):
        inputs = size if number else architecture.input_size
        shapes |= {f"cell_{number}/kernel": (inputs + size, 4 * size), f"cell_{number}/bias": (4 * size,)}
    return shapes


def _file(directory: Path, variable: _Variable) -> Path:
    name = variable.filename
    if "\0" in name or not Path(realpath(directory / name)).is_relative_to(realpath(directory)):
        raise CheckpointError(f"the file {shown(name)} is outside the directory")
    path = directory / name
    if not isfile(path):  # False also for a name that no file can have
        raise CheckpointError(f"there is no file {shown(name)}")
    found, needed = path.stat().st_size, 4 * math.prod(variable.shape)
    if found != needed:
        raise CheckpointError(f"{shown(name)} has {found:,} bytes where its shape needs {needed:,}")
    return path


def _arrays(checkpoint: _Checkpoint) -> dict[str, NDArray[np.float32]]:
    import numpy as np

    arrays = {}
    for part, shape in checkpoint.shapes.items():
        content = read_regular_file(checkpoint.files[part], max_bytes=4 * math.prod(shape))
        if len(content) < 4 * math.prod(shape):
            raise CheckpointError(f"{checkpoint.files[part].name} was cut short while it was read")
        arrays[part] = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
    return arrays
