"""What is asked in words: keys into the prompt, and what they mean."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input, Label

from rnnscope.app.asking.requests import as_asked
from rnnscope.app.panels.prompt import Prompt
from tests.app.looking import settled, shown, working


@pytest.mark.parametrize(
    ("told", "kind", "asked"),
    [
        ("quote", "feature", "quotes"),
        ("Square Brackets", "feature", "square-brackets"),
        ("square bracket", "feature", "square-brackets"),
        ("digits", "feature", "digit"),
        ("(quote)", "inside", "(quote)"),
        ("s", "inside", "s"),
        ("after:Mr", "after", "Mr"),
    ],
)
def test_what_is_found_is_a_feature_wherever_one_is_meant(told: str, kind: str, asked: str) -> None:
    find = as_asked(told)
    assert (find.kind, find.asked) == (kind, asked)


async def test_keys_that_come_in_one_breath_with_a_prompts_own_are_its_text() -> None:
    async with shown(working()) as (pilot, screen):
        for key in ("slash", *"quit", "space", "q"):
            character = {"slash": "/", "space": " "}.get(key, key)
            pilot.app.post_message(events.Key(key, character))
        await settled(pilot)
        assert screen.query_one(Prompt).query_one(Input).value == "quit q"
        assert pilot.app.is_running


async def test_escape_closes_a_prompt_that_a_click_took_the_focus_from() -> None:
    async with shown(working()) as (pilot, screen):
        await pilot.press("slash", *"wor")
        await pilot.click("#find", offset=(4, 0))
        await settled(pilot)
        prompt = screen.query_one(Prompt)
        assert prompt.display
        assert not isinstance(screen.focused, Input)
        await pilot.press("escape")
        assert not prompt.display


@pytest.mark.parametrize("key", ["slash", "f", "colon", "x", "w"])
async def test_what_ends_a_question_is_in_sight_in_80_columns(key: str) -> None:
    async with shown(working(), (80, 24)) as (pilot, screen):
        await pilot.press(key)
        hint = screen.query_one(Prompt).query_one("#hint", Label)
        keys = str(hint.content)
        await pilot.click(hint, offset=(2 + keys.index("Esc"), 0))
        assert not screen.query_one(Prompt).display
