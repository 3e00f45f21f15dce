"""`rnnscope import`: convert a checkpoint of any readable format to a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.arguments import AllowNonfinite
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError
from rnnscope.network.formats import FOREIGN, format_of, is_foreign, read_header
from rnnscope.network.locate import resolve_model

EXAMPLES = (
    "rnnscope import models/charRNN/shakespeare -o shakespeare.safetensors",
    "rnnscope import runs/NAME -o notes.safetensors",
)

_MODEL = (
    f"A checkpoint of {' or '.join(each.NAME for each in FOREIGN)}, a model file, a run directory (its "
    "best), or a sample model."
)


@dataclass(frozen=True)
class Options:
    """Convert another program's checkpoint to a model file of rnnscope.

    Other commands also read such a checkpoint as it is.
    """

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(help=_MODEL)]
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE.safetensors")]
    """The file to write."""
    force: bool = False
    """Overwrite an existing file."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    output = options.output
    if output.suffix != ".safetensors":
        raise OptionError(f"-o {output} should end in .safetensors, the format of models")
    if not output.absolute().parent.is_dir():
        raise OptionError(f"there is no directory {output.parent} to write the model into")
    if output.exists() and not options.force:
        raise OptionError(f"{output} exists; choose another file with -o, or overwrite it with --force")

    path = resolve_model(options.model)
    header, source = read_header(path), format_of(path).NAME

    from rnnscope.network.checkpoint import load_model, save_model

    model = load_model(path, allow_nonfinite=options.allow_nonfinite)
    origin = {"imported": {"format": source, "path": str(path.resolve())}} if is_foreign(path) else {}
    save_model(model, output, header.training | origin)

    shape = header.architecture
    input_ = f"embedding of {shape.embedding_size}" if shape.embedding_size else "one-hot input"
    print_text(
        f"{path}: {source}, {shape.title}, {input_}, {len(header.vocabulary)} symbols, "
        f"{header.parameters:,} parameters"
    )
    print_text(f"{output}: written; next: rnnscope inspect {output}")
    return 0
