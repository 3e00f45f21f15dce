"""What a search found, as Rich shows it: in a terminal, or in a notebook."""

from __future__ import annotations

import io

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from rnnscope.analysis.findings import Finding, Findings
from rnnscope.text.display import safe

_COLUMNS = 100


def shown(findings: Findings) -> Group:
    """The best neurons as a table, what stands beside them, and a word for it."""
    is_boolean = findings.positives is not None
    shows_precision = any(found.average_precision is not None for found in findings.results)
    table = Table(box=None, pad_edge=False)
    for heading in ("neuron", "quantity", "AUC" if is_boolean else "Spearman", "held out", "direction"):
        table.add_column(
            heading, justify="left" if heading in ("neuron", "quantity", "direction") else "right"
        )
    if shows_precision:
        table.add_column("precision", justify="right")
    for found in findings.results:
        table.add_row(*_row(found, is_boolean, shows_precision))
    share = "" if findings.positives is None else f", on at {findings.positives:,}"
    probe = findings.probe
    return Group(
        Text(f"{safe(findings.feature)}: {findings.positions:,} positions{share}"),
        table,
        Text(
            f"by chance a neuron reaches {findings.null:.3f}; a linear probe of all, held out, "
            f"{probe.held_out:.3f} with {probe.units_used:,} neurons"
        ),
        Text(findings.verdict, style="bold"),
    )


def as_html(findings: Findings) -> str:
    """A fragment that stands alone: no style sheet, no script."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(shown(findings))
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def _row(found: Finding, is_boolean: bool, shows_precision: bool) -> list[str]:
    high, low = ("high when on", "low when on") if is_boolean else ("rises with it", "falls with it")
    row = [
        f"{found.layer}/{found.unit}",
        found.quantity,
        f"{found.score:.3f}",
        f"{found.held_out:.3f}",
        high if found.direction > 0 else low,
    ]
    if shows_precision:
        row.append("" if found.average_precision is None else f"{found.average_precision:.3f}")
    return row
