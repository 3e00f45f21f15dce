"""The command palette: every action of the screen that it was opened over, by its name, help or synonyms."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rnnscope.app.actions import Action, Registry

_KEYS_WIDTH = 14
_EXACT, _BY_NAME, _BY_HELP, _BY_SYNONYM = 5.0, 4.0, 3.0, 2.0
"""Scores of a whole name, of the beginnings of words of a name, of the help, and of the synonyms. Letters
that only stand in order in the help score up to 1."""


class ActionPalette(CommandPalette):
    """Textual's palette, which any keys and clicks leave in order; quitting works from it, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "app.quit", show=False, priority=True),
        Binding("ctrl+z", "app.suspend_process", show=False, priority=True),
    ]

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leave the palette, once: a second click may be on its way when the first has closed it."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_click(self, event: events.Click) -> None:
        """A click beside the palette closes it; one that comes when it is closed does nothing."""
        if not self.is_active:
            event.prevent_default()

    def _action_command_list(self, action: str) -> None:
        """Move in the list, unless it has nothing to choose.

        Paging does not ask where lines are drawn: there may be none yet, or no more.
        """
        commands = self.query_one(CommandList)
        if not any(not option.disabled for option in commands.options):
            return
        if action in ("page_up", "page_down"):
            page = max(1, commands.size.height) * (1 if action == "page_down" else -1)
            at = (commands.highlighted or 0) + page
            commands.highlighted = max(0, min(at, commands.option_count - 1))
        else:
            super()._action_command_list(action)

    def _action_cursor_down(self) -> None:
        if any(not option.disabled for option in self.query_one(CommandList).options):
            super()._action_cursor_down()


class Commands(Provider):
    """Finds actions."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._registry.actions:
            score = max(words_score(action, query), min(1.0, matcher.match(action.help)))
            if action.id != "command_palette" and score > 0:
                display = _line(action, matcher.highlight(action.help))
                yield Hit(score, display, partial(self._registry.run, action.id), text=action.help)

    async def discover(self) -> Hits:
        for action in self._registry.actions:
            if action.id != "command_palette":
                run = partial(self._registry.run, action.id)
                yield DiscoveryHit(_line(action, Content(action.help)), run, text=action.help)

    @property
    def _registry(self) -> Registry:
        found = getattr(self.screen, "registry", None)
        return found if isinstance(found, Registry) else Registry()


def words_score(action: Action, query: str) -> float:
    """How well the words of a query name an action; 0 where one of them begins no word of it."""
    wanted = _words(query)
    name = _words(f"{action.id} {action.label}")
    if wanted in (_words(action.id), _words(action.label)):
        return _EXACT
    fields = ((name, _BY_NAME), (_words(action.help), _BY_HELP), (_words(action.synonyms), _BY_SYNONYM))
    known: list[str] = []
    for words, score in fields:
        known += words
        if wanted and all(any(word.startswith(each) for word in known) for each in wanted):
            # The sooner the word stands, the more the action is about it.
            first = min((i for i, word in enumerate(words) if word.startswith(wanted[0])), default=len(words))
            return score - first / (len(words) + 1)
    return 0.0


def _words(text: str) -> list[str]:
    letters = "".join(character if character.isalnum() else " " for character in text.lower())
    return letters.split()


def _line(action: Action, help: Content) -> Content:
    """The keys in a column of their own, then the help."""
    return Content.assemble((f"{'  '.join(action.shown_keys):<{_KEYS_WIDTH}}", "bold $strong"), help)
