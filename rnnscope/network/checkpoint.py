"""Load a model from a checkpoint of any format of `formats`; save it as a `.safetensors` file.

Files are written atomically.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from rnnscope.errors import CheckpointError
from rnnscope.files import write_atomically
from rnnscope.network.formats import read_weights
from rnnscope.network.formats.native import metadata_of
from rnnscope.network.header import expected_shapes
from rnnscope.network.model import CharRNN


def save_model(model: CharRNN, path: Path, training: Mapping[str, object], *, half: bool = False) -> None:
    """Write the weights in float32, or in float16, with `training` in the header. Raises OSError."""
    content = model_bytes(model, training, half=half)
    write_atomically(path, lambda file: file.write(content))


def model_bytes(model: CharRNN, training: Mapping[str, object], *, half: bool = False) -> bytes:
    """The content of the file that `save_model` writes."""
    dtype = torch.float16 if half else torch.float32
    largest = torch.finfo(dtype).max  # larger weights are clamped, rather than becoming infinite
    tensors = {
        # Always a copy: safetensors rejects tensors that share memory, as tied weights do.
        name: tensor.detach().to("cpu", torch.float32).clamp(-largest, largest).to(dtype)
        for name, tensor in model.tensors().items()
    }
    return safetensors.torch.save(tensors, metadata_of(model.architecture, model.vocabulary, training))


def load_model(path: Path, device: str = "cpu", *, allow_nonfinite: bool = False) -> CharRNN:
    """The model in a checkpoint, in float32 and ready to evaluate.

    allow_nonfinite: accept weights that are NaN or infinite, from training that diverged. Raises
    CheckpointError.
    """
    header, stored = read_weights(path)
    if {name: tuple(tensor.shape) for name, tensor in stored.items()} != expected_shapes(header.architecture):
        raise CheckpointError(f"{path}: the shapes of its weights are not those that its header gives")
    if header.architecture.tied and not _same(stored["embedding.weight"], stored["readout.weight"]):
        raise CheckpointError(f"{path}: its read-out is tied, but differs from the embedding")
    if not allow_nonfinite:
        _require_finite(stored, path)
    # A separate generator, so that loading leaves the program's random numbers as they were.
    model = CharRNN(
        header.architecture,
        header.vocabulary,
        generator=torch.Generator().manual_seed(0),
        document_separator=header.document_separator,
    )
    with torch.no_grad():
        for name, tensor in model.tensors().items():
            tensor.copy_(stored[name])
    return model.to(device).eval()


def _require_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{path} has weights that are NaN or infinite, in {name}: its training diverged; use an "
                "earlier snapshot, or --allow-nonfinite, which sample, trace, analyze and inspect have"
            )


def _same(left: Tensor, right: Tensor) -> bool:
    """Return True if all bits are equal, so that NaN equals NaN."""
    return torch.equal(left.view(torch.uint8), right.view(torch.uint8))
