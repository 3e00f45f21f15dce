"""How much of the text searches read: its beginning, or all of it."""

from __future__ import annotations

from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.scope import Scope


class SearchLimit:
    """Switches between the text's beginning and the whole text."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "scope",
            ("L",),
            "Search scope: first 20,000 characters / whole text",
            "analysis",
            "scope",
            150,
            "limit characters all",
        ),
    )

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def action_scope(self) -> None:
        self._scope.toggle_characters()
