"""`rnnscope export`: write a text colored by one neuron to a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from rnnscope.commands.output import say
from rnnscope.errors import OptionError

if TYPE_CHECKING:
    from rnnscope.export.colored import ColoredText, Facts
    from rnnscope.export.subject import Subject
    from rnnscope.tracing.reader import Page, TextReader

_IN_A_PICTURE = 20_000
_AT_ONCE = 4096


@dataclass(frozen=True)
class Options:
    """Write a text colored by one neuron: as HTML, as SVG, or as numbers.

    The model reads the text from its beginning. Unknown characters are read as <unk>, or as a space.
    """

    model: Annotated[str, tyro.conf.Positional]
    """A model file, a run directory (its best), or the name of a sample model."""
    text: Annotated[str, tyro.conf.Positional]
    """The text: a file of any size, or - for standard input."""
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
    allow_nonfinite: bool = False
    """Load weights that are NaN or infinite, too."""


def run(options: Options) -> int:
    from rnnscope.export.subject import Subject, model_facts
    from rnnscope.export.write import PICTURES, check_destination, write

    check_destination(options.output)
    if options.start < 0:
        raise OptionError(f"--start is {options.start}, but must be 0 or more")
    if options.length is not None and options.length < 1:
        raise OptionError(f"--length is {options.length}, but must be at least 1")

    from rnnscope.network.header import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.display import label
    from rnnscope.text.long import LongText

    path = resolve_model(options.model)
    header = read_header(path)
    subject = Subject.of(options.unit, options.quantity, header.architecture)
    text = LongText.open(
        options.text, header.vocabulary.kind
    )  # before torch: an unreadable text is an error at once
    length = text.count()
    if options.start >= length:
        raise OptionError(f"--start is {options.start:,}, but {text.name} has {length:,} characters")
    wanted = options.length
    if wanted is None and options.output.suffix.lower() in PICTURES:
        wanted = _IN_A_PICTURE
    stop = length if wanted is None else min(length, options.start + wanted)

    from rnnscope.network.checkpoint import load_model
    from rnnscope.tracing.reader import TextReader

    reader = TextReader(load_model(path, allow_nonfinite=options.allow_nonfinite), text)
    facts = (*model_facts(path, header), f"{text.name}, characters {options.start:,} to {stop:,}")
    found, unknown = _colored(reader, subject, options.start, stop, facts)
    write(found, options.output)
    say(f"{options.output}: {_counted(len(found))} colored by {found.subject}")
    if options.length is None and stop < length:
        say(f"{_counted(length - stop)} not written; choose others with --start and --length")
    for note in text.notes:
        say(note)
    if unknown:
        say(f"{_counted(unknown)} not in the vocabulary; shown as typed, read as {label(reader.stand_in)}")
    return 0


def _counted(characters: int) -> str:
    return f"{characters:,} character{'' if characters == 1 else 's'}"


def _colored(
    reader: TextReader, subject: Subject, start: int, stop: int, facts: Facts
) -> tuple[ColoredText, int]:
    """The characters start .. stop−1, and how many of them the vocabulary lacks."""
    from rnnscope.export.colored import ColoredText

    parts, spellings, unknown = [], [], 0
    for page, repeated in _pages(reader, start, stop):
        parts.append(ColoredText.of(subject.selection(page.trace), start=page.start, facts=facts)[repeated:])
        spellings.append(page.text[repeated:])
        unknown += sum(index >= repeated for index in page.unknown.tolist())
    whole = ColoredText.joined(parts)
    return (whole.with_text("".join(spellings)) if unknown else whole), unknown


def _pages(reader: TextReader, start: int, stop: int) -> Iterator[tuple[Page, int]]:
    """Consecutive pages, each with the number of characters that it repeats of the page before.

    A page repeats the last character of the page before: its prediction gives the surprise of the next.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=stop)
        for at in range(start, stop, _AT_ONCE):
            first = max(0, at - 1)
            page = reader.page(first, min(stop, at + _AT_ONCE))
            yield page, at - first
            progress.update(task, completed=page.stop)
