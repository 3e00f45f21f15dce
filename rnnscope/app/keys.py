"""Keys that the user chose for actions, by the actions' ids.

A key is written as it is shown (`Ctrl+P`, `←`, `[`), or as Textual names it (`ctrl+p`, `left`).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from textual.binding import Binding
from textual.keys import Keys as TextualKeys

from rnnscope.app.actions import Action, key_name
from rnnscope.errors import OptionError

KeysOfActions: TypeAlias = Mapping[str, tuple[str, ...]]

_ALWAYS = ("ctrl+c", "ctrl+q", "ctrl+z")
"""Keys that quit and suspend on every screen."""
_MODIFIED = re.compile(r"((?:ctrl|shift|alt)\+)+([a-z0-9]|f\d{1,2}|[a-z_]{2,})")


def key_of(written: str) -> str:
    """Textual's name of a key. Raises OptionError for a word that names no key."""
    lower, names = written.lower(), _names()
    if lower in names and (len(written) > 1 or not written.isalpha()):
        return names[lower]
    if len(written) == 1 and written.isprintable():
        return _of_character(written)
    modified = _MODIFIED.fullmatch(lower)
    if modified is not None and (len(modified[2]) == 1 or modified[2] in names):
        return lower
    raise OptionError(f"there is no key {written}; write a character, or a name such as ctrl+k, f2 or pgup")


def _of_character(character: str) -> str:
    # A comma separates the keys of a binding.
    return "comma" if character == "," else next(iter(Binding.make_bindings([Binding(character, "")]))).key


@cache
def _names() -> dict[str, str]:
    """Textual's names of keys by how they are written: as these names, and as they are shown."""
    keys = [str(key.value) for key in TextualKeys if not key.value.startswith("<")]
    keys += map(_of_character, string.punctuation)
    return {" ": "space"} | {key: key for key in keys} | {key_name(key).lower(): key for key in keys}


def rebound(actions: Iterable[Action], keys: KeysOfActions) -> tuple[Action, ...]:
    """The actions with the user's keys. Raises OptionError if a key has two actions."""
    changed = []
    for action in actions:
        if action.id in keys:
            try:
                action = replace(action, keys=tuple(map(key_of, keys[action.id])))
            except OptionError as error:
                raise OptionError(f"keys.{action.id}: {error}") from None
        changed.append(action)
    taken = {key: action.id for action in changed if action.id not in keys for key in action.keys}
    for action in changed:
        for key in action.keys if action.id in keys else ():
            if key in _ALWAYS and action.id not in ("quit", "suspend"):
                raise OptionError(f"keys.{action.id}: {key_name(key)} quits or suspends on every screen")
            if taken.setdefault(key, action.id) != action.id:
                raise OptionError(
                    f"keys.{action.id}: {key_name(key)} is a key of {taken[key]}, too; choose another for one"
                )
    return tuple(changed)
