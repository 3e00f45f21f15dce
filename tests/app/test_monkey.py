"""Random keys, clicks and resizes on each screen, with every overlay; `benchmarks/monkey.py` does more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.monkey import SCREENS, Monkey

INPUTS = 300


@pytest.mark.parametrize("screen", sorted(SCREENS))
async def test_nothing_that_is_pressed_clicked_or_resized_ends_a_screen(
    screen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # files are written there
    monkey = Monkey(seed=11)
    try:
        await monkey.play(SCREENS[screen], INPUTS)
    except BaseException:
        print("the last inputs:", ", ".join(monkey.done[-20:]))
        raise
    assert len(monkey.done) >= INPUTS
