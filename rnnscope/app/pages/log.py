"""The message log as a full-screen page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment

from rnnscope.app.pages.page import Line, Writer, wrapped
from rnnscope.app.question import in_one_row
from rnnscope.text.display import safe
from rnnscope.theme.palette import Palette

if TYPE_CHECKING:
    from rnnscope.app.frame.banner import Notice

_TIME_WIDTH = 9


def log_writer(notices: Sequence[Notice]) -> Writer:
    """Writes the notices, newest first."""

    def write(palette: Palette, width: int) -> list[Line]:
        ink = palette.ink
        lines: list[Line] = [
            [],
            [Segment("  messages", ink("strong", bold=True)), Segment("  newest first   ", ink("dim"))],
        ]
        lines[-1] += [Segment("Esc", ink("strong", bold=True)), Segment(" back", ink("mute"))]
        lines.append([])
        for notice in reversed(notices):
            token = "error" if notice.severity == "warning" else "text"
            mark = "! " if notice.severity == "warning" else ""
            first, *more = wrapped(mark + safe(in_one_row(notice.message)), width - _TIME_WIDTH - 4)
            lines.append(
                [Segment(f"  {notice.when:<{_TIME_WIDTH}}", ink("mute")), Segment(first, ink(token))]
            )
            lines.extend([Segment(" " * (_TIME_WIDTH + 2) + rest, ink(token))] for rest in more)
        if not notices:
            lines.append([Segment("  no messages yet", ink("dim"))])
        return lines

    return write
