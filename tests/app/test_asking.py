"""What is asked in words: keys into the prompt, and what they mean."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from rnnscope.app.asking.requests import as_asked
from rnnscope.app.widgets.prompt import Prompt
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
