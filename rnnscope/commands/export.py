"""`rnnscope export`: write a text colored by one neuron to a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.arguments import AllowNonfinite, ModelName, TextName
from rnnscope.commands.output import print_text, progress_bar
from rnnscope.errors import OptionError

_LENGTH_OF_PICTURES = 20_000
"""Default length of HTML and SVG."""

EXAMPLES = (
    "rnnscope export archive-lstm archive --unit 1/31 --length 3000 -o page.html",
    "rnnscope export runs/NAME notes.txt --quantity surprise -o surprise.csv",
)


@dataclass(frozen=True)
class Options:
    """Write a text colored by one neuron: as HTML, as SVG, or as numbers.

    The model reads the text from its beginning. Unknown characters are read as <unk>, or as a space.
    """

    model: ModelName
    text: TextName
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """The file to write: .html, .svg, or numbers as .json, .csv or .npz. Colors and `values` show the cell
    state through the activation, tanh(c) or softsign(c); numbers also hold the recorded state as `cell`, and
    `cell_squashed`, which equals `values`. The same holds for `factor`."""
    unit: str = ""
    """The neuron as LAYER/UNIT, such as 1/37; layers count from 1, units from 0."""
    quantity: str = ""
    """cell, hidden, a gate, …; by default cell, or hidden where there is no cell state. surprise: surprisal
    per character (no neuron needed)."""
    start: int = 0
    """Position of the first character to write, from 0."""
    length: int | None = None
    """Number of characters; by default all, or 20,000 in HTML and SVG."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    from rnnscope.export.subject import Subject
    from rnnscope.export.write import PICTURES, check_destination

    check_destination(options.output)
    if options.start < 0:
        raise OptionError(f"--start is {options.start}, but must be 0 or more")
    if options.length is not None and options.length < 1:
        raise OptionError(f"--length is {options.length}, but must be at least 1")

    # Arguments are checked before torch is imported.
    from rnnscope.corpora.named import resolve_text
    from rnnscope.network.formats import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.display import counted, label
    from rnnscope.text.documents import document_note
    from rnnscope.text.long import LongText

    path = resolve_model(options.model)
    header = read_header(path)
    Subject.of(options.unit, options.quantity, header.architecture)
    text = LongText.open(resolve_text(options.text), header.vocabulary.kind)
    total = text.count()
    if options.start >= total:
        raise OptionError(f"--start is {options.start:,}, but {text.name} has {counted(total, 'character')}")
    length = options.length
    if length is None and options.output.suffix.lower() in PICTURES:
        length = _LENGTH_OF_PICTURES
    stop = total if length is None else min(total, options.start + length)

    import numpy as np

    import rnnscope

    model = rnnscope.load(path, allow_nonfinite=options.allow_nonfinite)
    session = rnnscope.Session(model, text, name=text.name)
    with progress_bar("reading") as progress:
        colored = rnnscope.color(
            session,
            options.unit,
            options.quantity,
            start=options.start,
            length=length,
            facts=(*model.facts, f"{text.name}, characters {options.start:,} to {stop:,}"),
            progress=progress,
        )
    colored.save(options.output)
    print_text(f"{options.output}: {counted(len(colored), 'character')} colored by {colored.subject}")
    if options.length is None and stop < total:
        print_text(
            f"{counted(total - stop, 'character')} not written; choose others with --start and --length"
        )
    for note in text.notes:
        print_text(note)
    if (note_on_documents := document_note(session.reader.document_separator)) is not None:
        print_text(note_on_documents)
    known = np.array([ord(symbol) for symbol in model.vocabulary.symbols])
    unknown = int(np.isin(colored.code_points, known, invert=True).sum())
    if unknown:
        stand_in = label(session.reader.stand_in)
        print_text(
            f"{counted(unknown, 'character')} not in the vocabulary; shown as typed, read as {stand_in}"
        )
    return 0
