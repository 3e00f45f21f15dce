"""Top contexts of the selected neuron, updated with the selection while the panel is visible."""

from __future__ import annotations

from typing import ClassVar

from textual.timer import Timer

from rnnscope.analysis.contexts import Contexts
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.app.shared import CONTEXTS
from rnnscope.selection import Selection

_FOLLOW_SECONDS = 0.15
"""Seconds that a neuron stays selected before its contexts are read."""


class ContextsAnalysis:
    """Asks for the contexts of the chosen neuron."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (CONTEXTS,)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._timer: Timer | None = None
        self.panel = ResultPanel(
            scope,
            "contexts",
            "press C for the top contexts of the neuron",
            id="contexts",
            press=self.action_contexts,
            on_selection=self._follow,
            on_show=self._ask,
        )

    def action_contexts(self) -> None:
        self._scope.show_panel("contexts", focus=True)
        self._ask()

    def _follow(self, before: Selection | None, selection: Selection) -> None:
        """Read the contexts of another neuron, once the selection has rested on it."""
        now = (selection.layer, selection.unit, selection.quantity)
        if before is not None and (before.layer, before.unit, before.quantity) == now:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.panel.set_timer(_FOLLOW_SECONDS, self._ask) if self.panel.display else None

    def _ask(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        query = Contexts(
            selection.layer, selection.unit, selection.quantity, characters=self._scope.characters
        )
        if query != self.panel.last_query or self.panel.result is None:
            self.panel.ask(query, show=False)
