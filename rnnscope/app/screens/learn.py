"""The learn screen: a chapter of the course, its text above its figure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rnnscope.app.actions import Action, Declares, Registry, actions_of, bindings
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.course_header import CourseFacts, CourseHeader
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.frame.too_small import TooSmall
from rnnscope.app.learn.course import Course
from rnnscope.app.learn.figure import Figure, Lesson
from rnnscope.app.learn_layout import learn_blocks
from rnnscope.app.palette_commands import Commands
from rnnscope.app.question import Question
from rnnscope.app.screen_scope import ScreenScope
from rnnscope.app.shell import Shell
from rnnscope.app.stage import Stage
from rnnscope.app.work import Delivered
from rnnscope.jobs import Jobs

TICK_SECONDS = 0.1
_LEAVING_SECONDS = 0.4
"""Seconds to wait for running jobs on exit."""


class Zoom:
    """The one action of the stage that this screen has: the figure without the text."""

    ACTIONS: ClassVar[tuple[Action, ...]] = tuple(action for action in Stage.ACTIONS if action.id == "zoom")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def action_zoom(self) -> None:
        self._stage.action_zoom()


class LearnScreen(Screen[None], inherit_bindings=False):
    """The chapters of the course, and their table of contents."""

    OWNERS: ClassVar[tuple[Declares, ...]] = (Course, Zoom, Banner, Shell)
    AUTO_FOCUS = "#figure"
    COMMANDS: ClassVar[set[Any]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(actions_of(OWNERS))]

    def __init__(
        self,
        chapter: int = 0,
        *,
        step: int = 0,
        quiz: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """chapter: the chapter to open, from 1; 0 is the table of contents. step: the step of it, from 0.

        quiz: whether answers are hidden. now: the clock of the message log.
        """
        super().__init__()
        began = now()
        self.jobs = Jobs(lambda: self.post_message(Delivered()))
        self.scope = scope = ScreenScope(self, self.jobs)
        self.course = Course(self, quiz=quiz, show=self.refresh_figure)
        self.lesson = Lesson(self.course, id="lesson")
        self.figure = Figure(self.course, id="figure")
        self.header = CourseHeader(id="header")
        self.banner = Banner(lambda: now() - began, id="banner")
        self.prompt_row = Prompt(id="prompt")
        self.stage = Stage(name="learn", layouts={"overview": learn_blocks}, announce=scope.announce)
        self._first = (chapter, step)
        shell = Shell(
            self,
            scope,
            lambda: self.registry,
            picture_name=lambda: f"learn-{self.course.chapter.name}",
            steps_back=(
                self.prompt_row.drop,
                self.banner.dismiss,
                self.stage.unzoom,
                self.course.close_chapter,
            ),
        )
        self.registry = Registry((self.course, Zoom(self.stage), self.banner, shell))
        self.footer = Footer(self.registry, id="footer")

    def compose(self) -> ComposeResult:
        with self.stage:
            yield self.header
            yield self.figure  # before the text: it has the focus
            yield self.lesson
            yield self.footer
            yield self.banner
            yield self.prompt_row
            yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.course.open(*self._first)
        self.set_interval(TICK_SECONDS, self.course.tick)

    # -- from the app ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The app calls it after the first frame."""
        self.course.begin()

    def leave(self, *, asks: bool = True) -> bool:
        """Cancel all jobs. Returns True: nothing has to be saved, so `asks` has no effect."""
        self.course.end()
        self.jobs.close(_LEAVING_SECONDS)
        return True

    def wait(self) -> None:
        """Nothing has to be saved."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for actions that are not offered in a web page."""
        return action != "act" or self.registry.offers(str(parameters[0]))

    async def action_act(self, action: str) -> None:
        """Run the action of a key."""
        await self.registry.run(action)

    @on(Delivered)
    def _deliver(self) -> None:
        with self.app.batch_update():
            self.jobs.deliver()

    @on(Prompt.Closed)
    def _after_prompt(self) -> None:
        self.stage.focus_first()

    # -- from the chapters -----------------------------------------------------------------------------------

    def refresh_figure(self) -> None:
        """Show the chapter and its step again."""
        course = self.course
        number = f"{course.number} " if course.number else ""
        facts = CourseFacts(
            chapter=f"{number}{course.chapter.name}" if number else "",
            title=course.chapter.title,
            step=course.step_index,
            steps=len(course.chapter.steps),
            is_quiz=course.quiz,
            activity=course.chapter.activity,
        )
        with self.app.batch_update():
            self.header.show(facts)
            self.lesson.show_course()
            self.figure.show_course()
            self.footer.rename({"command_palette": "", **course.labels()})

    def announce(self, message: str) -> None:
        """Show a message for some seconds."""
        self.scope.announce(message)

    def ask(self, question: Question) -> None:
        """Ask for a line of text, over the footer."""
        self.scope.prompt(question)
