"""What a chapter is: its text in steps, its figure, and what the keys change in it.

A chapter has one frozen `state` of a module of `rnnscope.learn`; keys replace it by another one, and the
figure draws it. Numbers that can be changed are in groups; one of them is chosen.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment

from rnnscope.app.learn.canvas import Canvas
from rnnscope.app.question import Question
from rnnscope.jobs import Jobs

S = TypeVar("S")

_LONGEST_HISTORY = 10_000


@dataclass(frozen=True)
class Step:
    """A step of a chapter: a sentence or two, and the question that `--quiz` asks before the answer."""

    heading: str
    text: str
    answer: str = ""
    """Follows the text; with `--quiz` the question stands in its place first."""
    question: str = ""
    emphasis: str = ""
    """The parts of the figure that the text is about, separated by spaces."""
    always_asks: bool = False
    """Whether the question is asked without `--quiz`, too."""
    hides: str = ""
    """The parts of the figure that are hidden until the answer is shown."""


class Host(Protocol):
    """The screen of a chapter."""

    @property
    def jobs(self) -> Jobs: ...

    def refresh_figure(self) -> None:
        """Draw the chapter again."""

    def announce(self, message: str) -> None:
        """Show a message for some seconds."""

    def ask(self, question: Question) -> None:
        """Ask for a line of text."""


class Chapter(Generic[S]):
    """The base of every chapter; keys that a chapter does not use do nothing."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    """A line for the table of contents."""
    steps: ClassVar[tuple[Step, ...]]
    keys: ClassVar[Mapping[str, str]] = {}
    """The actions of `Course` that the chapter uses, by id, and their names in the footer."""

    def __init__(self, host: Host, state: S) -> None:
        self.host = host
        self.state = state
        self.is_playing = False
        self._first = state
        self._past: list[S] = []
        self.chosen: Hashable = self.groups[0][0] if self.groups else None

    # -- what a chapter gives --------------------------------------------------------------------------------

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        """The numbers that can be changed."""
        return ()

    def draw(self, canvas: Canvas) -> None:
        """Draw the state."""
        raise NotImplementedError

    def headline(self, canvas: Canvas) -> list[Segment]:
        """The right end of the figure's title."""
        return []

    def change(self, by: int) -> None:
        """Change the chosen number by key presses; one with Shift counts as ten."""

    def advance(self) -> bool:
        """One step of what the chapter computes. Returns False if there is none left."""
        return self.is_playing

    def toggle(self) -> None:
        """Run the computation, step after step, or pause it."""
        self.is_playing = not self.is_playing

    def switch(self, by: int) -> None:
        """Show another variant."""

    def edit(self) -> None:
        """Ask for a text."""

    def begin(self) -> None:
        """Start work in jobs; called when the chapter has been drawn, and whenever it is shown again."""

    def end(self) -> None:
        """Stop work; called when another chapter is shown, and on exit."""

    @property
    def activity(self) -> str:
        """What a job does, for the header."""
        return ""

    def arrive(self, step: int) -> None:
        """Prepare the figure for a step of the text."""

    def reset(self) -> None:
        """Return to the beginning."""
        self.set(self._first)

    # -- what the course calls -------------------------------------------------------------------------------

    def set(self, state: S) -> None:
        """Replace the state; `undo` returns to the one before."""
        self._past.append(self.state)
        del self._past[:-_LONGEST_HISTORY]
        self.state = state

    @property
    def previous(self) -> S:
        """The state before the last change."""
        return self._past[-1] if self._past else self.state

    def undo(self) -> bool:
        """Return to the state before the last change. Returns False if there is none."""
        if not self._past:
            return False
        self.state = self._past.pop()
        return True

    def choose(self, by: int) -> None:
        """Choose the number after or before."""
        everything = [each for group in self.groups for each in group]
        if everything:
            self.chosen = everything[(everything.index(self.chosen) + by) % len(everything)]

    def choose_group(self, by: int) -> None:
        """Choose the first number of the group after or before."""
        groups = self.groups
        at = next((i for i, group in enumerate(groups) if self.chosen in group), None)
        if at is not None:
            self.chosen = groups[(at + by) % len(groups)][0]

    def click(self, target: Hashable) -> None:
        """Choose what was clicked."""
        if any(target in group for group in self.groups):
            self.chosen = target


class ChapterClass(Protocol):
    """A class of chapters; its text is known before a screen exists."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def steps(self) -> tuple[Step, ...]: ...

    def __call__(self, host: Host) -> Chapter[Any]: ...
