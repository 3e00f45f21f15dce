"""Actions: everything that a user can do on a screen, declared by the class that implements it.

    class Gates(Panel):
        ACTIONS = (Action("quantity", ("g",), "Next signal: …", "navigation", label="signal"),)

        def action_quantity(self) -> None: ...

A panel, or an object that a screen has, lists its `ACTIONS` and has a method `action_ID` for each. The screen
puts them into one `Registry`. Key bindings, footer, help screen, command palette and the tables of keys in
docs/keys.md are all made from these declarations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from textual.binding import Binding, BindingType
from textual.keys import key_to_character

from rnnscope.app.served import is_served

Group = Literal["replay", "navigation", "analysis", "text", "training", "app"]

GROUP_TITLES: dict[Group, str] = {
    "replay": "replay",
    "navigation": "navigation and view",
    "analysis": "search and analysis",
    "text": "text and samples",
    "training": "training",
    "app": "layout and app",
}

LAST = 1_000
"""The default `place`: after all other actions."""


@dataclass(frozen=True)
class Action:
    """One thing to do; its owner has a method `action_ID`."""

    id: str
    keys: tuple[str, ...]
    help: str
    """One line: tooltip, help screen and command palette."""
    group: Group
    label: str = ""
    """Its name in the footer; neighbors with one label share an entry. Empty: not in the footer."""
    place: int = LAST
    """Its position in the footer and in the help: smaller comes first."""
    synonyms: str = ""
    """Further words by which the command palette finds it."""
    live: bool = False
    """Whether it needs a training loop in this process."""
    files: bool = False
    """Whether it reads or writes a file that the user names; not offered in a web page."""

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys as they are printed, the one for the footer first."""
        return tuple(key_name(key) for key in self.keys)

    @property
    def binding(self) -> Binding:
        """The binding of a screen that has a `Registry`; see `Registry.run`."""
        return Binding(
            ",".join(self.keys), f"act('{self.id}')", self.help, show=False, tooltip=self.help, id=self.id
        )


class Owner(Protocol):
    """Declares actions, and has a method `action_ID` for each."""

    @property
    def ACTIONS(self) -> tuple[Action, ...]: ...


class Declares(Protocol):
    """A class, or an object, whose actions are known before a screen exists."""

    ACTIONS: tuple[Action, ...]


class Registry:
    """The actions of one screen, each with the method that runs it."""

    def __init__(self, owners: Iterable[Owner] = (), *, live: bool = True) -> None:
        """live: whether actions that need a training loop are offered. Raises ValueError as `add` does."""
        self._live = live
        self._actions: list[Action] = []
        self._runs: dict[str, Callable[[], Any]] = {}
        self._owners: dict[str, Owner] = {}
        for owner in owners:
            for action in owner.ACTIONS:
                self.add(action, getattr(owner, f"action_{action.id}"))
                self._owners[action.id] = owner

    def add(self, action: Action, run: Callable[[], Any]) -> None:
        """Register an action. Raises ValueError if its id or one of its keys is already registered."""
        if (action.live and not self._live) or (action.files and is_served()):
            return
        _check_unique((*self._actions, action))
        self._actions.append(action)
        self._runs[action.id] = run

    def rebind(self, actions: Iterable[Action]) -> None:
        """Replace actions by the ones with the same ids, which have other keys."""
        changed = {action.id: action for action in actions}
        self._actions = [changed.get(action.id, action) for action in self._actions]

    def of_panel(self, panel: object) -> tuple[Action, ...]:
        """The actions that a panel declares, or the object whose attribute `panel` it is."""

        def owns(owner: Owner | None) -> bool:
            return owner is panel or getattr(owner, "panel", None) is panel

        return tuple(action for action in self.actions if owns(self._owners.get(action.id)))

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, sorted by place."""
        return in_order(self._actions)

    def offers(self, action: str) -> bool:
        """Whether there is an action of this id."""
        return action in self._runs

    async def run(self, action: str) -> None:
        """Run an action; a screen calls this from `action_act`."""
        done = self._runs[action]()
        if inspect.isawaitable(done):
            await done


FOCUS = "focus."
"""Begins the id of an action that a panel has only with the focus."""


def of_bindings(bindings: Iterable[BindingType]) -> tuple[Action, ...]:
    """Actions that describe the bindings of a widget, which run with the focus only."""
    made = Binding.make_bindings(bindings)
    return tuple(
        Action(FOCUS + binding.action, (binding.key,), binding.tooltip, "navigation", binding.description)
        for binding in made
    )


def actions_of(owners: Iterable[Declares]) -> tuple[Action, ...]:
    """The actions that classes declare, sorted by place. Raises ValueError if two share an id or a key."""
    actions = in_order(action for owner in owners for action in owner.ACTIONS)
    _check_unique(actions)
    return actions


def _check_unique(actions: Iterable[Action]) -> None:
    ids: set[str] = set()
    taken: dict[str, str] = {}
    for action in actions:
        if action.id in ids:
            raise ValueError(f"two actions have the id {action.id}")
        ids.add(action.id)
        for key in action.keys:
            if key in taken:
                raise ValueError(f"{key} is a key of {taken[key]} and of {action.id}")
            taken[key] = action.id


def in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Actions sorted by place; a stable sort."""
    return tuple(sorted(actions, key=lambda action: action.place))


def bindings(actions: Iterable[Action]) -> list[Binding]:
    """The key bindings of a screen."""
    return [action.binding for action in actions if action.keys]


ALWAYS_SHOWN = ("command_palette", "help", "quit", "end_jump")
"""Actions at the footer's right edge, shown at every width."""


def table(actions: Iterable[Action]) -> str:
    """A Markdown table of keys, for docs/keys.md."""
    lines = ["| key | action |", "|---|---|"]
    for title, members in grouped(actions).items():
        lines.append(f"| **{title}** | |")
        lines.extend(f"| {_code(action.shown_keys)} | {action.help} |" for action in members)
    return "\n".join(lines)


def grouped(actions: Iterable[Action]) -> dict[str, list[Action]]:
    """Actions that have keys by the titles of their groups, in the order of the groups."""
    found: dict[str, list[Action]] = {title: [] for title in GROUP_TITLES.values()}
    for action in actions:
        if action.keys:
            found[GROUP_TITLES[action.group]].append(action)
    return {title: members for title, members in found.items() if members}


def _code(keys: tuple[str, ...]) -> str:
    return " ".join(f"`{key}`" for key in keys)


_KEY_NAMES = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "tab": "Tab",
    "escape": "Esc",
    "enter": "Enter",
    "backspace": "Bksp",
    "space": "space",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "at": "@",
    "underscore": "_",
    "backslash": "\\",
}


def key_name(key: str) -> str:
    """A key as it is printed, such as `←` for `left`."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    *modifiers, last = key.split("+")
    if modifiers:
        return "+".join([*map(str.capitalize, modifiers), last.upper() if len(last) == 1 else key_name(last)])
    if last[1:].isdigit():  # f5
        return last.upper()
    character = key_to_character(key)
    return key if character is None or character.isspace() or not character.isprintable() else character
