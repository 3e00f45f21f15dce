"""The two panels of the learn screen: the text of a step, and the figure of its chapter."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from textual import events

from rnnscope.app.learn.canvas import Canvas, Look
from rnnscope.app.learn.course import Course
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.theme.palette import Palette


class Lesson(Panel):
    """A sentence or two, and the question or its answer."""

    def __init__(self, course: Course, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.can_focus = False
        self._course = course
        self.heading = course.step.heading

    def show_course(self) -> None:
        """Show the step of the course."""
        self.heading = self._course.step.heading
        self.redraw()

    def legend(self) -> list[Segment]:
        hint = "Enter shows the answer" if self._course.hides_answer else ""
        return [Segment(hint, self.palette.ink("dim"))] if hint else []

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        lines = lines_of(*self._course.words, width)
        is_answer = [False] * len(lines[0]) + [True] * len(lines[1])
        if row >= len(is_answer):
            return []
        token = "text" if not is_answer[row] else "azure" if self._course.hides_answer else "strong"
        return [Segment((*lines[0], *lines[1])[row], self.palette.ink(token))]


def lines_of(text: str, more: str, width: int) -> tuple[list[str], list[str]]:
    """The lines of a text and of what follows it, at most `width` characters each."""
    return wrap(text, max(8, width)), wrap(more, max(8, width))


class Figure(Panel):
    """Draws the chapter; a click chooses a number, the wheel changes it."""

    roomy_above: ClassVar[int] = 20

    def __init__(self, course: Course, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._course = course
        self._canvas: Canvas | None = None
        self._drawn_for: tuple[int, int, Palette] | None = None
        self.heading = course.chapter.name

    def show_course(self) -> None:
        """Draw the chapter of the course again."""
        self._canvas = None
        self.heading = self._course.chapter.name
        self.redraw()

    def subject(self) -> str:
        return self.longest_subject(self._course.chapter.title)

    def legend(self) -> list[Segment]:
        return self._course.chapter.headline(self._blank(self.body_width, 1))

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        return self._canvas_of(width, height).row(row)

    def _canvas_of(self, width: int, height: int) -> Canvas:
        canvas = self._canvas
        drawn_for = (width, height, self.palette)
        if canvas is None or self._drawn_for != drawn_for:
            self._canvas, self._drawn_for = (canvas := self._blank(width, height)), drawn_for
            self._course.chapter.draw(canvas)
        return canvas

    def _blank(self, width: int, height: int) -> Canvas:
        step, hides = self._course.step, self._course.hides_answer
        look = Look(step.emphasis, step.hides if hides else "")
        return Canvas(self.palette, width, height, look)

    def on_click(self, event: events.Click) -> None:
        canvas = self._canvas_of(self.body_width, self.body_height)
        target = canvas.target_at(event.x - PADDING, event.y - self.body_top)
        if target is not None:
            self._course.click(target)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._course.change(+1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._course.change(-1)
