"""Screens are compositions: no chain of subclasses, and every panel has its place and its actions."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from textual.app import App
from textual.message_pump import MessagePump

import rnnscope.app
from rnnscope.app.inspect_layout import SHARED, inspect_turns
from rnnscope.app.panels.panel import Panel
from tests.app.looking import FakeSession, shown


def classes_of_the_app() -> list[type[Any]]:
    """Every class that a module of the app defines."""
    found = []
    for module in pkgutil.walk_packages(rnnscope.app.__path__, "rnnscope.app."):
        loaded = importlib.import_module(module.name)
        found += [each for each in vars(loaded).values() if isinstance(each, type)]
    return [each for each in dict.fromkeys(found) if each.__module__.startswith("rnnscope.app")]


@pytest.mark.parametrize("kind", classes_of_the_app(), ids=lambda kind: kind.__name__)
def test_no_class_is_more_than_one_step_below_a_class_of_textual(kind: type[Any]) -> None:
    ours = [each for each in kind.__mro__[1:] if each.__module__.startswith("rnnscope.app")]
    if issubclass(kind, MessagePump):
        assert ours in ([], [Panel]), ours
    else:
        assert len(ours) <= 1, ours
    assert len(kind.__bases__) == 1 or issubclass(kind, App), "no mixins"


async def test_every_panel_that_takes_turns_is_on_the_screen() -> None:
    async with shown(FakeSession()) as (_, screen):
        ids = {panel.id for panel in screen.query(Panel)}
        assert set(SHARED) <= ids
        assert ids - set(SHARED) == {"neurons", "passage", "gates"}
        assert set(inspect_turns(200, 60)) <= set(SHARED)
