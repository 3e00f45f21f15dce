"""`rnnscope corpus`: write a corpus to a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

import tyro

from rnnscope.commands.output import print_text
from rnnscope.corpora.named import CorpusName, corpus_pieces
from rnnscope.errors import OptionError
from rnnscope.text.display import counted

STANDARD_OUTPUT = "-"

EXAMPLES = (
    "rnnscope corpus archive -o archive.txt",
    "rnnscope corpus python --characters 1000000 | wc",
)


@dataclass(frozen=True)
class Options:
    """Write a corpus to a file: generated letters, plays, ledgers and code; Python's source; or Shakespeare.

    Other commands read the three by name, such as rnnscope train shakespeare.
    """

    name: Annotated[CorpusName, tyro.conf.Positional]
    """archive is generated, python is the source of the standard library, shakespeare is downloaded."""
    output: Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """The file to write; by default NAME.txt, or standard output when that is a pipe or a file."""
    characters: int | None = None
    """Characters to write; by default 1,500,000 of archive and all of the others."""
    seed: int | None = None
    """Random seed (archive only); default 1."""
    force: bool = False
    """Overwrite an existing file."""


def run(options: Options) -> int:
    if options.characters is not None and options.characters < 1:
        raise OptionError(f"--characters is {options.characters}, but must be at least 1")
    if options.seed is not None and options.name != "archive":
        raise OptionError(f"--seed is for archive; {options.name} has no seed")
    if options.seed is not None and options.seed < 0:
        raise OptionError(f"--seed is {options.seed}, but must be 0 or more")

    pieces = corpus_pieces(options.name, options.characters, options.seed)
    destination = options.output
    if destination is None:
        destination = f"{options.name}.txt" if sys.stdout.isatty() else STANDARD_OUTPUT
    if destination == STANDARD_OUTPUT:
        _write(pieces, sys.stdout.buffer)
        return 0
    path = Path(destination)
    if path.exists() and not options.force:
        raise OptionError(f"{path} already exists; choose another file with -o, or overwrite it with --force")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"there is no directory {path.parent} to write the text into")

    from rnnscope.files import write_atomically

    written: list[int] = []
    write_atomically(path, lambda file: written.append(_write(pieces, file)))
    print_text(f"{path}: {counted(written[0], 'character')}; next: rnnscope train {path}")
    return 0


def _write(pieces: Iterable[str], file: BinaryIO) -> int:
    characters = 0
    for piece in pieces:
        file.write(piece.encode("utf-8"))
        characters += len(piece)
    return characters
