"""Keys, footer, help, palette and docs/keys.md are all made from the actions that panels declare."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from rnnscope.app.actions import Action, Registry, actions_of, table
from rnnscope.app.frame.footer import Footer, entries, fitting
from rnnscope.app.pages.help import help_writer
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.palette_commands import words_score
from rnnscope.app.panels.panel import Panel
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.learn import LearnScreen
from rnnscope.app.screens.replay import ReplayScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from tests.app.fake import run_until
from tests.app.looking import FakeSession, app_of
from tests.app.showing import shown, telling
from tests.app.test_train_screen_panels import page_text
from tests.app.waiting import until

TRAIN, INSPECT = actions_of(TrainScreen.OWNERS), actions_of(InspectScreen.OWNERS)
REPLAY = actions_of(ReplayScreen.OWNERS)
LEARN = actions_of(LearnScreen.OWNERS)


@pytest.mark.parametrize(
    "actions", [TRAIN, INSPECT, REPLAY, LEARN], ids=["train", "inspect", "replay", "learn"]
)
def test_ids_are_unique_and_no_key_does_two_things(actions: tuple[Action, ...]) -> None:
    ids = [action.id for action in actions]
    keys = [key for action in actions for key in action.keys]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)


def test_a_key_does_the_same_on_both_screens() -> None:
    train = {key: action for action in TRAIN for key in action.keys}
    inspect = {key: action for action in INSPECT for key in action.keys}
    shared = {key for key in train.keys() & inspect.keys() if train[key] == inspect[key]}
    assert len(shared) >= 40
    # A key of one screen alone may not be another action's on the other one; space pauses what is going on.
    assert train.keys() & inspect.keys() == shared | {"space"}
    ids = {action.id: action for action in TRAIN}
    assert all(ids[action.id] == action for action in INSPECT if action.id in ids)


def test_the_keys_of_a_replay_are_those_of_the_other_screens_where_it_does_not_play() -> None:
    others = {key: action for action in (*INSPECT, *TRAIN) for key in action.keys}
    replay = {key: action for action in REPLAY for key in action.keys}
    differing = {key for key in replay.keys() & others.keys() if replay[key] != others[key]}
    assert differing == {"space", "less_than_sign", "greater_than_sign", "colon", "N"}


@pytest.mark.parametrize("screen", [TrainScreen, InspectScreen, ReplayScreen])
def test_every_action_has_an_owner_with_a_method_a_binding_and_a_tooltip(screen: Any) -> None:
    bound = {binding.id: binding for binding in screen.BINDINGS}
    for owner in screen.OWNERS:
        for action in owner.ACTIONS:
            assert callable(getattr(owner, f"action_{action.id}")), action.id
            assert {each.tooltip for each in screen.BINDINGS if each.id == action.id} == {action.help}
    assert len(bound) == len([action for action in actions_of(screen.OWNERS) if action.keys])


@pytest.mark.parametrize("width", [58, 78, 96, 116, 196])
def test_the_footer_offers_as_many_as_fit_and_always_help_and_quit(width: int) -> None:
    left, right = fitting(entries(TRAIN, {}), width)
    assert [entry.label for entry in right] == ["more", "help", "quit"]
    assert left[0].label == "pause"
    assert left[1].keys == ("←", "→")
    assert sum(entry.width + 2 for entry in (*left, *right)) - 2 <= width


def test_the_footer_is_as_drawn_at_120_columns() -> None:
    left, _ = fitting(entries(TRAIN, {"command_palette": ""}), 116)
    told = "  ".join(f"{''.join(entry.keys)} {entry.label}" for entry in left)
    assert told == (
        "space pause  ←→ cursor  ↑↓ neuron  g quantity  / find  t temperature  l learning rate  f finish"
    )


@pytest.mark.parametrize("width", [56, 76, 116, 196])
def test_help_tells_every_key_within_the_width(width: int) -> None:
    lines = help_writer(TRAIN, [])(palette("dark", "truecolor"), width, "")
    text = "\n".join("".join(segment.text for segment in line) for line in lines)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    squeezed = re.sub(r"\s+", " ", text)
    for action in TRAIN:
        for key in action.shown_keys:
            assert key in squeezed
    for word in ("surprisal", "held out", "forget", "perplexity", "glossary"):
        assert word in squeezed


async def test_a_screen_that_only_watches_offers_nothing_of_training(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), live=False) as (_, screen):
        offered = {action.id for action in screen.registry.actions}
        assert not {"pause", "finish", "save", "learning_rate"} & offered
        assert {"cursor_left", "help", "quit", "temperature"} <= offered


def test_two_actions_of_one_key_are_refused() -> None:
    registry = Registry()
    registry.add(Action("one", ("a",), "One", "app"), print)
    with pytest.raises(ValueError, match="a is a key of one"):
        registry.add(Action("two", ("a",), "Two", "app"), print)
    with pytest.raises(ValueError, match="two actions have the id one"):
        registry.add(Action("one", ("b",), "Other", "app"), print)


BOTH = """
    zoom: zoom, quit: quit, exit: quit, screenshot: screenshot, theme: theme, light: theme, tabs: next_tab,
    layout: layout_1, reading: layout_2, gates: panel_gates, next: panel_next, jump: jump, color: surprisal,
    softmax: top_five, hide: hide, help: help, shortcuts: help, search: find, regex: find, undo: back"""
INSPECT_ONLY = """
    ablate: ablate, gradient: gradients, saturation: saturation, export: export, compare: compare,
    attribution: saliency, error: errors, note: note, bookmark: bookmark, save: export,
    heat map: panel_map, whole text: scope"""
TRAIN_ONLY = """
    temperature: temperature, resume: pause, pause: pause, learning rate: learning_rate, loss: panel_loss,
    gradient: panel_gradient, perplexity: units, checkpoint: save"""
"""Queries, and the actions that they find first."""


def assert_found(registry: Registry, table: str) -> None:
    for line in table.split(","):
        query, expected = (part.strip() for part in line.split(":"))
        scores = [(words_score(action, query), action.id) for action in registry.actions]
        assert max(scores, key=lambda scored: scored[0])[1] == expected, query


async def choose(pilot: Pilot[int], query: str, found: str) -> None:
    """Run the only action that the palette finds for a query."""
    screen = pilot.app.screen
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    commands = pilot.app.screen.query_one(CommandList)
    pilot.app.screen.query_one(Input).value = query
    await until(pilot, lambda: commands.option_count == 1 and found in str(commands.options[0].prompt))
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.screen is screen)


async def test_the_palette_of_the_inspect_screen_puts_the_meant_action_first() -> None:
    app = app_of(FakeSession())
    async with app.run_test():
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        assert_found(screen.registry, BOTH)
        assert_found(screen.registry, INSPECT_ONLY)


async def test_the_palette_of_the_train_screen_puts_the_meant_action_first_and_runs_it(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        assert_found(screen.registry, BOTH)
        assert_found(screen.registry, TRAIN_ONLY)
        await choose(pilot, "top-5 predictions", "Show top-5")
        await choose(pilot, "log axis", "Loss: Steps on a log axis")
        assert pilot.app.screen is screen
        assert screen.scope.selection is not None
        assert screen.scope.selection.top_five
        assert screen.focused is screen.loss
        assert not screen.loss.log_steps


def test_the_table_has_a_row_for_each_action() -> None:
    rows = table(TRAIN).splitlines()
    assert sum(row.startswith("| `") for row in rows) == len(TRAIN)
    assert "| `space` | Pause / resume training |" in rows


async def test_help_begins_with_the_focused_panel_scrolls_and_is_searched(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), (60, 16)) as (pilot, screen):
        screen.loss.focus()
        await pilot.press("question_mark")
        await pilot.pause()
        page = pilot.app.screen
        assert isinstance(page, PageScreen)
        top = page_text(page)
        assert top.split("\n")[3].strip() == "loss"
        assert "Read the value one column to the left" in top
        await pilot.press("pagedown")
        await pilot.pause()
        assert page_text(page) != top
        await pilot.press("slash", *"log axis")
        await pilot.pause()
        found = [line.strip() for line in page_text(page).split("\n")[3:]]
        assert found[:3] == [
            "loss",
            "a              Steps on a log axis / a linear axis",
            "(toggle)",
        ]
        assert "Read the value" not in page_text(page)
        await pilot.press("enter", "q")  # not a word
        await pilot.pause()
        assert pilot.app.screen is screen
        # By mouse, and Esc first ends the search.
        await pilot.click("#footer", offset=(screen.query_one(Footer).render_line(0).text.index("help"), 0))
        await pilot.pause()
        page = pilot.app.screen
        await pilot.click(page.children[0], offset=(page_text(page).split("\n")[1].index("search"), 1))
        await pilot.press(*"surprisal", "escape")
        await pilot.pause()
        assert page_text(page) == top
        await pilot.press("slash", *"xyzzy")
        await pilot.pause()
        assert "nothing has these words" in page_text(page)
        await pilot.press("escape", "escape")
        assert pilot.app.screen is screen


async def test_panels_tell_their_own_keys(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (_, screen):
        lines = help_writer(TRAIN, screen.query(Panel))(palette("dark", "truecolor"), 116, "")
        text = "\n".join("".join(segment.text for segment in line) for line in lines)
        assert "with the focus on loss or gradient" in text
        assert "with the focus on sample" in text


def test_the_page_of_keys_has_those_of_the_registry(repository: Path) -> None:
    """Where this fails: python docs/keys.py."""
    page = (repository / "docs" / "keys.md").read_text(encoding="utf-8")
    for actions in (TRAIN, INSPECT, LEARN):
        assert table(actions) in page


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_the_keys_that_quit_also_work_in_the_palette(key: str) -> None:
    app = app_of(FakeSession())
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        assert isinstance(app.screen, CommandPalette)
        await pilot.press(key)
        await pilot.pause(0.2)
    assert app.return_value == 0
