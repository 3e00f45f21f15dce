"""Names of neurons on the train screen: labels while the network learns, and notices of what is new."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from textual.pilot import Pilot

from rnnscope.app.screens.train import TrainScreen
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Traced
from tests.app.looking import panel_text
from tests.app.showing import Telling, seen
from tests.app.test_train_find import PLANTED, Clock, planted, shown
from tests.app.waiting import until

_RANDOM = random.Random(0)
_WORDS = [_RANDOM.choice(("lamp", "bell", "ferry", "goose", "clock", "tide")) for _ in range(600)]
TEXT = " ".join(
    f'"{word}' if i % 9 == 4 else f'{word}"' if i % 9 == 7 else f"{word}\n" if i % 9 == 8 else word
    for i, word in enumerate(_WORDS)
)
VAGUE, CLEAR = planted(1.5, step=200, text=TEXT), planted(0.2, step=1_400, text=TEXT)


def named(trace: Trace) -> Traced:
    """A trace that was requested to name neurons."""
    return Traced(trace.step, trace.step / 80, trace.until(len(trace) // 3), None, trace)


async def tell(pilot: Pilot[int], screen: TrainScreen, run: Telling, trace: Trace) -> None:
    """Wait until a trace is requested, send it, and wait for the names."""
    before = screen.table.ranking.names if screen.table.ranking is not None else None
    run.say(named(trace))

    def has_new_names() -> bool:
        return screen.table.ranking is not None and screen.table.ranking.names is not before

    await until(pilot, has_new_names)


def messages(screen: TrainScreen) -> list[str]:
    return [notice.message for notice in screen.banner.log_of_messages if "now tracks" in notice.message]


async def test_the_default_neuron_is_labeled_and_a_feature_that_passes_is_announced_once() -> None:
    clock = Clock()
    async with shown(VAGUE, clock=clock) as (pilot, screen, run):
        assert screen.controls.state.namings == 0
        clock.ahead += 4
        await until(pilot, lambda: screen.controls.state.namings == 1)
        await tell(pilot, screen, run, VAGUE)
        label = seen(screen).label
        assert label is not None
        assert label.name in panel_text(screen, "passage").splitlines()[0]
        assert messages(screen) == []
        clock.ahead += 3_600
        await until(pilot, lambda: screen.controls.state.namings == 2)
        await tell(pilot, screen, run, CLEAR)
        (message,) = messages(screen)
        assert message.startswith(f"1/{PLANTED} now tracks quotes, AUC 1.00")
        assert "step 1,400" in message
        assert (seen(screen).unit, seen(screen).quantity) == (PLANTED, "hidden")
        assert "quotes · hidden +" in panel_text(screen, "passage").splitlines()[0]
        quotes = screen.passage.shown
        assert seen(screen).cursor in quotes
        assert not screen.scope.is_chosen
        await tell(pilot, screen, run, replace(CLEAR, step=1_500))
        assert len(messages(screen)) == 1


async def test_the_notice_is_clicked_or_its_key_pressed_to_see_the_neuron() -> None:
    async with shown(VAGUE) as (pilot, screen, run):
        await pilot.press("I")
        assert "no neuron has passed" in screen.banner.render_line(0).text
        await tell(pilot, screen, run, VAGUE)
        screen.scope.select_neuron(1, 2)
        await tell(pilot, screen, run, CLEAR)
        assert seen(screen).unit == 2  # the user has chosen it
        await pilot.click("#banner", offset=(5, 0))
        assert (seen(screen).unit, seen(screen).quantity) == (PLANTED, "hidden")
        assert not screen.banner.display
        screen.scope.select_neuron(1, 3)
        await pilot.press("I")
        assert (seen(screen).unit, seen(screen).quantity) == (PLANTED, "hidden")
        assert seen(screen).trace.text[seen(screen).cursor - 1] in ' "'


async def test_the_table_shows_the_names_and_the_arrows_follow_it() -> None:
    async with shown(VAGUE) as (pilot, screen, run):
        await tell(pilot, screen, run, VAGUE)
        await tell(pilot, screen, run, CLEAR)
        await pilot.press("backslash", *"quote", "enter")
        assert screen.table.display
        row = next(line for line in panel_text(screen, "neurons").splitlines() if "▸" in line)
        assert row.split()[0] == f"▸1/{PLANTED}" or f"1/{PLANTED}" in row
        assert "quotes · hidden +" in row
        assert screen.table.ranking is not None
        await pilot.press("down")
        assert (seen(screen).layer, seen(screen).unit) == screen.table.ranking.order[1]
        kinds = {int(unit) for _, unit in screen.table.ranking.order}
        assert kinds <= set(np.arange(16).tolist())


async def test_a_text_that_is_too_short_for_names_is_no_error() -> None:
    short = VAGUE.until(100)
    async with shown(short) as (pilot, screen, run):
        run.say(named(short))
        await until(pilot, lambda: not any(job.key == "names" for job in screen.jobs.active))
        assert seen(screen).label is None
        assert not screen.banner.display
