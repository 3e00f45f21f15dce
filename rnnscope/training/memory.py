"""An estimate of the memory that a training run needs, before any of it is allocated."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from rnnscope.errors import DeviceError, is_out_of_memory, notes_of
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.cells import CELLS
from rnnscope.training.options import OptimizerName, TrainOptions
from rnnscope.training.streams import fitted

_FLOAT = 4
_MOMENTS: dict[OptimizerName, int] = {"adamw": 2, "adam": 2, "rmsprop": 1, "adagrad": 1, "sgd": 1}
"""Moments per parameter, by optimizer."""
_REDUCIBLE = ("hidden_size", "layers", "embedding_size", "batch_size", "sequence_length")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def require_memory(
    options: TrainOptions, vocabulary_size: int, characters: int, available_bytes: int
) -> None:
    """Raise DeviceError if the estimated memory exceeds what is available; it names the option to reduce.

    characters: the length of the training text, which limits sequences and streams.
    """
    needed = needed_bytes(options, vocabulary_size, characters)
    if needed <= available_bytes:
        return
    default = TrainOptions()
    smaller = {
        name: needed_bytes(
            replace(options, tied=False, **{name: getattr(default, name)}), vocabulary_size, characters
        )
        for name in _REDUCIBLE
        if getattr(options, name) > getattr(default, name)
    }
    name = min(smaller, key=smaller.__getitem__, default="hidden_size")
    raise DeviceError(
        f"this training needs about {_gigabytes(needed)} of memory and {_gigabytes(available_bytes)} are "
        f"free; reduce --{name.replace('_', '-')} (it is {getattr(options, name):,})"
    )


def _matrices(cell: CellName) -> int:
    """The number of H-row blocks in the matrices of a step."""
    shapes = CELLS[cell].shapes(1, 1)
    return sum(shapes[name][0] for name in CELLS[cell].recurrent if name.startswith("weight"))


def needed_bytes(options: TrainOptions, vocabulary_size: int, characters: int) -> int:
    """The memory for weights, moments, copies of both, and the activations of one step, within a tenth.

    The divergence guard keeps two older copies of weights and moments. The activations are a fit to the
    resident memory of one step: with G matrices of H rows, H · (1.7 G + 0.9) numbers per layer and character,
    the same once more for the layer being back-propagated, and four times the logits.
    """
    sequence_length, batch_size = fitted(characters, options.sequence_length, options.batch_size)
    hidden, matrices = options.hidden_size, _matrices(options.cell)
    copies = 3 * (1 + _MOMENTS[options.optimizer]) + 1
    per_character = (options.layers + 1) * hidden * (17 * matrices + 9) // 10 + 4 * vocabulary_size
    if options.precision == "bfloat16":
        per_character //= 2
    return _FLOAT * (
        copies * _parameters(options, vocabulary_size) + per_character * sequence_length * batch_size
    )


def available_bytes(device: torch.device) -> int:
    """The free memory of the device, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    process = psutil.Process().memory_info()
    available = [psutil.virtual_memory().available]
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        available.append(limit - process.vms)
    with suppress(OSError, ValueError):  # without a limit the file is missing or contains "max"
        available.append(int(_CGROUP_LIMIT.read_text()) - process.rss)
    return int(max(0, min(available)))


@contextmanager
def out_of_memory_explained(advice: str) -> Iterator[None]:
    """Context that turns a failed allocation, on a CPU or a GPU, into a DeviceError with `advice`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(f"out of memory; {advice}{notes_of(error)}") from error


def _parameters(options: TrainOptions, vocabulary_size: int) -> int:
    architecture = Architecture(embedding_size=options.embedding_size, vocabulary_size=vocabulary_size)
    hidden, matrices = options.hidden_size, _matrices(options.cell)
    first = matrices * hidden * (architecture.input_size + hidden + 2)
    other = matrices * hidden * (2 * hidden + 2)
    embedding = vocabulary_size * options.embedding_size
    readout = 0 if options.tied else vocabulary_size * hidden
    return first + (options.layers - 1) * other + embedding + readout


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
