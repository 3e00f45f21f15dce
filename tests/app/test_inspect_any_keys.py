"""Whatever is pressed and clicked, in whatever order and at whatever size, the inspect screen goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rnnscope.app.inspect_actions import INSPECT
from rnnscope.app.panels.prompt import Prompt
from tests.app.findings import EVERYTHING, TEXT
from tests.app.looking import settled, shown, working

KEYS = [key for action in INSPECT if action.id != "quit" for key in action.keys]
ANSWERS = ["enter", "enter", "escape", "up", "down", "left", "tab", "backspace", "a", "(", "0", "5", "%", "*"]


@pytest.mark.parametrize("seed", range(6))
async def test_any_keys_in_any_order(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what is written, is written there
    random_ = random.Random(seed)
    size = ((60, 16), (80, 24), (120, 40), (200, 60), (45, 30), (100, 14))[seed]
    pressed: list[str] = []
    async with shown(working(EVERYTHING, TEXT), size) as (pilot, screen):
        for _ in range(120):
            if random_.random() < 0.1 and pilot.app.screen is screen:
                place = random_.randrange(size[0]), random_.randrange(size[1])
                pressed.append(f"click {place}")
                await pilot.click(offset=place)
            else:
                pressed.append(random_.choice(ANSWERS if screen.query_one(Prompt).display else KEYS))
                await pilot.press(pressed[-1])
            if random_.random() < 0.2:
                await settled(pilot)
            assert pilot.app.return_code is None, pressed
        assert not [notice.message for notice in screen.notices if "Error" in notice.message], pressed
