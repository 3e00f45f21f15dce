"""The passage and the samples of a run: questions that change what the training loop traces and samples."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.numbers import number
from rnnscope.app.question import Question, in_one_row
from rnnscope.app.scope import Scope
from rnnscope.app.shared import EDIT, GENERATE
from rnnscope.training.controls import Controls

HOTTEST = 5.0
"""The highest temperature."""
SHORTEST_PASSAGE = 2
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


class LiveText:
    """Asks the training loop for other samples, and for the trace of another passage."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("temperature", ("t",), "Set the sampling temperature", "text", "temperature", 42),
        Action("warmer", ("full_stop",), "Temperature up by 0.1", "text"),
        Action("cooler", ("comma",), "Temperature down by 0.1", "text"),
        Action("prime", ("p",), "Set the sampling prompt (prime)", "text", synonyms="start seed text"),
        EDIT,
        GENERATE,
    )

    def __init__(self, scope: Scope, controls: Controls, is_running: Callable[[], bool]) -> None:
        """is_running: returns whether a training loop reads the controls; if not, it shows a message."""
        self._scope = scope
        self._controls = controls
        self._is_running = is_running

    def action_temperature(self) -> None:
        if self._is_running():
            self._scope.prompt(self._temperature())

    def action_warmer(self) -> None:
        self._change_temperature(+1)

    def action_cooler(self) -> None:
        self._change_temperature(-1)

    def action_prime(self) -> None:
        if self._is_running():
            self._scope.prompt(self._prime())

    def action_passage(self) -> None:
        if self._is_running():
            self._scope.prompt(self._passage())

    def action_sample(self) -> None:
        if self._is_running():
            self._controls.sample_now()

    # -- questions -------------------------------------------------------------------------------------------

    def _temperature(self) -> Question:
        """Any temperature from 0, which is greedy."""
        before = self._controls.state.temperature

        def accept(answer: str) -> str | None:
            value = number(answer)
            if value is None or not 0 <= value <= HOTTEST:
                return f"a number from 0 to {HOTTEST:g}, such as 0.8"
            self._controls.set(temperature=value)
            return None

        def nudge(written: str, by: int) -> str:
            value = number(written)
            return str(self._nudge(by, before if value is None else value))

        return Question(
            "temperature",
            f"{before:g}",
            "↑↓ by 0.1   0 = greedy   Enter   Esc",
            accept,
            nudge,
            lambda: self._controls.set(temperature=before),
        )

    def _change_temperature(self, by: int) -> None:
        if self._is_running():
            value = self._nudge(by, self._controls.state.temperature)
            self._scope.announce(f"temperature {value:g}, from the next sample on")

    def _nudge(self, by: int, start: float) -> float:
        """One tenth up or down; returns the new temperature."""
        value = round(min(HOTTEST, max(0.0, start + 0.1 * by)), 2)
        self._controls.set(temperature=value)
        return value

    def _prime(self) -> Question:
        """Ask for the text that samples continue."""

        def accept(answer: str) -> str | None:
            self._controls.set(prime=answer)
            self._controls.sample_now()
            return None

        return Question(
            "prompt",
            in_one_row(self._controls.state.prime),
            "sampling continues this text   Enter   Esc",
            accept,
        )

    def _passage(self) -> Question:
        """Ask for a text, or for a position of the validation text."""
        controls = self._controls
        state = controls.state
        shown = in_one_row(state.passage) if state.passage is not None else f"{100 * state.passage_at:g}%"

        def accept(answer: str) -> str | None:
            if not answer.strip():
                controls.set(passage=None, passage_at=0.0)
            elif place := _PERCENT.fullmatch(answer):
                percent = float(place[1])
                if percent > 100:
                    return "a place in the held-out text is 0% to 100%"
                controls.set(passage=None, passage_at=percent / 100)
            elif len(answer) < SHORTEST_PASSAGE:
                return f"a passage has at least {SHORTEST_PASSAGE} characters"
            else:
                controls.set(passage=answer)
            controls.trace_now()
            return None

        def nudge(written: str, by: int) -> str:
            place = _PERCENT.fullmatch(written)
            if place is None:
                return written
            percent = min(100.0, max(0.0, float(place[1]) + by))
            controls.set(passage=None, passage_at=percent / 100)
            controls.trace_now()
            return f"{percent:g}%"

        def restore() -> None:
            controls.set(passage=state.passage, passage_at=state.passage_at)
            controls.trace_now()

        return Question(
            "passage",
            shown,
            "a text, or a place such as 40% of the held-out text   ↑↓   Enter   Esc",
            accept,
            nudge,
            restore,
        )
