"""Random keys and clicks on the inspect screen: no error is shown, and it does not end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rnnscope.app.actions import actions_of
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.screens.inspect import InspectScreen
from tests.app.looking import settled, shown
from tests.app.real import session

KEYS = [key for action in actions_of(InspectScreen.OWNERS) if action.id != "quit" for key in action.keys]
TYPED = ["enter", "enter", "escape", "up", "down", "left", "tab", "backspace", "a", "(", "0", "5", "%", "*"]


@pytest.mark.parametrize("seed", range(6))
async def test_any_keys_in_any_order(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # files are written there
    random_ = random.Random(seed)
    size = ((60, 16), (80, 24), (120, 40), (200, 60), (45, 30), (100, 14))[seed]
    pressed: list[str] = []
    async with shown(session(), size) as (pilot, screen):
        for _ in range(120):
            if random_.random() < 0.1 and pilot.app.screen is screen:
                place = random_.randrange(size[0]), random_.randrange(size[1])
                pressed.append(f"click {place}")
                await pilot.click(offset=place)
            else:
                pressed.append(random_.choice(TYPED if screen.query_one(Prompt).display else KEYS))
                await pilot.press(pressed[-1])
            if random_.random() < 0.2:
                await settled(pilot)
            assert pilot.app.return_value is None, pressed
        errors = [each.message for each in screen.banner.log_of_messages if "internal error" in each.message]
        assert not errors, pressed
