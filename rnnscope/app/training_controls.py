"""Pausing, saving, the learning rate and the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.numbers import number
from rnnscope.app.question import Question, confirm
from rnnscope.app.scope import Scope
from rnnscope.app.status import Status
from rnnscope.training.controls import Controls

_FACTORS = (1e-4, 1e4)


class TrainingControls:
    """Asks the training loop to pause, to save, to change its learning rate, and to end."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "pause",
            ("space",),
            "Pause / resume training",
            "training",
            "pause",
            1,
            "resume stop continue",
            True,
        ),
        Action(
            "learning_rate",
            ("l",),
            "Set the learning-rate multiplier",
            "training",
            "learning rate",
            44,
            "lr schedule",
            live=True,
        ),
        Action(
            "finish",
            ("f",),
            "Decay the learning rate to zero and finish",
            "training",
            "finish",
            46,
            "anneal end stop",
            live=True,
        ),
        Action("save", ("s",), "Save a checkpoint now", "training", "save", 48, live=True),
        Action(
            "trace",
            ("R",),
            "Trace the passage with the current weights",
            "training",
            synonyms="refresh update passage now",
        ),
        Action("rate_down", ("less_than_sign",), "Halve the learning rate", "training", live=True),
        Action("rate_up", ("greater_than_sign",), "Double the learning rate", "training", live=True),
    )

    def __init__(
        self,
        scope: Scope,
        controls: Controls,
        *,
        status: Callable[[], Status],
        show_paused: Callable[[bool], object],
        is_running: Callable[[], bool],
    ) -> None:
        """status: returns the run's status. show_paused: shows immediately whether the run is paused.

        is_running: returns whether a training loop reads the controls; if not, it shows a message.
        """
        self._scope = scope
        self._controls = controls
        self._status = status
        self._show_paused = show_paused
        self._is_running = is_running
        self._awaits_saving = False

    def take_saved(self) -> bool:
        """Return True if the user requested this checkpoint, and clear the request."""
        was_asked, self._awaits_saving = self._awaits_saving, False
        return was_asked

    def action_pause(self) -> None:
        if self._status().phase in ("training", "annealing"):
            paused = not self._controls.state.paused
            self._controls.set(paused=paused)
            self._show_paused(paused)

    def action_learning_rate(self) -> None:
        if self._is_running():
            self._scope.prompt(self._learning_rate())

    def action_rate_down(self) -> None:
        self._scale_rate(-1)

    def action_rate_up(self) -> None:
        self._scale_rate(+1)

    def _scale_rate(self, by: int) -> None:
        if self._is_running():
            factor = self._scale(by, self._controls.state.learning_rate_factor)
            rate = self._status().learning_rate
            now = "" if rate is None else f" {rate:.2g}"
            self._scope.announce(f"learning rate{now} (schedule × {factor:g} from the next step on)")

    def action_finish(self) -> None:
        if self._status().phase == "training":
            self._scope.prompt(confirm("Decay the learning rate to zero and finish?", self._finish))

    def action_save(self) -> None:
        if self._status().phase in ("training", "annealing"):
            self._controls.save_now()
            self._awaits_saving = True
            self._scope.announce("saving…")

    def action_trace(self) -> None:
        if self._is_running():
            self._controls.trace_now()

    def _finish(self) -> None:
        self._controls.set(finish=True, paused=False)
        self._scope.announce("annealing: the learning rate decays to zero, then the run ends")

    def _learning_rate(self) -> Question:
        """A factor on the schedule's rate."""
        before = self._controls.state.learning_rate_factor

        def accept(answer: str) -> str | None:
            value = number(answer.lstrip(" ×x*"))
            if value is None or not _FACTORS[0] <= value <= _FACTORS[1]:
                return f"a factor from {_FACTORS[0]:g} to {_FACTORS[1]:g}, such as 0.5"
            self._controls.set(learning_rate_factor=value)
            return None

        def nudge(written: str, by: int) -> str:
            value = number(written.lstrip(" ×x*"))
            return f"{self._scale(by, before if value is None else value):g}"

        return Question(
            "learning rate ×",
            f"{before:g}",
            "↑ doubles, ↓ halves   1 = schedule   Enter   Esc",
            accept,
            nudge,
            lambda: self._controls.set(learning_rate_factor=before),
        )

    def _scale(self, by: int, start: float) -> float:
        """Double or halve the factor; returns the new one."""
        value = min(_FACTORS[1], max(_FACTORS[0], start * 2.0**by))
        self._controls.set(learning_rate_factor=value)
        return value
