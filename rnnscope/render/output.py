"""A report outside the app: printed on a terminal, or as HTML."""

from __future__ import annotations

import io

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from rnnscope.render.report import Ink, Report
from rnnscope.theme.palette import Palette, palette

_HTML_COLUMNS = 100
_MOST_COLUMNS = 120


def print_report(report: Report, console: Console | None = None) -> None:
    """Print a report on standard output, in the terminal's own colors and background."""
    console = Console() if console is None else console
    plain = console.no_color or not console.is_terminal
    _print(report, console, palette("dark", "none" if plain else "16"))


def report_html(report: Report) -> str:
    """A self-contained fragment, without style sheets and scripts."""
    console = Console(record=True, width=_HTML_COLUMNS, file=io.StringIO(), color_system="truecolor")
    _print(report, console, palette("light", "truecolor"))
    return console.export_html(inline_styles=True, code_format='<pre class="rnnscope">{code}</pre>')


def _print(report: Report, console: Console, colors: Palette) -> None:
    width = min(console.width, _MOST_COLUMNS)
    ink = _on_ground(colors)
    heading = [Segment(report.subject, ink("strong", bold=True))] if report.subject else []
    if report.legend:
        heading.append(Segment(f"{'   ' if heading else ''}{report.legend}", ink("dim")))
    rows = [heading] if heading else []
    rows += [list(line.draw(colors, ink, width)) for line in report.lines]
    blank = 0
    for row in rows:
        blank = 0 if any(segment.text.strip() for segment in row) else blank + 1
        if blank > 2:
            continue  # empty rows at this width
        console.print(Segments([*row, Segment.line()]), end="")


def _on_ground(colors: Palette) -> Ink:
    """Inks without the panel's background, since terminals and pages have their own."""

    def ink(token: str, *, bold: bool = False) -> Style:
        style = colors.ink(token, bold=bold)
        return Style(color=style.color, bold=style.bold, underline=style.underline)

    return ink
