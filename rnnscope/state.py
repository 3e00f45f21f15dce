"""What the screens remember from one session to the next: `state.json` in the user's state directory.

    remember("layout", "inspect", "gates")
    recall("layout", "inspect")                 # "gates"; None if it was never remembered

The environment variable `RNNSCOPE_STATE` names another file; if it is empty, nothing is remembered.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs

from rnnscope.files import write_json
from rnnscope.strict_json import JsonError, read_json

_MAX_BYTES = 1_000_000


def state_file() -> Path | None:
    """The file; None if nothing is to be remembered."""
    named = os.environ.get("RNNSCOPE_STATE")
    if named is None:
        return platformdirs.user_state_path("rnnscope", appauthor=False) / "state.json"
    return Path(named) if named else None


def recall(section: str, name: str) -> Any:
    """The remembered JSON value; None if there is none or the file cannot be read."""
    return _section(_read(), section).get(name)


def remember(section: str, name: str, value: object, *, most: int | None = None) -> None:
    """Remember a JSON value, and leave all others as they are. Raises OSError.

    most: how many values the section keeps; the ones that were remembered longest ago are dropped.
    """
    path = state_file()
    if path is None:
        return
    state = _read()
    entries = _section(state, section)
    if name in entries and entries[name] == value:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    others = [(other, at) for other, at in entries.items() if other != name]
    kept = others if most is None else others[max(0, len(others) - most + 1) :]
    write_json(path, {**state, section: {**dict(kept), name: value}})


def _read() -> dict[str, Any]:
    path = state_file()
    try:
        state = None if path is None else read_json(path, max_bytes=_MAX_BYTES)
    except (OSError, JsonError):
        state = None
    return state if isinstance(state, dict) else {}


def _section(state: dict[str, Any], section: str) -> dict[str, Any]:
    entries = state.get(section)
    return entries if isinstance(entries, dict) else {}
