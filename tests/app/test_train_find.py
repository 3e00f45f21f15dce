"""Find and contexts on the train screen: a real worker over made-up traces in which one neuron is planted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnscope.analysis.features import values
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.panels.live_find import Course, Turns
from rnnscope.app.panels.passage import Passage
from rnnscope.app.screens.train import TrainScreen
from rnnscope.app.train_layout import REPORTS
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Traced
from rnnscope.training.options import TrainOptions
from tests.app.conftest import PASSAGE, make_trace
from tests.app.fake import run_until
from tests.app.showing import Telling, seen
from tests.app.waiting import text_of, until

PLANTED = 7


def planted(noise: float, *, step: int = 100, text: str = PASSAGE * 6) -> Trace:
    """A trace in which what neuron 1/7 shows tells quotes, the less surely the more noise there is."""
    trace = make_trace(text, hidden_size=16)
    random = np.random.default_rng(step)
    hidden = trace["1/hidden"].copy()
    sign = np.where(values(trace.text)["quotes"], 1.0, -1.0)
    hidden[:, PLANTED] = np.tanh(sign + noise * random.normal(size=len(trace)))
    return replace(trace, activations={**trace.activations, "1/hidden": hidden}, step=step)


def traced(trace: Trace, *, searched: bool = False) -> Traced:
    passage = trace.until(len(trace) // 3) if searched else trace
    return Traced(trace.step, trace.step / 80, passage, trace if searched else None)


class Clock:
    """The time, which a test can put forward and stop."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._stopped_at: float | None = None

    def stop(self) -> None:
        self._stopped_at = time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() if self._stopped_at is None else self._stopped_at) + self.ahead


@asynccontextmanager
async def shown(
    trace: Trace,
    size: tuple[int, int] = (120, 40),
    *,
    live: bool = True,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[Pilot[int], TrainScreen, Telling]]:
    run = Telling([*run_until(trace, trace.step), traced(trace)])
    screen = TrainScreen(run, corpus="a text", live=live, now=clock or Clock())
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=size) as pilot:
        try:
            await until(pilot, lambda: screen.scope.selection is not None)
            yield pilot, screen, run
        finally:
            screen.controls.stop()


def course(screen: TrainScreen) -> Course:
    assert screen.find.course is not None
    return screen.find.course


async def ask(pilot: Pilot[int], screen: TrainScreen, question: str) -> None:
    """Type a question, and wait for its answer."""
    await pilot.press("slash")
    await pilot.press(*question, "enter")
    await until(pilot, lambda: screen.find.course is not None or screen.banner.display)


async def test_find_names_the_planted_neuron_and_looks_at_it() -> None:
    async with shown(planted(0.2)) as (pilot, screen, _):
        await ask(pilot, screen, "quotes")
        selection = seen(screen)
        assert (selection.layer, selection.unit, selection.quantity) == (1, PLANTED, "hidden")
        text = text_of(screen)
        length = len(PASSAGE) * 6
        for told in ("quotes, AUC", f"best 1/{PLANTED}", "single-neuron detector", f"of {length:,} char"):
            assert told in text, told
        assert "quotes" in screen.query_one(Passage).render_line(0).text  # the neuron is called by it


async def test_a_question_may_be_asked_before_there_is_anything_to_search() -> None:
    run = Telling([])
    screen = TrainScreen(run)
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"quotes", "enter")  # not: q for quit
        assert "finding" in text_of(screen)
        run.say(*run_until(planted(0.2), 100))
        await until(pilot, lambda: screen.find.course is not None)
        assert seen(screen).unit == PLANTED
        screen.controls.stop()


async def test_what_only_chance_detects_is_called_not_detected() -> None:
    async with shown(planted(0.2)) as (pilot, screen, _):
        await ask(pilot, screen, "after:ell")
        assert screen.find.course is not None
        assert screen.find.course.result.feature
        assert "not detected" in text_of(screen)


async def test_the_numbers_follow_the_training_and_the_neuron_stays() -> None:
    clock = Clock()
    async with shown(planted(4.0, step=100), clock=clock) as (pilot, screen, run):
        await ask(pilot, screen, "quotes")
        assert screen.find.course is not None
        first = screen.find.course.scores[-1].best
        await pilot.press("down")
        chosen = seen(screen).unit
        for step, noise in ((200, 1.0), (300, 0.2)):
            run.say(traced(planted(noise, step=step)))
            clock.ahead += 1000.0
            await until(pilot, lambda step=step: course(screen).scores[-1].step == step)  # type: ignore[misc]
        steps = [score.step for score in screen.find.course.scores]
        assert steps == [100, 200, 300]
        assert screen.find.course.scores[-1].best > max(0.97, first + 0.05)
        assert seen(screen).unit == chosen != PLANTED
        text = text_of(screen)
        assert "step 300" in text
        assert "since 100" in text
        assert f"chosen 1/{chosen}" in text


async def test_searches_are_so_far_apart_that_they_cost_little() -> None:
    turns = Turns(began=100.0).ended(100.3)
    assert 0.3 / (turns.next - 100.0) == pytest.approx(0.03, rel=0.05)
    clock = Clock()
    async with shown(planted(1.0, step=100), clock=clock) as (pilot, screen, run):
        clock.ahead += 2.0  # the question waits no longer for more than the passage
        await ask(pilot, screen, "quotes")
        clock.stop()
        run.say(traced(planted(1.0, step=200)))
        await until(pilot, lambda: seen(screen).trace.step == 200)
        await pilot.pause(0.4)
        assert course(screen).trace.step == 100
        clock.ahead += 2000.0
        await until(pilot, lambda: course(screen).trace.step == 200)


async def test_more_than_the_passage_is_traced_while_somebody_searches() -> None:
    async with shown(planted(0.5)) as (pilot, screen, run):
        assert not screen.controls.state.searching
        await pilot.press("slash")
        await until(pilot, lambda: screen.controls.state.searching)
        longer = planted(0.2, step=150, text=PASSAGE * 18)
        run.say(traced(longer, searched=True))
        await until(pilot, lambda: seen(screen).trace.step == 150)
        assert len(seen(screen).trace) == len(longer) // 3
        await pilot.press(*"quotes", "enter")
        await until(pilot, lambda: screen.find.course is not None)
        assert f"{len(longer):,} characters" in text_of(screen)
        await pilot.press("escape")
        await until(pilot, lambda: not screen.controls.state.searching)
        assert not screen.stage.is_in_front({*REPORTS})


async def test_it_answers_after_the_run_has_ended_and_where_one_only_watches() -> None:
    ended = Finished(100, 1.0, "steps", 1.5, "runs/x")
    for live in (True, False):
        async with shown(planted(0.2), live=live) as (pilot, screen, run):
            run.say(ended)
            await until(pilot, lambda: screen.status.phase == "finished")
            await ask(pilot, screen, "quotes")
            assert seen(screen).unit == PLANTED


async def test_what_cannot_be_answered_is_told_and_another_question_can_be_asked() -> None:
    async with shown(planted(0.2)) as (pilot, screen, _):
        await ask(pilot, screen, "(")
        assert screen.banner.display
        assert screen.find.query is None
        await pilot.press("escape")
        await ask(pilot, screen, "quotes")
        assert seen(screen).unit == PLANTED


async def test_contexts_follow_the_neuron_and_lead_to_their_places() -> None:
    async with shown(planted(0.2)) as (pilot, screen, _):
        await ask(pilot, screen, "quotes")
        await pilot.press("C")
        await until(pilot, lambda: f"1/{PLANTED}, hidden" in text_of(screen))
        before = seen(screen).cursor
        await pilot.press("down")
        await pilot.pause()
        cursor = seen(screen).cursor
        assert cursor != before
        assert cursor == int(np.argmax(seen(screen).values))
        screen.scope.select(unit=3)
        await until(pilot, lambda: "1/3, hidden" in text_of(screen))
        await pilot.press("escape")
        assert not screen.stage.is_in_front({*REPORTS})


async def test_a_feature_is_chosen_with_the_mouse_alone() -> None:
    async with shown(planted(0.2)) as (pilot, screen, _):
        footer = screen.query_one(Footer)
        await pilot.click(footer, offset=(footer.render_line(0).text.index("find"), 0))
        await pilot.pause()
        assert screen.query_one(Prompt).display
        panel = screen.find.panel
        row = next(y for y in range(panel.size.height) if "quotes" in panel.render_line(y).text)
        await pilot.click(panel, offset=(4, row))
        await until(pilot, lambda: screen.find.course is not None)
        assert not screen.query_one(Prompt).display
        assert seen(screen).unit == PLANTED
        await pilot.click(footer, offset=(footer.render_line(0).text.index("back"), 0))
        await pilot.pause()
        assert not screen.stage.is_in_front({*REPORTS})


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (80, 44), (120, 40), (170, 40), (200, 60)])
async def test_it_fits_at_every_size_and_hides_nothing_that_must_stay(size: tuple[int, int]) -> None:
    async with shown(planted(0.2), size) as (pilot, screen, _):
        await ask(pilot, screen, "quotes")
        for panel in REPORTS:
            screen.scope.show_panel(panel)
            await pilot.pause()
            placed = screen.stage.arrangement
            assert {panel, "loss", "passage", "gates"} <= set(placed.regions)
            if size[0] >= 100:
                assert "sample" in placed
        screen.scope.show_panel("find")
        await pilot.pause()
        assert f"best 1/{PLANTED}" in text_of(screen)


async def test_a_real_training_is_searched_while_it_goes_on(tmp_path: Path) -> None:
    text = tmp_path / "town.txt"
    text.write_text('the bell "rang out" at seven, and then\nthe ferry "left" again.\n' * 400)
    options = TrainOptions(
        text=str(text),
        run=str(tmp_path / "run"),
        hidden_size=24,
        batch_size=8,
        sequence_length=32,
        steps=10**6,
    )

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        from rnnscope.training.launch import train

        train(options, controls, say)

    clock = Clock()
    screen = TrainScreen(start, now=clock)
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: screen.scope.selection is not None, 60)
        await pilot.press("slash", *"quotes", "enter")
        await until(pilot, lambda: screen.find.course is not None, 60)
        clock.ahead += 1000.0
        await until(pilot, lambda: screen.find.course is not None and len(screen.find.course.scores) > 1, 60)
        found = course(screen)
        steps = [score.step for score in found.scores]
        assert steps == sorted(set(steps))
        assert len(found.trace) > len(seen(screen).trace) or len(found.trace) == len(text.read_text()) // 10
        assert app.failure is None
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running, 20)
    assert (tmp_path / "run" / "last.safetensors").is_file()
