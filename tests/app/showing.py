"""A train screen under Textual's pilot, and a run that says what a test has it say."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp, Start
from rnnscope.app.screens.train import TrainScreen
from rnnscope.selection import Selection
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event
from tests.app.waiting import until


def telling(events: list[Event]) -> Start:
    """A run that says these events at once, then waits until it is stopped."""

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        for event in events:
            say(event)
        while not controls.state.stop:
            time.sleep(0.005)

    return start


@asynccontextmanager
async def shown(
    start: Start, size: tuple[int, int] = (120, 40), *, live: bool = True
) -> AsyncIterator[tuple[Pilot[int], TrainScreen]]:
    """The screen once it has shown what the run says at first."""
    app = RnnscopeApp(start, corpus="a text", live=live, theme="dark", depth="truecolor", now=lambda: 0.0)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        try:
            await until(
                pilot,
                lambda: (
                    screen.selection is not None or app.failure is not None or app.return_code is not None
                ),
            )
            yield pilot, screen
        finally:
            app.controls.stop()


def seen(screen: TrainScreen) -> Selection:
    assert screen.selection is not None
    return screen.selection
