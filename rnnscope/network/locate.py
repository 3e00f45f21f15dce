"""Locate a model, by its path, run or sample name, and the files kept for it."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from rnnscope.errors import CheckpointError, suggestion
from rnnscope.network.formats import is_foreign

SNAPSHOTS = "snapshots"
"""The directory of a run with the weights along the way."""
_OF_RUNS = ("best.safetensors", "last.safetensors")


def resolve_model(name: str) -> Path:
    """The checkpoint that `name` means: a file, or the directory that another program writes.

    A run stands for its best weights, and RUN@STEP for the snapshot of a step.

    Raises CheckpointError, listing the sample models, where there is none.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        for kept in _OF_RUNS:
            if (path / kept).is_file():
                return path / kept
        if is_foreign(path):
            return path
    samples = sample_models()
    if name in samples:
        return samples[name]
    if "@" in name:
        return _snapshot(*name.rsplit("@", 1))
    if path.is_dir():
        raise CheckpointError(
            f"{name or '.'} holds no best.safetensors or last.safetensors, "
            "and no checkpoint of another program"
        )
    raise CheckpointError(f"there is no model {name}, neither a file nor a run; {suggestion(name, samples)}")


def _snapshot(run: str, step: str) -> Path:
    """The snapshot of a run at a step. Raises CheckpointError, which names the nearest one."""
    directory = Path(run).expanduser() / SNAPSHOTS
    steps = sorted(int(path.stem) for path in directory.glob("*.safetensors") if path.stem.isdecimal())
    if not steps:
        raise CheckpointError(f"{run or '.'} has no snapshots; give a run directory before the @")
    number = step.replace(",", "")
    if not number.isdecimal():
        raise CheckpointError(f"{run}@{step}: give a step from {steps[0]:,} to {steps[-1]:,} after the @")
    if int(number) not in steps:
        nearest = min(steps, key=lambda each: abs(each - int(number)))
        raise CheckpointError(
            f"{run} has no snapshot of step {int(number):,}; the nearest is {run}@{nearest}"
        )
    return directory / f"{int(number)}.safetensors"


def model_name(path: Path) -> str:
    """The name of a checkpoint in titles: its file or directory, or the run that it is the best of.

    A snapshot is named RUN@STEP.
    """
    if path.parent.name == SNAPSHOTS:
        return f"{path.resolve().parents[1].name}@{path.stem}"
    if path.name in _OF_RUNS:
        return path.resolve().parent.name
    return path.name if path.is_dir() else path.stem


def sample_models() -> dict[str, Path]:
    """The sample models included in the package, by name."""
    return {path.stem: path for path in sorted(sample_model_directory().glob("*.safetensors"))}


def sample_model_directory() -> Path:
    """The directory of sample models: in an installed package, or next to the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "sample_models"
    return inside if inside.is_dir() else package.parent / "sample_models"


def sidecar(model: Path, suffix: str) -> Path:
    """The file for data about a model, such as `NAME.remarks.json`.

    It is next to the model. For a sample model, or a model in a directory that cannot be written, it is in
    the data directory of the user, which is created if needed.
    """
    name = model.name.removesuffix(".safetensors")
    is_shipped = model.resolve().parent == sample_model_directory().resolve()
    if not is_shipped and os.access(model.absolute().parent, os.W_OK):
        return model.with_name(name + suffix)
    directory = platformdirs.user_data_path("rnnscope") / "models"
    with suppress(OSError):  # writing the file will fail and be reported
        directory.mkdir(parents=True, exist_ok=True)
    if not is_shipped:
        name = f"{name}-{hashlib.sha256(os.fsencode(model.resolve())).hexdigest()[:12]}"
    return directory / (name + suffix)
