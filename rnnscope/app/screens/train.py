"""The train screen: what each key does; the list of keys is `rnnscope.app.actions`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from rnnscope.app import actions
from rnnscope.app.panels.loss import LossChart
from rnnscope.app.panels.prompt import Question
from rnnscope.app.screens import questions
from rnnscope.app.screens.searching import SearchingScreen


class TrainScreen(SearchingScreen, inherit_bindings=False):
    """A run, and all one can do with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings(actions.TRAIN)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a training loop is not there where one only watches."""
        return action not in _LIVE or self.live

    # -- charts --------------------------------------------------------------------------------------------

    def action_units(self) -> None:
        self.query_one(LossChart).cycle_units()

    # -- what is read and written --------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        if self._is_controlled():
            super().ask(question)

    def _is_controlled(self) -> bool:
        """Whether a training loop reads the controls; False once the run has ended in this process."""
        has_ended = self.live and self.status.phase in ("finished", "failed")
        if has_ended:
            self.announce(f"the run has ended; look on with: rnnscope watch {self.status.run}")
        return not has_ended

    def action_temperature(self) -> None:
        self.ask(questions.temperature(self.controls))

    def action_warmer(self) -> None:
        self._change_temperature(+1)

    def action_cooler(self) -> None:
        self._change_temperature(-1)

    def _change_temperature(self, by: int) -> None:
        if self._is_controlled():
            value = questions.nudge_temperature(self.controls, by)
            self.announce(f"temperature {value:g}, from the next sample on")

    def action_prime(self) -> None:
        self.ask(questions.prime(self.controls))

    def action_passage(self) -> None:
        self.ask(questions.passage(self.controls))

    def action_sample(self) -> None:
        if self._is_controlled():
            self.controls.sample_now()

    # -- training ------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        if self.status.phase in ("training", "annealing"):
            paused = not self.controls.state.paused
            self.controls.set(paused=paused)
            self.show_status(replace(self.status, paused=paused))

    def action_learning_rate(self) -> None:
        self.ask(questions.learning_rate(self.controls))

    def action_rate_down(self) -> None:
        self._scale_rate(-1)

    def action_rate_up(self) -> None:
        self._scale_rate(+1)

    def _scale_rate(self, by: int) -> None:
        if self._is_controlled():
            factor = questions.scale_rate(self.controls, by)
            self.announce(f"learning rate: {factor:g} times what is scheduled")

    def action_finish(self) -> None:
        if self.status.phase == "training":
            self.ask(questions.finish(self.controls, self.announce))

    def action_save(self) -> None:
        if self.status.phase in ("training", "annealing"):
            self.controls.save_now()
            self.awaits_saving = True
            self.announce("saving…")


_LIVE = frozenset(action.id for action in actions.TRAIN if action.live)
