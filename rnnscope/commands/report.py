"""`rnnscope report`: one HTML page about a model and the run that trained it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.arguments import ModelName
from rnnscope.commands.output import print_text, progress_bar
from rnnscope.errors import OptionError

EXAMPLES = (
    "rnnscope report runs/NAME -o report.html",
    "rnnscope report archive-lstm archive -o report.html",
)


@dataclass(frozen=True)
class Options:
    """Write a report on a run as one HTML page: losses, samples, neurons, gates, errors, and the command."""

    model: ModelName
    text: Annotated[str, tyro.conf.Positional] = ""
    """The text for neurons, gates and errors: a file, archive, python or shakespeare; by default the model's
    validation text."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = Path("report.html")
    """The file to write."""


def run(options: Options) -> int:
    if options.output.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{options.output} is not an HTML file; give -o a name such as report.html")
    if not options.output.absolute().parent.is_dir():
        raise OptionError(
            f"the directory {options.output.parent} does not exist; create it, or choose another"
        )

    from rnnscope.export.report import report
    from rnnscope.files import write_atomically

    with progress_bar("writing the report") as progress:
        page = report(options.model, options.text or None, progress).encode()
    write_atomically(options.output, lambda file: file.write(page))
    print_text(f"{options.output}: {len(page) / 1e6:.1f} MB; open it in a browser")
    return 0
