"""Attribution of one prediction: how much it depends on each earlier character."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rnnscope.analysis.saliency import Saliency, SaliencyResult
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.scope import Scope
from rnnscope.selection import Overlay


class SaliencyAnalysis:
    """Asks for the saliency of the character at the cursor, and colors the passage by it."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "saliency",
            ("i",),
            "Attribution: which earlier characters drove this prediction",
            "analysis",
            synonyms="saliency gradient importance explain",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.panel = ResultPanel(
            scope,
            "attribution",
            "press i for the attribution of the prediction at the cursor",
            id="saliency",
            press=self.action_saliency,
        )

    def action_saliency(self) -> None:
        selection = self._scope.selection
        if selection is None:
            return
        if selection.position == 0:
            self._scope.announce("nothing precedes the first character: it is not predicted")
        else:
            self.panel.ask(Saliency(selection.position), self._show)

    def _show(self, result: SaliencyResult) -> None:
        self.panel.show_result(result)
        selection = self._scope.selection
        if selection is not None:
            values = selection.along(result.start, result.connectivity.astype(np.float32))
            overlay = Overlay("attribution", values, "probability", ("0", "1"))
            self._scope.select(overlay=overlay, coloring="overlay")
