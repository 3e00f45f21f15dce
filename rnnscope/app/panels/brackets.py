"""The loss at closing brackets and quotes, by the distance to the opening one."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.analysis.brackets import Brackets
from rnnscope.app.actions import Action
from rnnscope.app.panels.folding import Folding
from rnnscope.app.scope import Scope
from rnnscope.render.brackets import report


class BracketsAnalysis:
    """Asks for the losses at closing characters."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "brackets",
            ("B",),
            "Loss at closing brackets and quotes vs. distance to the opening",
            "analysis",
            synonyms="parentheses long range memory",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._listed = Folding(
            scope,
            "brackets",
            "press B for the loss at closing brackets and quotes",
            id="brackets",
            query=lambda: Brackets(characters=scope.characters),
            report=report,
        )
        self.panel = self._listed.panel

    def action_brackets(self) -> None:
        self._listed.ask()
