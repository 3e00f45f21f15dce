"""The errors of the model, sorted by the oracle that would remove them."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.analysis.errors import Errors
from rnnscope.app.actions import Action
from rnnscope.app.panels.folding import Folding
from rnnscope.app.scope import Scope
from rnnscope.render.errors import report


class ErrorsAnalysis:
    """Asks for the errors."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "errors",
            ("E",),
            "Error breakdown (Karpathy et al. oracles)",
            "analysis",
            synonyms="mistakes misses oracle",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._listed = Folding(
            scope,
            "errors",
            "press E for the errors and the oracles that remove them",
            id="errors",
            query=lambda: Errors(characters=scope.characters),
            report=report,
        )
        self.panel = self._listed.panel

    def action_errors(self) -> None:
        self._listed.ask()
