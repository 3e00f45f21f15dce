"""Tables of names and values, for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnscope.text.display import safe


def print_table(rows: Mapping[str, str]) -> None:
    """Print names beside values on standard output; nothing in a value can act on the terminal."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(safe(name)), Text(safe(value)))
    Console().print(table)
