"""The header of the course: its chapter and step; the rule below shows how much of the chapter is done.

 rnnscope   learn  1 hello  a network learns to spell one word                          quiz  step 2 of 7
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────────────────────
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.frame.facts import Part, facts_row, progress_rule
from rnnscope.app.widget_palette import ink_of, logo, palette_of


@dataclass(frozen=True)
class CourseFacts:
    """What the header shows."""

    chapter: str = ""
    """Such as `1 hello`; empty for the table of contents."""
    title: str = ""
    step: int = 0
    """From 0."""
    steps: int = 1
    is_quiz: bool = False
    activity: str = ""
    """What a job does, such as `training 43 %`."""


class CourseHeader(Widget):
    """Shows `CourseFacts`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts = CourseFacts()

    def show(self, facts: CourseFacts) -> None:
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        facts = self._facts
        if y:
            done = (facts.step + 1) / facts.steps if facts.chapter else 0.0
            return progress_rule(self, round(2 * self.size.width * done))

        def part(rank: int, words: str, token: str, on_the_right: bool = False) -> Part:
            segment = Segment(words, ink_of(self, token, bold=token == "strong"))
            return Part(rank, (segment,) if words else (), on_the_right)

        parts = [
            Part(0, logo(palette_of(self))),
            part(2, "learn", "dim"),
            part(1, facts.chapter, "strong"),
            part(5, facts.title, "text"),
            part(3, facts.activity, "azure", True),
            part(4, "quiz" if facts.is_quiz else "", "mint", True),
        ]
        if facts.chapter:
            parts.append(part(3, f"step {facts.step + 1} of {facts.steps}", "dim", True))
        return facts_row(self, parts)
