"""The format of rnnscope: one safetensors file, whose header says what the network is.

    8 bytes: the length of the JSON │ {"__metadata__": {"rnnscope": "…"}, NAME: {dtype, shape, …}, …} │ data

Tensors have the names and shapes of `header.expected_shapes`; the metadata's one key, `rnnscope`, is JSON.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rnnscope.errors import CheckpointError, OptionError
from rnnscope.network.architecture import Activation, Architecture
from rnnscope.network.cells import CELLS
from rnnscope.network.header import Header, expected_shapes
from rnnscope.strict_json import decode, dump, parse, shown
from rnnscope.text.patterns import Expression
from rnnscope.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

NAME = "rnnscope"
FORMAT = 1
KEY = "rnnscope"
"""The one key of the header's metadata."""

_BYTES_OF = {"F32": 4, "F16": 2, "BF16": 2}
_MAXIMUM_HEADER = 64 << 20


def matches(path: Path) -> bool:
    return path.is_file()


def files(path: Path) -> tuple[Path, ...]:
    return (path,)


def read_header(path: Path) -> Header:
    with _open(path) as file:
        return _parse_header(file)


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    import safetensors.torch
    from safetensors import SafetensorError

    with _open(path) as file:  # once: the name may be given to a newer file at any moment
        header = _parse_header(file)
        file.seek(0)
        try:
            return header, safetensors.torch.load(file.read())
        except SafetensorError as error:
            raise CheckpointError(f"it is torn or not a safetensors file: {str(error)[:100]}") from None


def _parse_header(file: BinaryIO) -> Header:
    tensors, metadata, data_bytes = _read_json(file)
    return _checked(tensors, metadata, data_bytes)


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


def _open(path: Path) -> BinaryIO:
    if path.is_dir():
        raise CheckpointError("it is a directory, not a file")
    if path.exists() and not path.is_file():
        raise CheckpointError("it is not a regular file")  # opening a pipe would wait for its writer
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
    dtype = _check_tensors(tensors, architecture, data_bytes)
    header = Header(architecture, vocabulary, training, dtype)
    if header.document_separator is not None:
        try:
            Expression(header.document_separator)
        except OptionError as error:
            raise CheckpointError(f"its document separator is invalid: {error}") from None
    return header


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


def _check_tensors(tensors: dict[str, Any], architecture: Architecture, data_bytes: int) -> str:
    """The stored type. Raises CheckpointError unless every tensor is right."""
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
    return {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtypes.pop()]
