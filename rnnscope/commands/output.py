"""Output of the commands.

All text is escaped, so that it cannot control the terminal, and JSON is valid for all numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.strict_json import dump
from rnnscope.text.display import safe


def print_text(text: str, *, end: str = "\n") -> None:
    """Print text; control characters except line breaks are shown as pictures. Raises OSError."""
    print(safe(text), end=end, flush=True)  # noqa: T201


def print_json(value: object) -> None:
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
            """Let the command line handle it; Rich would exit with 1."""
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
    """Context with a progress bar on standard error if it is a terminal; removed at the end."""
    if not sys.stderr.isatty():
        yield NO_PROGRESS
        return

    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(activity, total=1.0)
        yield Progress(lambda share: bars.update(task, completed=share))
