"""`rnnscope trace`: every gate and state of every unit along a text, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.arguments import AllowNonfinite, ModelName, TextName
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError, TextError
from rnnscope.text.display import counted

EXAMPLES = (
    'echo "to be" | rnnscope trace archive-lstm - -o trace.npz',
    "rnnscope trace runs/NAME notes.txt -o trace.npz",
)


@dataclass(frozen=True)
class Options:
    """Record every gate and state of every unit along a text, with the predictions."""

    model: ModelName
    text: TextName
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE.npz")]
    """The file to write: text, ids, log_probabilities, and one array such as 1/forget for every quantity."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    if options.output.suffix != ".npz":
        raise OptionError(f"-o {options.output} must end in .npz, the NumPy format for several arrays")
    if not options.output.absolute().parent.is_dir():
        raise OptionError(f"there is no directory {options.output.parent} to write the trace into")

    import psutil

    from rnnscope.corpora.named import resolve_text
    from rnnscope.network.formats import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.corpus import load_ids
    from rnnscope.text.documents import document_note

    path = resolve_model(options.model)
    header = read_header(path)
    ids = load_ids(resolve_text(options.text), header.vocabulary)
    needed, free = len(ids) * header.architecture.traced_bytes, psutil.virtual_memory().available
    if needed > free:
        raise TextError(
            f"a trace of {len(ids):,} characters takes {needed / 2**30:.1f} GB and {free / 2**30:.1f} GB of "
            f"memory are free: give the first {int(len(ids) * free / needed / 2):,} characters or fewer"
        )

    from rnnscope.network.checkpoint import load_model
    from rnnscope.tracing.record import record

    trace = record(load_model(path, allow_nonfinite=options.allow_nonfinite), ids)
    trace.save(options.output)
    arrays = ", ".join(trace.activations)
    print_text(
        f"{options.output}: {counted(len(trace), 'character')}, {len(trace.symbols)} symbols; {arrays}"
    )
    if (note := document_note(header.document_separator)) is not None:
        print_text(note)
    return 0
