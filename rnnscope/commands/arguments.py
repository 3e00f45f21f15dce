"""The arguments that several commands have, with their help."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import tyro

ModelName: TypeAlias = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        help="A model file, a run directory (its best weights), a sample model, or a checkpoint of "
        "another program."
    ),
]
TextName: TypeAlias = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(help="The text: a file, archive, python or shakespeare, or - for standard input."),
]
AsJson: TypeAlias = Annotated[bool, tyro.conf.arg(help="Print one JSON object.")]
AllowNonfinite: TypeAlias = Annotated[bool, tyro.conf.arg(help="Load weights that are NaN or infinite, too.")]
