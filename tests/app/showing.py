"""A train screen under Textual's pilot, and a run that says what a test has it say."""

from __future__ import annotations

import queue
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.train import Start, TrainScreen
from rnnscope.selection import Selection
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event
from tests.app.waiting import until


class Telling:
    """A run that says these events at once, then what it is told to say, until it is stopped."""

    def __init__(self, events: list[Event]) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.say(*events)

    def say(self, *events: Event) -> None:
        for event in events:
            self._events.put(event)

    @property
    def has_said_all(self) -> bool:
        return self._events.empty()

    def __call__(self, controls: Controls, say: Callable[[Event], None]) -> None:
        while not controls.state.stop:
            try:
                say(self._events.get(timeout=0.005))
            except queue.Empty:
                continue


telling = Telling


@asynccontextmanager
async def shown(
    start: Start,
    size: tuple[int, int] = (120, 40),
    *,
    live: bool = True,
    now: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[tuple[Pilot[int], TrainScreen]]:
    """The screen once it has shown what the run says at first; its clock stands still unless one is given."""
    train = TrainScreen(start, corpus="a text", live=live, now=now)
    app = RnnscopeApp(train, theme="dark", depth="truecolor")
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        try:
            await until(pilot, lambda: screen.scope.selection is not None or has_ended(app))
            yield pilot, screen
        finally:
            train.controls.stop()


def has_ended(app: RnnscopeApp) -> bool:
    return app.failure is not None or app.return_code is not None


def seen(screen: TrainScreen) -> Selection:
    selection = screen.scope.selection
    assert selection is not None
    return selection
