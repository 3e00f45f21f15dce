"""The table of contents of the course: a line for each chapter, one of them chosen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rnnscope.app.learn.canvas import Canvas
from rnnscope.app.learn.chapter import Chapter, ChapterClass, Host, Step

_NAME_WIDTH = 10


class Contents(Chapter[int]):
    """Its state is the number of the chosen chapter, from 1."""

    name = "learn"
    title = "recurrent networks, in short chapters"
    summary = ""
    steps = (
        Step(
            "Contents",
            "Every number on the screen is computed as you look, and can be changed. Enter goes one step "
            "forward, Backspace one step back, Esc returns to this page.",
        ),
    )
    keys: ClassVar = {"forward": "open", "raise": "choose", "lower": "choose"}

    def __init__(self, host: Host, chapters: Sequence[ChapterClass]) -> None:
        super().__init__(host, 1)
        self._chapters = chapters

    def point_at(self, number: int) -> None:
        """Choose a chapter."""
        self.state = number

    def change(self, by: int) -> None:
        self.state = (self.state - 1 - by) % len(self._chapters) + 1

    def click(self, target: Hashable) -> None:
        if isinstance(target, int):
            self.state = target

    def draw(self, canvas: Canvas) -> None:
        ink = canvas.palette.ink
        count = len(self._chapters)
        stride = max(1, min(3, canvas.height // count))
        for number, chapter in enumerate(self._chapters, 1):
            y = (number - 1) * stride + (canvas.height > count * stride)
            on = "select" if number == self.state else "panel"
            for x in range(canvas.width):
                canvas.put(x, y, " ", ink("text", on=on))
            if number == self.state:
                canvas.put(0, y, "▸", ink("azure", bold=True, on=on))
            canvas.put(2, y, f"{number}", ink("strong", bold=True, on=on))
            canvas.put(5, y, chapter.name, ink("strong", bold=True, on=on))
            canvas.put(5 + _NAME_WIDTH, y, chapter.summary, ink("text", on=on))
            canvas.link(0, y, canvas.width, number)
