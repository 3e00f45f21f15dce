"""Tables of names and values."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from rnnscope.commands.output import say_styled


def print_table(rows: Mapping[str, str]) -> None:
    """Print two columns on standard output, names and values."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    say_styled(table)
