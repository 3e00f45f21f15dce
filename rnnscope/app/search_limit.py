"""How much of the text searches read: its beginning, or all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rnnscope.app.actions import Action

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope


class SearchLimit:
    """Switches between the text's beginning and the whole text."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "search_limit",
            ("L",),
            "Search scope: first 20,000 characters / whole text",
            "analysis",
            "scope",
            150,
            "limit characters all",
        ),
    )

    def __init__(self, scope: ScreenScope, on_change: Callable[[], object]) -> None:
        """on_change: called when searches read more or less than before."""
        self._scope = scope
        self._on_change = on_change

    def action_search_limit(self) -> None:
        self._scope.toggle_characters()
        characters = self._scope.characters
        if characters:
            self._scope.announce(f"searches read the first {characters:,} characters")
        else:
            self._scope.announce(f"searches read all {self._scope.length:,} characters; Esc cancels one")
        self._on_change()
