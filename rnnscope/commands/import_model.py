"""`rnnscope import`: convert a checkpoint of any readable format to a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.output import say
from rnnscope.errors import OptionError

EXAMPLES = (
    "rnnscope import models/charRNN/shakespeare -o shakespeare.safetensors",
    "rnnscope import runs/NAME -o notes.safetensors",
)


@dataclass(frozen=True)
class Options:
    """Convert another program's checkpoint to a model file of rnnscope.

    Other commands read such a checkpoint as it is; a model file is one file, and needs no conversion.
    Formats: ml5.js charRNN, a directory with manifest.json and vocab.json.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Another program's checkpoint, a model file, a run directory (its best), or a sample model."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE.safetensors")]
    """The file to write."""
    force: bool = False
    """Overwrite an existing file."""
    allow_nonfinite: bool = False
    """Load weights that are NaN or infinite, too."""


def run(options: Options) -> int:
    output = options.output
    if output.suffix != ".safetensors":
        raise OptionError(f"-o {output} should end in .safetensors, the format of models")
    if not output.absolute().parent.is_dir():
        raise OptionError(f"there is no directory {output.parent} to write the model into")
    if output.exists() and not options.force:
        raise OptionError(f"{output} exists; choose another file with -o, or overwrite it with --force")

    from rnnscope.network.formats import format_of, is_foreign, read_header
    from rnnscope.network.locate import resolve_model

    path = resolve_model(options.model)
    header, source = read_header(path), format_of(path).NAME

    from rnnscope.network.checkpoint import load_model, save_model

    model = load_model(path, allow_nonfinite=options.allow_nonfinite)
    origin = {"imported": {"format": source, "path": str(path.resolve())}} if is_foreign(path) else {}
    save_model(model, output, header.training | origin)

    shape = header.architecture
    input_ = f"embedding of {shape.embedding_size}" if shape.embedding_size else "one-hot input"
    say(
        f"{path}: {source}, {shape.title}, {input_}, {len(header.vocabulary)} symbols, "
        f"{header.parameters:,} parameters"
    )
    say(f"{output}: written; next: rnnscope inspect {output}")
    return 0
