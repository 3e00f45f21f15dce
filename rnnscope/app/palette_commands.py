"""The command palette: finds the actions of the current screen by name, help or synonyms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rnnscope.app.actions import FOCUS, Action, Registry
from rnnscope.app.panels.panel import Panel

_KEYS_WIDTH = 14
_EXACT, _BY_NAME, _IS_SYNONYM, _BY_HELP, _BY_SYNONYM = 5.0, 4.0, 3.5, 3.0, 2.0
"""Scores of a whole name, word prefixes in the name, a whole synonym, word prefixes in the help and in the
synonyms. A fuzzy match in the help scores up to 1."""


class ActionPalette(CommandPalette):
    """Textual's command palette, made robust against fast keys and clicks, with the keys to quit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "app.quit", show=False, priority=True),
        Binding("ctrl+z", "app.suspend_process", show=False, priority=True),
    ]

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close the palette once; a second click may arrive after the first has closed it."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_click(self, event: events.Click) -> None:
        """A click outside the palette closes it; ignored if it is already closed."""
        if not self.is_active:
            event.prevent_default()

    def _action_command_list(self, action: str) -> None:
        """Move in the list, if it has an enabled option.

        Paging is computed from the list's height, since its lines may not have been rendered yet.
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
    """Finds actions, and the keys that panels in sight have with the focus."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, run in self._choices():
            score = max(words_score(action, query), min(1.0, matcher.match(action.help)))
            if score > 0:
                yield Hit(score, _line(action, matcher.highlight(action.help)), run, text=action.help)

    async def discover(self) -> Hits:
        for action, run in self._choices():
            yield DiscoveryHit(_line(action, Content(action.help)), run, text=action.help)

    def _choices(self) -> Iterator[tuple[Action, Callable[[], Any]]]:
        registry = getattr(self.screen, "registry", None)
        if isinstance(registry, Registry):
            for action in registry.actions:
                if action.id != "command_palette":
                    yield action, partial(registry.run, action.id)
        for panel in self.screen.query(Panel):
            for action in panel.focus_actions() if panel.display else ():
                run = action.id.removeprefix(FOCUS)
                named = replace(action, id=run, help=f"{panel.heading.capitalize()}: {action.help}", label="")
                yield named, partial(_run_with_focus, panel, run)


async def _run_with_focus(panel: Panel, action: str) -> None:
    panel.focus()
    await panel.run_action(action)


def words_score(action: Action, query: str) -> float:
    """How well a query matches an action; 0 unless each of its words is a prefix of a word of the action."""
    wanted, synonyms = _words(query), _words(action.synonyms)
    if wanted in (_words(action.id), _words(action.label)):
        return _EXACT
    scores = [0.0]
    fields = (
        (_words(f"{action.id} {action.label}"), _BY_NAME),
        (_words(action.help), _BY_HELP),
        (synonyms, _BY_SYNONYM),
    )
    known: list[str] = []
    for words, score in fields:
        known += words
        if wanted and all(any(word.startswith(each) for word in known) for each in wanted):
            # An earlier word is more specific to the action.
            first = min((i for i, word in enumerate(words) if word.startswith(wanted[0])), default=len(words))
            scores.append(score - first / (len(words) + 1))
            break
    if len(wanted) == 1 and wanted[0] in synonyms:
        scores.append(_IS_SYNONYM - synonyms.index(wanted[0]) / (len(synonyms) + 1))
    return max(scores)


def _words(text: str) -> list[str]:
    letters = "".join(character if character.isalnum() else " " for character in text.lower())
    return letters.split()


def _line(action: Action, help: Content) -> Content:
    """The keys in a column, then the help."""
    return Content.assemble((f"{'  '.join(action.shown_keys):<{_KEYS_WIDTH}}", "bold $strong"), help)
