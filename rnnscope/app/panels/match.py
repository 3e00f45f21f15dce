"""Other spans at which the same neurons are active as over the marked one."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.analysis.matching import Match
from rnnscope.app.actions import Action
from rnnscope.app.marks import Marks
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope


class MatchAnalysis:
    """Matches the last marked span, or the word at the cursor if there is none."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "match",
            ("m",),
            "Match: other spans where the same neurons are active",
            "analysis",
            "match",
            60,
            "similar LSTMVis",
        ),
    )

    def __init__(self, scope: Scope, marks: Marks) -> None:
        self._scope = scope
        self._marks = marks
        self.panel = ResultPanel(
            scope,
            "match",
            "mark a span with v or the mouse, then press m",
            id="match",
            press=self.action_match,
        )

    def action_match(self) -> None:
        selection, span = self._scope.selection, self._marks.span_or_word()
        if selection is not None and span is not None:
            self.panel.ask(Match(*span, layer=selection.layer, characters=self._scope.characters))
