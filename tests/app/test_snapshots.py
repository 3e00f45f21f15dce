"""Pictures of the main screens, compared cell by cell with those that were approved."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.train import TrainScreen
from rnnscope.inspection.live import serve
from rnnscope.theme.palette import Depth, Theme
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Paused, Warned
from tests.app.conftest import PASSAGE, make_trace
from tests.app.fake import run_until
from tests.app.test_train_find import planted
from tests.app.waiting import until

LAST = 9_273


@pytest.fixture(scope="module")
def passage() -> Trace:
    """A passage longer than any panel, through a network as large as the pictures'."""
    return make_trace(PASSAGE * 4, hidden_size=128)


class Stage:
    """A screen that has shown a run whose clock stands still, with its sample written out."""

    def __init__(
        self,
        trace: Trace,
        *more: Event,
        theme: Theme = "dark",
        depth: Depth = "truecolor",
        events: list[Event] | None = None,
    ) -> None:
        said = [*(run_until(trace, LAST) if events is None else events), *more]
        self._clock = [0.0]

        def start(controls: Controls, say: Callable[[Event], None]) -> None:
            for event in said:
                say(event)
            while not controls.state.stop:
                time.sleep(0.005)

        self.app = RnnscopeApp(
            start,
            search=serve,
            corpus="tinyshakespeare.txt",
            theme=theme,
            depth=depth,
            now=lambda: self._clock[0],
        )

    def then(self, *keys: str) -> Callable[[Pilot[Any]], Any]:
        """Wait for the run, write the sample out, press keys."""

        async def act(pilot: Pilot[Any]) -> None:
            screen = self.app.screen
            assert isinstance(screen, TrainScreen)
            await until(pilot, lambda: screen.selection is not None)
            # all ticks of the sample's clock come from here, so that the text stands still in the picture
            for _ in range(20):
                self._clock[0] += 0.25
                screen._tick()
            await pilot.press(*keys)
            await pilot.pause(0.2)
            await until(pilot, lambda: "slash" not in keys or screen._course is not None)
            self.app.controls.stop()

        return act


def test_train_screen(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_train_screen_light(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage, theme="light")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_train_screen_small(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(80, 24), run_before=stage.then())


def test_train_screen_smallest(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(60, 16), run_before=stage.then())


def test_train_screen_large(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(200, 60), run_before=stage.then())


def test_too_small(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(50, 12), run_before=stage.then())


def test_paused_with_a_warning(passage: Trace, snap_compare: Any) -> None:
    warned = Warned(LAST, 115.9, "the disk is full: training goes on, the last checkpoint is whole", "disk")
    stage = Stage(passage, Paused(LAST, 115.9, True), warned)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_finished(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage, Finished(LAST, 115.9, "steps", 1.588))
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_top_five_of_a_gate(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then("G", "G", "5"))


def test_an_enlarged_passage_by_surprise(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then("c", "z"))


def test_a_question(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then("t"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_find(size: tuple[int, int], snap_compare: Any) -> None:
    trace = planted(0.6, times=4, step=LAST)
    stage = Stage(trace, events=run_until(trace, LAST))
    assert snap_compare(stage.app, terminal_size=size, run_before=stage.then("slash", *"quotes", "enter"))


def test_help(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage)
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then("question_mark"))


def test_the_gradient_on_256_colors(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage, depth="256")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then("o"))


def test_sixteen_colors(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage, depth="16")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_no_color(passage: Trace, snap_compare: Any) -> None:
    stage = Stage(passage, depth="none")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())


def test_before_the_first_step(passage: Trace, snap_compare: Any) -> None:
    bare = replace(passage, step=0)
    events = run_until(bare, LAST)
    stage = Stage(bare, events=[events[0], *[e for e in events if type(e).__name__ == "Traced"]])
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=stage.then())
