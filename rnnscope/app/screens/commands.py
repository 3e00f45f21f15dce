"""The command palette's commands: every action that a screen offers."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from rnnscope.app.actions import Action


class Commands(Provider):
    """Finds the actions of the screen that the palette was opened over."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions:
            name = _name(action)
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self._run, action), text=name)

    async def discover(self) -> Hits:
        for action in self._actions:
            yield DiscoveryHit(_name(action), partial(self._run, action))

    @property
    def _actions(self) -> tuple[Action, ...]:
        offered: tuple[Action, ...] = getattr(self.screen, "actions", ())
        return tuple(action for action in offered if action.id != "command_palette")

    async def _run(self, action: Action) -> None:
        await self.screen.run_action(action.id)


def _name(action: Action) -> str:
    return f"{action.description}  ({' '.join(action.shown_keys)})"
