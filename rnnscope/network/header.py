"""The header of a model file: what the network is, read without torch and without the weights.

    8 bytes: the length of the JSON │ {"__metadata__": {"rnnscope": "…"}, NAME: {dtype, shape, …}, …} │ data

The file may come from anyone, so nothing in it is trusted: every number is checked against the file's true
size before memory is allocated.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rnnscope.errors import CheckpointError
from rnnscope.network.architecture import Activation, Architecture
from rnnscope.network.cells import CELLS
from rnnscope.strict_json import JsonError, decode, dump, parse, shown
from rnnscope.text.vocabulary import Vocabulary

FORMAT = 1
KEY = "rnnscope"
"""The one key of the header's metadata."""

_BYTES_OF = {"F32": 4, "F16": 2, "BF16": 2}
_MAXIMUM_HEADER = 64 << 20


@dataclass(frozen=True)
class Header:
    """What a model file contains besides its weights."""

    architecture: Architecture
    vocabulary: Vocabulary
    training: dict[str, Any]
    """How the model was trained: options, step, losses."""
    dtype: str
    """`float32`, `float16` or `bfloat16`: how the weights are stored."""
    parameters: int
    """How many numbers are trained; tied weights count once."""


def read_header(path: Path) -> Header:
    """The header of a model file. Raises CheckpointError where it is missing, torn or of another program."""
    try:
        with open_model(path) as file:
            return parse_header(file, path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None


def parse_header(file: BinaryIO, path: Path) -> Header:
    """As `read_header`, of an open file; `path` is for the message."""
    try:
        tensors, metadata, data_bytes = _read_json(file)
        return _checked(tensors, metadata, data_bytes)
    except (CheckpointError, JsonError) as error:
        raise CheckpointError(f"{path} is not a model of rnnscope: {error}") from None


def expected_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor of such a network."""
    size, symbols, cell = architecture.hidden_size, architecture.vocabulary_size, CELLS[architecture.cell]
    shapes: dict[str, tuple[int, ...]] = {}
    if architecture.embedding_size:
        shapes["embedding.weight"] = (symbols, architecture.embedding_size)
    for number in range(1, architecture.layers + 1):
        layer = cell.shapes(architecture.input_size if number == 1 else size, size)
        shapes |= {f"layers.{number}.{name}": shape for name, shape in layer.items()}
    return shapes | {"readout.weight": (symbols, size), "readout.bias": (symbols,)}


def metadata_of(
    architecture: Architecture, vocabulary: Vocabulary, training: Mapping[str, object]
) -> dict[str, str]:
    """The metadata of a model file, as strings. Raises TypeError where `training` is not JSON."""
    described: dict[str, object] = {
        "format": FORMAT,
        "cell": architecture.cell,
        "input_size": architecture.input_size,
        "hidden_size": architecture.hidden_size,
        "layers": architecture.layers,
        "vocabulary": vocabulary.to_json(),
        "training": dict(training),
    }
    if architecture.activation != "tanh":
        described["activation"] = architecture.activation
    if architecture.tied:
        described["tied"] = True
    return {KEY: dump(described)}


def open_model(path: Path) -> BinaryIO:
    """The file, open for reading. Raises CheckpointError where it is not a regular file, and OSError."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a directory, not a model file")
    if not path.exists():
        raise CheckpointError(f"there is no file {path}")
    if not path.is_file():
        raise CheckpointError(f"{path} is not a regular file")  # opening a pipe would wait for its writer
    return path.open("rb")


def _read_json(file: BinaryIO) -> tuple[dict[str, Any], Any, int]:
    """The header's tensors, the metadata of rnnscope, and how many bytes of data follow."""
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length < 2:
        raise CheckpointError("it is not a safetensors file")
    if length > min(_MAXIMUM_HEADER, size - 8):
        raise CheckpointError("it is not a safetensors file, or it is cut short")
    tensors = decode(dict[str, Any], parse(file.read(length)), "its header")
    metadata = tensors.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        raise CheckpointError(f"its header has no {KEY!r} metadata; another program wrote it")
    return tensors, parse(metadata[KEY]), size - 8 - length


def _checked(tensors: dict[str, Any], described: Any, data_bytes: int) -> Header:
    if not isinstance(described, dict):
        raise CheckpointError("its metadata is not a JSON object")
    if described.get("format") != FORMAT:
        raise CheckpointError(
            f"its format is {shown(described.get('format'))}, and this version reads {FORMAT}"
        )
    vocabulary = Vocabulary.from_json(described.get("vocabulary"))
    architecture = _architecture(described, vocabulary, tensors)
    training = described.get("training", {})
    if not isinstance(training, dict):
        raise CheckpointError("its training record is not a JSON object")
    dtype, parameters = _check_tensors(tensors, architecture, data_bytes)
    return Header(architecture, vocabulary, training, dtype, parameters)


def _architecture(described: dict[str, Any], vocabulary: Vocabulary, tensors: dict[str, Any]) -> Architecture:
    cell: Any = described.get("cell")
    if cell not in tuple(CELLS):  # a tuple: a value from a file may not be hashable
        raise CheckpointError(f"its cell is {shown(cell)}, which is none of {', '.join(CELLS)}")
    activation: Activation = decode(Activation, described.get("activation", "tanh"), "its activation")  # type: ignore[arg-type]
    tied = decode(bool, described.get("tied", False), "its 'tied'")
    input_size = _size(described, "input_size")
    has_embedding = "embedding.weight" in tensors
    if not has_embedding and input_size != len(vocabulary):
        raise CheckpointError(
            f"its one-hot input is {shown(input_size)} wide, its vocabulary has {len(vocabulary)} symbols"
        )
    architecture = Architecture(
        cell=cell,
        vocabulary_size=len(vocabulary),
        hidden_size=_size(described, "hidden_size"),
        layers=_size(described, "layers"),
        embedding_size=input_size if has_embedding else 0,
        activation=activation,
        tied=tied,
    )
    if tied and architecture.embedding_size != architecture.hidden_size:
        raise CheckpointError("its read-out is tied to an embedding of another width")
    if architecture.layers > len(tensors):
        claimed = shown(architecture.layers)
        raise CheckpointError(f"it claims {claimed} layers and has {len(tensors)} tensors")
    return architecture


def _size(described: dict[str, Any], name: str) -> int:
    value = described.get(name)
    if type(value) is not int or value < 1:  # true is an int too, to Python
        raise CheckpointError(f"its {name} is {shown(value)}, not a positive whole number")
    return value


def _check_tensors(tensors: dict[str, Any], architecture: Architecture, data_bytes: int) -> tuple[str, int]:
    """The stored type, and how many parameters. Raises CheckpointError unless every tensor is right."""
    shapes = expected_shapes(architecture)
    for name in shapes:
        if name not in tensors:
            raise CheckpointError(f"it lacks the tensor {name}")
    for name in tensors:
        if name not in shapes:
            raise CheckpointError(f"it has a tensor {shown(name)} that no such network has")
    dtypes = set()
    end = 0
    for name, shape in shapes.items():
        entry = tensors[name]
        stored = entry.get("shape") if isinstance(entry, dict) else None
        if stored != list(shape):
            raise CheckpointError(
                f"its tensor {name} has the shape {shown(stored)}, not {shown(list(shape))}"
            )
        dtype = entry.get("dtype")
        if not isinstance(dtype, str) or dtype not in _BYTES_OF:
            raise CheckpointError(f"its tensor {name} has the type {shown(dtype)}, not F32, F16 or BF16")
        dtypes.add(dtype)
        end += math.prod(shape) * _BYTES_OF[dtype]
    if end != data_bytes:
        raise CheckpointError(
            f"it holds {data_bytes} bytes of weights where its tensors need {end}; it is cut short"
        )
    if len(dtypes) > 1:
        raise CheckpointError(f"its tensors are of several types: {', '.join(sorted(dtypes))}")
    counted = (
        math.prod(s) for name, s in shapes.items() if not (architecture.tied and name == "embedding.weight")
    )
    return {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtypes.pop()], sum(counted)
