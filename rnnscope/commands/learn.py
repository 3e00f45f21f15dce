"""`rnnscope learn`: the course, in short chapters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rnnscope.commands.opened import Opened
from rnnscope.commands.reading import has_screen, leave_at_once
from rnnscope.errors import OptionError, suggestion
from rnnscope.theme.colors import ThemeChoice

CHAPTERS = ("hello", "unroll", "vanish", "gates", "race", "neurons", "shapes")
"""The names of the chapters, in order."""

EXAMPLES = (
    "rnnscope learn                 the table of contents",
    "rnnscope learn hello --quiz    a chapter that asks before it shows",
)


@dataclass(frozen=True)
class Options:
    """Learn how recurrent networks work: short chapters in which every number is live and can be changed."""

    chapter: Annotated[str, tyro.conf.Positional] = ""
    """The chapter to open: hello, unroll, vanish, gates, race, neurons or shapes; by default the contents."""
    step: int = 1
    """The step of the chapter to begin with."""
    quiz: bool = False
    """Ask a question before the answer is shown; Enter reveals it."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    made = opened(options)
    if not has_screen(plain=False, json=False):
        raise OptionError("learn needs a terminal; docs/learn has its texts and pictures")
    status = made.show(options.theme, options.record)
    leave_at_once(status, made.screen.jobs)
    return status


def opened(options: Options) -> Opened:
    """The screen. Raises OptionError for a chapter or a step that does not exist."""
    from rnnscope.app.learn.course import CHAPTERS as COURSE
    from rnnscope.app.screens.learn import LearnScreen

    chapter = _number(options.chapter)
    steps = len(COURSE[chapter - 1].steps) if chapter else 1
    if not 1 <= options.step <= steps:
        raise OptionError(f"--step is {options.step}, but must be from 1 to {steps}")
    return Opened(LearnScreen(chapter, step=options.step - 1, quiz=options.quiz))


def _number(chapter: str) -> int:
    """The number of a chapter, from 1, of its name or its number; 0 if it is empty. Raises OptionError."""
    if not chapter:
        return 0
    if chapter.isdecimal() and 1 <= int(chapter) <= len(CHAPTERS):
        return int(chapter)
    if chapter not in CHAPTERS:
        raise OptionError(f"there is no chapter {chapter}; {suggestion(chapter, CHAPTERS)}")
    return CHAPTERS.index(chapter) + 1
