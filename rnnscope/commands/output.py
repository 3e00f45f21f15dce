"""Output of the commands: the one place where they print.

Text of a file, a name or an argument cannot act on the terminal, and JSON is valid for all numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.strict_json import dump
from rnnscope.text.display import safe


def say(text: str, *, end: str = "\n") -> None:
    """Print text, with a picture for each control character but the line break. Raises OSError."""
    print(safe(text), end=end, flush=True)  # noqa: T201


def say_json(value: object) -> None:
    """Print one JSON object on a line, in ASCII. Raises OSError."""
    print(dump(value))  # noqa: T201


def print_table(rows: Mapping[str, str]) -> None:
    """Print two columns, names and values. Raises OSError."""
    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.table import Table
    from rich.text import Text

    class BrokenPipeConsole(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command line, which ends as other programs do; Rich would exit with 1."""
            raise BrokenPipeError

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    console = BrokenPipeConsole()
    clean = [Segment(safe(text), style) for text, style, _ in console.render(table)]
    console.print(Segments(clean), end="")


@contextmanager
def progress_bar(activity: str) -> Iterator[Progress]:
    """A progress bar where standard error is a terminal; it is removed at the end."""
    if not sys.stderr.isatty():
        yield NO_PROGRESS
        return

    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(activity, total=1.0)
        yield Progress(lambda share: bars.update(task, completed=share))
