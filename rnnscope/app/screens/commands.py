"""The command palette's commands: every action that a screen offers."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from rnnscope.app.actions import Action

_KEYS_WIDTH = 14


class Commands(Provider):
    """Finds the actions of the screen that the palette was opened over."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions:
            score = matcher.match(action.description)
            if score > 0:
                display = _line(action, matcher.highlight(action.description))
                yield Hit(score, display, partial(self._run, action), text=action.description)

    async def discover(self) -> Hits:
        for action in self._actions:
            display = _line(action, Content(action.description))
            yield DiscoveryHit(display, partial(self._run, action), text=action.description)

    @property
    def _actions(self) -> tuple[Action, ...]:
        offered: tuple[Action, ...] = getattr(self.screen, "actions", ())
        return tuple(action for action in offered if action.id != "command_palette")

    async def _run(self, action: Action) -> None:
        await self.screen.run_action(action.id)


def _line(action: Action, description: Content) -> Content:
    """The keys in a column of their own, then what they do."""
    return Content.assemble((f"{'  '.join(action.shown_keys):<{_KEYS_WIDTH}}", "bold $strong"), description)
