"""Pictures of the train screen, compared with those that were approved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.train import TrainScreen
from rnnscope.theme.palette import Depth, Theme
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Paused, Warned
from tests.app.conftest import PASSAGE, make_trace
from tests.app.fake import run_until
from tests.app.showing import Telling
from tests.app.waiting import until

LAST = 9_273


@pytest.fixture(scope="module")
def passage() -> Trace:
    """A passage longer than any panel, through a network as large as the pictures'."""
    return make_trace(PASSAGE * 4, hidden_size=128)


class Picture:
    """A screen that has shown a run whose clock stands still, its sample written out, and then `more`."""

    def __init__(self, trace: Trace, *more: Any, theme: Theme = "dark", depth: Depth = "truecolor") -> None:
        self._clock = 0.0
        self._run, self._more = Telling(run_until(trace, LAST)), more
        self._screen = TrainScreen(self._run, corpus="tinyshakespeare.txt", now=lambda: self._clock)
        self.app = RnnscopeApp(self._screen, theme=theme, depth=depth)

    def then(self, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
        """Wait for the run, write the sample out, press keys."""

        async def act(pilot: Pilot[Any]) -> None:
            screen = self._screen
            await until(pilot, lambda: screen.scope.selection is not None and self._run.has_said_all)
            await pilot.pause(0.3)
            for _ in range(20):  # all time passes here, so that the text stands still in the picture
                self._clock += 0.25
                screen.tick()
            self._run.say(*self._more)
            await until(pilot, lambda: self._run.has_said_all)
            await pilot.pause(0.3)
            await pilot.press(*keys)
            await pilot.pause(0.3)
            screen.controls.stop()

        return act


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_size(size: tuple[int, int], passage: Trace, snap_compare: Any) -> None:
    picture = Picture(passage)
    assert snap_compare(picture.app, terminal_size=size, run_before=picture.then())


@pytest.mark.parametrize(
    ("theme", "depth"), [("light", "truecolor"), ("dark", "256"), ("dark", "16"), ("dark", "none")]
)
def test_colors(theme: Theme, depth: Depth, passage: Trace, snap_compare: Any) -> None:
    picture = Picture(passage, theme=theme, depth=depth)
    assert snap_compare(picture.app, terminal_size=(120, 40), run_before=picture.then())


def test_paused_with_a_warning(passage: Trace, snap_compare: Any) -> None:
    picture = Picture(passage, Warned(LAST, 1.0, "the disk is full", "disk"), Paused(LAST, 1.0, True))
    assert snap_compare(picture.app, terminal_size=(120, 40), run_before=picture.then())


def test_help(passage: Trace, snap_compare: Any) -> None:
    picture = Picture(passage)
    assert snap_compare(picture.app, terminal_size=(120, 60), run_before=picture.then("question_mark"))
