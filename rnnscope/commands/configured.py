"""What commands take from the user's configuration: defaults of options; layouts and keys of screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from rnnscope.config import Config, config_path, load_config
from rnnscope.errors import OptionError, suggestion

if TYPE_CHECKING:
    from rnnscope.app.actions import Action

SCREENS = ("train", "inspect", "replay", "runs", "learn")
"""The screens that have layouts; watch has that of train, or of runs; compare that of inspect."""


def config_for(kind: type, arguments: Sequence[str]) -> Config | None:
    """The configuration for a command with a screen, whose options have a field `theme`; None for others.

    kind: the dataclass of its options. None also where `arguments` ask for help. Raises OptionError.
    """
    has_theme = is_dataclass(kind) and any(field.name == "theme" for field in fields(kind))
    return None if not has_theme or {"-h", "--help"} & set(arguments) else checked_config()


def checked_config() -> Config:
    """The user's configuration, with the names of layouts and the keys checked. Raises OptionError."""
    config = load_config()
    try:
        if config.layout:
            _check_layouts(config.layout)
        if config.keys:
            _check_keys(config.keys)
    except OptionError as error:
        raise OptionError(f"{config_path()}: {error}") from None
    return config


def _check_layouts(layouts: Mapping[str, str]) -> None:
    from rnnscope.app.layout import LAYOUTS

    for screen, layout in layouts.items():
        if screen not in SCREENS:
            raise OptionError(f"there is no screen {screen}; {suggestion(screen, SCREENS)}")
        if layout not in LAYOUTS:
            raise OptionError(f"layout.{screen}: there is no layout {layout}; {suggestion(layout, LAYOUTS)}")


def _check_keys(keys: Mapping[str, tuple[str, ...]]) -> None:
    from rnnscope.app.keys import rebound

    ids: set[str] = set()
    for actions in actions_of_screens():
        ids |= {action.id for action in rebound(actions, keys)}
    for name in keys:
        if name not in ids:
            raise OptionError(f"there is no action {name}; {suggestion(name, sorted(ids))}")


def actions_of_screens() -> list[tuple[Action, ...]]:
    """The actions of every screen."""
    from rnnscope.app.actions import actions_of
    from rnnscope.app.screens.inspect import InspectScreen
    from rnnscope.app.screens.learn import LearnScreen
    from rnnscope.app.screens.replay import ReplayScreen
    from rnnscope.app.screens.runs import RunsScreen
    from rnnscope.app.screens.train import TrainScreen

    screens = (TrainScreen, InspectScreen, ReplayScreen, RunsScreen, LearnScreen)
    return [actions_of(each.OWNERS) for each in screens]
