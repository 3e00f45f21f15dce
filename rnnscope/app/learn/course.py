"""The course: which chapter and which step of it is shown, and the actions of all chapters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.learn.chapter import Chapter, ChapterClass, Host, Step
from rnnscope.app.learn.contents import Contents
from rnnscope.app.learn.gates import GatesChapter
from rnnscope.app.learn.hello import HelloChapter
from rnnscope.app.learn.neurons import NeuronsChapter
from rnnscope.app.learn.race import RaceChapter
from rnnscope.app.learn.shapes import ShapesChapter
from rnnscope.app.learn.unroll import UnrollChapter
from rnnscope.app.learn.vanish import VanishChapter

CHAPTERS: tuple[ChapterClass, ...] = (
    HelloChapter,
    UnrollChapter,
    VanishChapter,
    GatesChapter,
    RaceChapter,
    NeuronsChapter,
    ShapesChapter,
)
NAMES: tuple[str, ...] = tuple(chapter.name for chapter in CHAPTERS)

_COARSE = 10


def _chapter_actions() -> tuple[Action, ...]:
    return tuple(
        Action(f"chapter_{number}", (str(number),), f"Chapter {number}: {name}", "app", synonyms="go open")
        for number, name in enumerate(NAMES, 1)
    )


class Course:
    """A chapter, or the table of contents, and a step of its text."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "forward",
            ("enter", "pagedown"),
            "Next step of the chapter; first the answer, where it is hidden",
            "navigation",
            "next",
            10,
            "continue reveal answer",
        ),
        Action("backward", ("backspace", "pageup"), "Previous step of the chapter", "navigation", "back", 90),
        Action("advance", ("s", "right_parenthesis"), "One step of the computation", "training", "step", 40),
        Action("run", ("space",), "Run / pause the computation", "training", "run", 50, "play train"),
        Action("choose_left", ("left",), "Previous number", "navigation", "choose", 20),
        Action("choose_right", ("right",), "Next number", "navigation", "choose", 20),
        Action("raise", ("up",), "Raise the number", "navigation", "change", 30, "increase nudge"),
        Action("lower", ("down",), "Lower the number", "navigation", "change", 30, "decrease nudge"),
        Action("raise_more", ("shift+up",), "Raise the number by ten times as much", "navigation", place=31),
        Action(
            "lower_more", ("shift+down",), "Lower the number by ten times as much", "navigation", place=31
        ),
        Action(
            "switch",
            ("o", "right_curly_bracket"),
            "Next variant",
            "navigation",
            "variant",
            60,
            "cell model other",
        ),
        Action("switch_back", ("left_curly_bracket",), "Previous variant", "navigation", place=61),
        Action("edit_text", ("e",), "Edit the text that is read", "text", "text", 70, "type string"),
        Action("next_group", ("tab",), "First number of the next group", "navigation", "group", 80, "matrix"),
        Action(
            "previous_group", ("shift+tab",), "First number of the previous group", "navigation", place=81
        ),
        Action("undo", ("left_parenthesis",), "Undo the last change", "training", "undo", 100),
        Action("reset", ("0",), "Reset the numbers of the chapter", "training", "reset", 110, "begin again"),
        Action(
            "quiz", ("a",), "Hide answers until revealed (toggle)", "app", synonyms="questions predictions"
        ),
        *_chapter_actions(),
    )

    def __init__(self, host: Host, *, quiz: bool, show: Callable[[], object]) -> None:
        """quiz: whether answers are hidden first. show: draws the screen again after a change."""
        self.quiz = quiz
        self._host = host
        self._show = show
        self._contents = Contents(host, CHAPTERS)
        self._opened: dict[int, Chapter[Any]] = {}
        self._at = 0
        self._step = 0
        self._is_revealed = False
        self._has_begun = False

    def begin(self) -> None:
        """Let chapters start their work: the first frame is painted."""
        self._has_begun = True
        self.chapter.begin()

    def end(self) -> None:
        """Stop the work of the chapter."""
        self.chapter.end()

    # -- what is shown ---------------------------------------------------------------------------------------

    @property
    def chapter(self) -> Chapter[Any]:
        """The chapter that is shown, or the table of contents."""
        return self._opened[self._at] if self._at else self._contents

    @property
    def number(self) -> int:
        """The number of the chapter, from 1; 0 is the table of contents."""
        return self._at

    @property
    def step_index(self) -> int:
        """The step of the chapter, from 0."""
        return self._step

    @property
    def step(self) -> Step:
        return self.chapter.steps[self._step]

    @property
    def hides_answer(self) -> bool:
        """Whether a question is asked whose answer is still hidden."""
        asks = self.quiz or self.step.always_asks
        return bool(self.step.question) and asks and not self._is_revealed

    @property
    def words(self) -> tuple[str, str]:
        """The text of the step, and after it the question or its answer."""
        step = self.step
        return step.text, step.question if self.hides_answer else step.answer

    def labels(self) -> Mapping[str, str]:
        """The footer's names of the actions; empty hides one that the chapter does not use."""
        names = {action.id: "" for action in self.ACTIONS} | {"forward": "next", "backward": "back"}
        names |= self.chapter.keys
        if self.hides_answer:
            names["forward"] = "answer"
        if not self._at:
            names["backward"] = ""
        if self.chapter.is_playing and names["run"]:
            names["run"] = "pause"
        return names

    # -- moving ----------------------------------------------------------------------------------------------

    def open(self, number: int, step: int = 0) -> None:
        """Show a chapter, from 1, or the table of contents, 0."""
        self.chapter.is_playing = False
        self.chapter.end()
        if number and number not in self._opened:
            self._opened[number] = CHAPTERS[number - 1](self._host)
        self._at = number
        if number:
            self._contents.point_at(number)
        self._go(step)
        if self._has_begun:
            self.chapter.begin()

    def close_chapter(self) -> bool:
        """Show the table of contents. Returns False if it is shown."""
        if not self._at:
            return False
        self.open(0)
        return True

    def action_forward(self) -> None:
        if not self._at:
            self.open(self._contents.state)
        elif self.hides_answer:
            self._is_revealed = True
            self._show()
        elif self._step + 1 < len(self.chapter.steps):
            self._go(self._step + 1)
        else:
            self.open((self._at + 1) % (len(CHAPTERS) + 1))

    def action_backward(self) -> None:
        if self._step:
            self._go(self._step - 1)
        elif self._at > 1:
            self.open(self._at - 1)
            self._go(len(self.chapter.steps) - 1)
        else:
            self.close_chapter()

    def _go(self, step: int) -> None:
        self._step, self._is_revealed = step, False
        self.chapter.arrive(step)
        self._show()

    # -- the figure ------------------------------------------------------------------------------------------

    def click(self, target: Hashable) -> None:
        """Choose what was clicked in the figure; in the table of contents, open it."""
        self.chapter.click(target)
        self._show()
        if not self._at:
            self.action_forward()

    def tick(self) -> None:
        """One step of a computation that runs."""
        if self.chapter.is_playing and "run" in self.chapter.keys:
            self.chapter.is_playing = self.chapter.advance()
            self._show()

    def action_advance(self) -> None:
        if "advance" in self.chapter.keys:
            self.chapter.advance()
        self._show()

    def action_run(self) -> None:
        if "run" in self.chapter.keys:
            self.chapter.toggle()
            self._show()

    def action_undo(self) -> None:
        if not self.chapter.undo():
            self._host.announce("nothing to undo")
        self._show()

    def action_reset(self) -> None:
        self.chapter.is_playing = False
        self.chapter.reset()
        self._show()

    def action_choose_left(self) -> None:
        self.chapter.choose(-1)
        self._show()

    def action_choose_right(self) -> None:
        self.chapter.choose(+1)
        self._show()

    def action_next_group(self) -> None:
        self.chapter.choose_group(+1)
        self._show()

    def action_previous_group(self) -> None:
        self.chapter.choose_group(-1)
        self._show()

    def action_raise(self) -> None:
        self.change(+1)

    def action_lower(self) -> None:
        self.change(-1)

    def action_raise_more(self) -> None:
        self.change(+_COARSE)

    def action_lower_more(self) -> None:
        self.change(-_COARSE)

    def change(self, by: int) -> None:
        """Change the chosen number."""
        self.chapter.change(by)
        self._show()

    def action_switch(self) -> None:
        self.chapter.switch(+1)
        self._show()

    def action_switch_back(self) -> None:
        self.chapter.switch(-1)
        self._show()

    def action_edit_text(self) -> None:
        self.chapter.edit()

    def action_quiz(self) -> None:
        self.quiz = not self.quiz
        self._host.announce("quiz: answers are hidden until Enter" if self.quiz else "quiz off")
        self._show()

    def action_chapter_1(self) -> None:
        self.open(1)

    def action_chapter_2(self) -> None:
        self.open(2)

    def action_chapter_3(self) -> None:
        self.open(3)

    def action_chapter_4(self) -> None:
        self.open(4)

    def action_chapter_5(self) -> None:
        self.open(5)

    def action_chapter_6(self) -> None:
        self.open(6)

    def action_chapter_7(self) -> None:
        self.open(7)
