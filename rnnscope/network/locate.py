"""Where a model is: a path, a run directory's best, or one of the shipped sample models by its name."""

from __future__ import annotations

from pathlib import Path

from rnnscope.errors import CheckpointError


def resolve_model(name: str) -> Path:
    """The file that `name` means. Raises CheckpointError, listing the sample models, where there is none."""
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        for kept in ("best.safetensors", "last.safetensors"):
            if (path / kept).is_file():
                return path / kept
    samples = sample_models()
    if name in samples:
        return samples[name]
    shipped = ", ".join(samples) or "none"
    if path.is_dir():
        raise CheckpointError(f"{name} holds no best.safetensors or last.safetensors; is it a run directory?")
    raise CheckpointError(f"there is no model {name}: no such file or run, nor a sample model ({shipped})")


def sample_models() -> dict[str, Path]:
    """The models that are shipped, by name."""
    return {path.stem: path for path in sorted(sample_model_directory().glob("*.safetensors"))}


def sample_model_directory() -> Path:
    """Where they are: inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "sample_models"
    return inside if inside.is_dir() else package.parent / "sample_models"
