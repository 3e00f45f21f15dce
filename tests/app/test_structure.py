"""Screens are compositions: no chain of subclasses, and every panel has its place and its actions."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from textual.app import App
from textual.message_pump import MessagePump

import rnnscope.app
from rnnscope.app.actions import Action, actions_of
from rnnscope.app.inspect_layout import SHARED
from rnnscope.app.panels.panel import Panel
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.tracing.trace import Trace
from tests.app.fake import run_until
from tests.app.looking import FakeSession, shown
from tests.app.showing import shown as train_shown
from tests.app.showing import telling


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


async def test_the_inspect_screen_runs_the_actions_of_its_owners_and_no_other_with_a_key() -> None:
    async with shown(FakeSession()) as (_, screen):
        agree(screen)


async def test_the_train_screen_runs_the_actions_of_its_owners_and_no_other_with_a_key(trace: Trace) -> None:
    async with train_shown(telling(run_until(trace, 1))) as (_, screen):
        agree(screen)


def agree(screen: InspectScreen | TrainScreen) -> None:
    declared, registered = set(actions_of(screen.OWNERS)), set(screen.registry.actions)
    assert declared <= registered
    assert not [action.id for action in registered - declared if action.keys]


def test_two_actions_on_one_key_are_an_error_with_both_names() -> None:
    class First:
        ACTIONS = (Action("first", ("x",), "", "app"),)

    class Second:
        ACTIONS = (Action("second", ("y", "x"), "", "app"),)

    with pytest.raises(ValueError, match="x is a key of first and of second"):
        actions_of((First, Second))
