"""The list of actions is the only place that knows a key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from rnnscope.app.actions import TRAIN, offered, table
from rnnscope.app.inspect_actions import INSPECT
from rnnscope.app.panels.footer import entries, fitting
from rnnscope.app.panels.panel import Panel
from rnnscope.app.screens.help import help_writer
from rnnscope.app.screens.page import PageScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from tests.app.fake import run_until
from tests.app.test_train_screen import shown, telling


def test_ids_are_unique_and_no_key_does_two_things() -> None:
    ids = [action.id for action in TRAIN]
    keys = [key for action in TRAIN for key in action.keys]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)


def test_every_action_has_a_method_a_binding_and_a_tooltip() -> None:
    bound = {binding.id: binding for binding in TrainScreen.BINDINGS if not isinstance(binding, tuple)}
    for action in TRAIN:
        assert callable(getattr(TrainScreen, f"action_{action.id}")), action.id
        assert bound[action.id].tooltip == action.description


@pytest.mark.parametrize("width", [58, 78, 96, 116, 196])
def test_the_footer_offers_as_many_as_fit_and_always_help_and_quit(width: int) -> None:
    left, right = fitting(entries(TRAIN, {}), width)
    assert [entry.label for entry in right] == ["help", "quit"]
    assert left[0].label == "pause"
    assert left[1].keys == ("←", "→")
    assert sum(entry.width + 2 for entry in (*left, *right)) - 2 <= width


def test_the_footer_is_as_drawn_at_120_columns() -> None:
    left, _ = fitting(entries(TRAIN, {}), 116)
    told = "  ".join(f"{''.join(entry.keys)} {entry.label}" for entry in left)
    assert told == (
        "space pause  ←→ cursor  ↑↓ neuron  g quantity  / find  t temperature  l learning rate  f finish"
    )


@pytest.mark.parametrize("width", [56, 76, 116, 196])
def test_help_tells_every_key_within_the_width(width: int) -> None:
    lines = help_writer(TRAIN, [])(palette("dark", "truecolor"), width)
    text = "\n".join("".join(segment.text for segment in line) for line in lines)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    squeezed = re.sub(r"\s+", " ", text)
    for action in TRAIN:
        for key in action.shown_keys:
            assert key in squeezed
    for word in ("surprise", "held out", "forget", "perplexity", "what the colors say"):
        assert word in squeezed


def test_who_watches_reads_nothing_of_training() -> None:
    told = {action.id for action in offered(live=False)}
    assert not {"pause", "finish", "save", "learning_rate"} & told
    assert {"cursor_left", "help", "quit", "temperature"} <= told


def test_the_readmes_table_has_a_row_for_each_action() -> None:
    rows = table(TRAIN).splitlines()
    assert sum(row.startswith("| `") for row in rows) == len(TRAIN)
    assert "| `space` | Pause training, or go on |" in rows


async def test_help_opens_scrolls_and_closes(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), (80, 24)) as (pilot, screen):
        await pilot.press("question_mark")
        await pilot.pause()
        page = pilot.app.screen
        assert isinstance(page, PageScreen)
        top = [strip.text for strip in page._compositor.render_strips()]
        assert any("looking" in line for line in top)
        await pilot.press("pagedown")
        await pilot.pause()
        assert [strip.text for strip in page._compositor.render_strips()] != top
        await pilot.press("escape")
        assert pilot.app.screen is screen


async def test_panels_tell_their_own_keys(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (_, screen):
        lines = help_writer(TRAIN, screen.query(Panel))(palette("dark", "truecolor"), 116)
        text = "\n".join("".join(segment.text for segment in line) for line in lines)
        assert "with the focus on loss or gradient" in text
        assert "with the focus on sample" in text


async def test_the_palette_finds_and_runs_an_action(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        assert isinstance(pilot.app.screen, CommandPalette)
        pilot.app.screen.query_one(Input).value = "likeliest characters under"
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert pilot.app.screen is screen
        assert screen.selection is not None
        assert screen.selection.top_five


def test_the_readme_has_the_keys_of_the_registry(repository: Path) -> None:
    """Where this fails: python docs/keys.py."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    for actions in (TRAIN, INSPECT):
        assert table(actions) in readme
