"""The header of a checkpoint: architecture and metadata, read without torch and without the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rnnscope.network.architecture import Architecture
from rnnscope.network.cells import CELLS
from rnnscope.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Header:
    """The content of a checkpoint, except its weights."""

    architecture: Architecture
    vocabulary: Vocabulary
    training: dict[str, Any]
    """How the model was trained, such as options, step and losses; empty if it is not recorded."""
    dtype: str = "float32"
    """`float32`, `float16` or `bfloat16`: how the weights are stored."""

    @property
    def parameters(self) -> int:
        """The number of trained parameters; tied weights count once."""
        shapes = expected_shapes(self.architecture)
        if self.architecture.tied:
            del shapes["embedding.weight"]
        return sum(math.prod(shape) for shape in shapes.values())

    @property
    def document_separator(self) -> str | None:
        """The regular expression that separates the documents of a text; None for one document."""
        options = self.training.get("options")
        separator = options.get("document_separator") if isinstance(options, dict) else None
        return separator if isinstance(separator, str) else None


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
