"""Asks for another directory if a run cannot write its last checkpoint."""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.question import Question
from rnnscope.app.scope import Scope
from rnnscope.training.controls import Controls


class Rescue:
    """Asks until there is a usable directory or the user gives up; the training loop waits."""

    def __init__(self, scope: Scope, controls: Controls) -> None:
        self._scope = scope
        self._controls = controls
        self._is_awaited = False

    def begin(self) -> None:
        """The training loop waits for a directory."""
        self._is_awaited = True
        self.ask()

    def ask(self) -> None:
        """Ask if there is no answer yet; another prompt may have replaced the question."""
        if self._is_awaited:
            hint = "a directory on another disk   Enter   Esc loses what is not saved"
            self._scope.prompt(Question("save in", "", hint, self._accept, cancel=self.give_up))

    def give_up(self) -> None:
        """Let the run end without a save."""
        self._is_awaited = False
        self._controls.set(offers_rescue=False)

    def _accept(self, answer: str) -> str | None:
        if not answer.strip():
            return "a directory, such as ~/rescue; Esc loses what is not saved"
        directory = Path(answer.strip()).expanduser()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            is_empty = not any(directory.iterdir())
        except OSError as error:
            return f"{directory}: {(error.strerror or str(error)).lower()}"
        if not is_empty:
            return f"{directory} is not empty"
        self._is_awaited = False
        self._controls.set(rescue=str(directory))
        self._scope.announce(f"saving in {directory.resolve()}…")
        return None
