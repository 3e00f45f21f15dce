"""A model in one `.safetensors` file: the weights, and a header that describes them.

Tensors have the names and shapes of `header.expected_shapes`; the metadata's one key, `rnnscope`, is JSON.
Files are written whole or not at all; all that is read is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from rnnscope.errors import CheckpointError
from rnnscope.files import write_atomically
from rnnscope.network.header import (
    Header,
    expected_shapes,
    metadata_of,
    open_model,
    parse_header,
)
from rnnscope.network.model import CharRNN


def save_model(model: CharRNN, path: Path, training: Mapping[str, object], *, half: bool = False) -> None:
    """Write the weights in float32, or in float16, with `training` in the header. Raises OSError."""
    content = model_bytes(model, training, half=half)
    write_atomically(path, lambda file: file.write(content))


def model_bytes(model: CharRNN, training: Mapping[str, object], *, half: bool = False) -> bytes:
    """The content of the file that `save_model` writes."""
    dtype = torch.float16 if half else torch.float32
    largest = torch.finfo(dtype).max  # what is larger is kept as the largest, not as infinity
    tensors = {
        # A copy even where nothing changes: safetensors refuses a tied weight's memory twice.
        name: tensor.detach().to("cpu", torch.float32).clamp(-largest, largest).to(dtype)
        for name, tensor in model.tensors().items()
    }
    return safetensors.torch.save(tensors, metadata_of(model.architecture, model.vocabulary, training))


def load_model(path: Path, device: str = "cpu", *, allow_nonfinite: bool = False) -> CharRNN:
    """The model in a file, in float32 and ready to evaluate.

    allow_nonfinite: accept weights that are NaN or infinite, as training that diverged leaves them. Raises
    CheckpointError.
    """
    header, stored = _read(path)
    if not allow_nonfinite:
        _require_finite(stored, path)
    # A generator of its own, so that loading leaves the program's random numbers as they were.
    model = CharRNN(header.architecture, header.vocabulary, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name, tensor in model.tensors().items():
            tensor.copy_(stored[name])
    return model.to(device).eval()


def _read(path: Path) -> tuple[Header, dict[str, Tensor]]:
    try:
        # Opened once: the name may be given to a newer file at any moment.
        with open_model(path) as file:
            header = parse_header(file, path)
            file.seek(0)
            stored = safetensors.torch.load(file.read())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except SafetensorError as error:
        raise CheckpointError(f"{path} is torn or not a safetensors file: {str(error)[:100]}") from None
    shapes = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    if shapes != expected_shapes(header.architecture):
        raise CheckpointError(f"{path} says one thing of its tensors twice and differently")
    if header.architecture.tied and not _same(stored["embedding.weight"], stored["readout.weight"]):
        raise CheckpointError(f"{path} says its read-out is tied, but it differs from the embedding")
    return header, stored


def _require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{path} has weights that are NaN or infinite, in {name}: its training diverged; use an "
                "earlier snapshot, or --allow-nonfinite to look at it as it is"
            )


def _same(left: Tensor, right: Tensor) -> bool:
    """Whether all bits are equal, so that a diverged network's NaN equals itself."""
    return torch.equal(left.view(torch.uint8), right.view(torch.uint8))
