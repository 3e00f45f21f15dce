"""What the screen does while a run cannot be saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.app.frame.header import Header
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Saved, Warned
from tests.app.fake import run_until
from tests.app.showing import shown, telling
from tests.app.waiting import text_of, until

DISK = Warned(9_300, 1.0, "runs/a cannot be written: No space left on device; trying again", "disk")
UNSAVED = Warned(9_400, 1.0, "runs/a could not be written: No space left on device", "unsaved")


class Unsaved:
    """A run that cannot be saved: it ends once it has an answer."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.answer: str | None = None

    def __call__(self, controls: Controls, say: Callable[[Event], None]) -> None:
        for event in run_until(self._trace):
            say(event)
        while not controls.state.stop:
            controls.wait(0.05)
        if controls.state.offers_rescue:
            say(UNSAVED)
        while (state := controls.state).offers_rescue and state.rescue is None:
            controls.wait(0.05)
        self.answer = controls.state.rescue
        say(Finished(9_400, 1.0, "stopped"))


async def test_the_header_says_not_saved_until_a_save_worked(trace: Trace) -> None:
    run = telling([*run_until(trace), DISK])
    async with shown(run, (80, 24)) as (pilot, screen):
        header = screen.query_one(Header)
        await until(pilot, lambda: "! not saved" in header.render_line(0).text)
        await pilot.press("escape", "escape")
        assert "! not saved" in header.render_line(0).text
        run.say(Saved(9_310, 1.0, "runs/a/last.safetensors", "last"))
        await until(pilot, lambda: "not saved" not in header.render_line(0).text)


async def test_a_directory_is_asked_for_and_answered(trace: Trace, tmp_path: Path) -> None:
    run = Unsaved(trace)
    async with shown(run) as (pilot, screen):
        await pilot.press("q")
        await until(pilot, lambda: screen.prompt.display)
        assert "No space left on device" in text_of(screen)
        assert "saving" in text_of(screen)
        await pilot.press("enter")
        assert screen.prompt.display, "an empty answer is none"
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "file").touch()
        await pilot.press(*str(tmp_path / "full"), "enter")
        assert screen.prompt.display, "a directory that holds something"
        await pilot.press(*["backspace"] * 4, *"other", "enter")
        await until(pilot, lambda: run.answer is not None or pilot.app.return_code is not None)
    assert run.answer == str(tmp_path / "other")


async def test_the_question_comes_back_after_another_one(trace: Trace) -> None:
    run = Unsaved(trace)
    async with shown(run) as (pilot, screen):
        screen.controls.stop()
        await until(pilot, lambda: screen.prompt.display)
        await screen.registry.run("temperature")
        await pilot.press("enter")
        await until(pilot, lambda: screen.prompt.display)
        assert screen.controls.state.offers_rescue
        await pilot.press("escape")
        await until(pilot, lambda: not screen.controls.state.offers_rescue)
    assert run.answer is None


@pytest.mark.parametrize("is_asked", [True, False])
async def test_a_terminal_that_is_gone_is_not_waited_for(trace: Trace, is_asked: bool) -> None:
    run = Unsaved(trace)
    async with shown(run) as (pilot, screen):
        if is_asked:
            screen.controls.stop()
            await until(pilot, lambda: screen.prompt.display)
        await pilot.app.run_action("hang_up")
        for _ in range(200):
            if pilot.app.return_code is not None:
                break
            await pilot.pause(0.02)
        assert pilot.app.return_code is not None
    assert run.answer is None


async def test_a_run_of_another_process_is_not_rescued_here(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), live=False) as (_, screen):
        assert not screen.controls.state.offers_rescue
