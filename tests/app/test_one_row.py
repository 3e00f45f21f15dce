"""What a reader types or pastes may have line breaks: a panel shows them, and keeps to its rows."""

from __future__ import annotations

from rich.segment import Segment
from textual.app import App, ComposeResult

from rnnscope.app.panels.panel import Panel


class _Asked(Panel):
    heading = "find"

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        return [Segment("a\nb\x1b[2J\u00a0é")]


async def test_a_line_break_does_not_leave_its_row() -> None:
    class Small(App[None]):
        def compose(self) -> ComposeResult:
            yield _Asked()

    app = Small()
    async with app.run_test(size=(40, 6)):
        panel = app.query_one(_Asked)
        lines = [panel.render_line(y) for y in range(6)]
    assert any("a↵b␛[2J\u00a0é" in line.text for line in lines)
    assert all("\n" not in line.text and "\x1b" not in line.text for line in lines)
