"""The message log as a full-screen page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment

from rnnscope.app.pages.page import Line, Writer, has_words, title_keys, wrapped
from rnnscope.app.question import in_one_row
from rnnscope.text.display import safe
from rnnscope.theme.palette import Palette

if TYPE_CHECKING:
    from rnnscope.app.frame.banner import Notice

_TIME_WIDTH = 9


def log_writer(notices: Sequence[Notice]) -> Writer:
    """Writes the notices, newest first."""

    def write(palette: Palette, width: int, words: str) -> list[Line]:
        ink = palette.ink
        title = [Segment("  messages", ink("strong", bold=True)), Segment("  newest first", ink("dim"))]
        lines: list[Line] = [[], [*title, *title_keys(palette)], []]
        found = [notice for notice in reversed(notices) if has_words(notice.message, words)]
        for notice in found:
            token = "error" if notice.severity == "warning" else "text"
            mark = "! " if notice.severity == "warning" else ""
            first, *more = wrapped(mark + safe(in_one_row(notice.message)), width - _TIME_WIDTH - 4)
            lines.append(
                [Segment(f"  {notice.when:<{_TIME_WIDTH}}", ink("mute")), Segment(first, ink(token))]
            )
            lines.extend([Segment(" " * (_TIME_WIDTH + 2) + rest, ink(token))] for rest in more)
        if not found:
            lines.append(
                [Segment("  no message has these words" if words else "  no messages yet", ink("dim"))]
            )
        return lines

    return write
