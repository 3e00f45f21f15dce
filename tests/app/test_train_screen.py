"""The train screen: looking and training by key, through Textual's pilot."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from textual.widgets import Input

from rnnscope.app.choosing import first_selection, livelier_selection, liveliness
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.header import Header
from rnnscope.app.frame.prompt import Prompt
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Paused, Traced
from tests.app.conftest import make_trace
from tests.app.fake import progress, run_until, sampled
from tests.app.showing import seen, shown, telling
from tests.app.waiting import text_of, until

# -- looking -----------------------------------------------------------------------------------------------


async def test_every_panel_shows_the_run(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (_, screen):
        header = screen.query_one(Header).render_line(0).text
        assert "tinyshakespeare.txt" in header
        assert "training" in header
        text = text_of(screen)
        for expected in ("held out", "gentleman", "forget", "slowest first", "after “", "space pause"):
            assert expected in text, expected


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        (["right"], {"cursor": 1}),
        (["left"], {"cursor": -1}),
        (["h", "h"], {"cursor": -2}),
    ],
)
async def test_arrows_move_the_cursor(trace: Trace, keys: list[str], change: dict[str, int]) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        before = seen(screen)
        await pilot.press(*keys)
        await pilot.pause()
        assert seen(screen).cursor == before.cursor + change["cursor"]
        assert (seen(screen).unit, seen(screen).quantity) == (before.unit, before.quantity)


async def test_words_lines_and_ends(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        text = trace.text
        await pilot.press("ctrl+right")
        assert text[seen(screen).cursor - 1].isspace()
        at_word = seen(screen).cursor
        await pilot.press("ctrl+right", "b")
        assert seen(screen).cursor == at_word
        await pilot.press("ctrl+home")
        await pilot.pause()
        assert seen(screen).cursor == 0
        await pilot.press("J")
        assert text[: seen(screen).cursor].count("\n") == 1
        await pilot.press("end")
        await pilot.pause()
        assert seen(screen).cursor > text.index("\n") + 1
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert seen(screen).cursor == len(text) - 1
        await pilot.press("right")
        assert seen(screen).cursor == len(text) - 1


async def test_up_and_down_walk_through_the_neurons(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        first = seen(screen).unit
        await pilot.press("down")
        second = seen(screen).unit
        await pilot.press("k")
        assert second != first
        assert seen(screen).unit == first


async def test_g_goes_through_every_quantity_and_back(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        assert seen(screen).quantity == "cell"
        met = []
        for _ in trace.quantities:
            await pilot.press("g")
            met.append(seen(screen).quantity)
        assert sorted(met) == sorted(trace.quantities)
        await pilot.press("G")
        assert seen(screen).quantity == "output"


async def test_layers_are_chosen_by_brackets() -> None:
    deep = make_trace(hidden_size=16, layers=3)
    async with shown(telling(run_until(deep))) as (pilot, screen):
        assert seen(screen).layer == 3
        await pilot.press("[", "[")
        assert seen(screen).layer == 1
        await pilot.press("]")
        assert seen(screen).layer == 2


async def test_ways_of_looking_are_switched_on_and_off(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("n", "U", "c")
        assert (seen(screen).own_range, seen(screen).top_five, seen(screen).coloring) == (
            True,
            True,
            "surprisal",
        )
        await pilot.press("escape")
        assert (seen(screen).top_five, seen(screen).coloring) == (False, "neuron")
        await pilot.press("u")
        assert "bits per character" in screen.loss.render_line(0).text


async def test_a_new_trace_leaves_the_readers_choice_alone(trace: Trace) -> None:
    run = telling(run_until(trace))
    async with shown(run) as (pilot, screen):
        await pilot.press("right", "down", "g")
        chosen = seen(screen)
        other = replace(make_trace(hidden_size=48, seed=9), step=10_000)
        run.say(Traced(10_000, 1.0, other))
        await until(pilot, lambda: seen(screen).trace is other)
        assert seen(screen).trace is other
        assert (seen(screen).cursor, seen(screen).unit, seen(screen).quantity) == (
            chosen.cursor,
            chosen.unit,
            chosen.quantity,
        )


def test_the_first_neuron_is_a_lively_one(trace: Trace) -> None:
    selection = first_selection(trace)
    values = trace.shown(1, "cell").astype(np.float64)
    by_hand = []
    for unit in range(values.shape[1]):
        x = values[:, unit] - values[:, unit].mean()
        by_hand.append(x.std() * max(0.0, float((x[4:] * x[:-4]).mean() / (x * x).mean())))
    assert selection.unit == int(np.argmax(by_hand))
    np.testing.assert_allclose(liveliness(trace.shown(1, "cell")), by_hand, rtol=1e-5)
    dullest = selection.moved(unit=int(np.argmin(by_hand)))
    assert livelier_selection(dullest).unit == selection.unit
    assert livelier_selection(selection) is selection


async def test_a_dull_neuron_makes_way_until_somebody_chooses(trace: Trace) -> None:
    flat = replace(
        trace, activations={name: np.zeros_like(values) for name, values in trace.activations.items()}
    )
    run = telling([*run_until(flat, 400)])
    async with shown(run) as (pilot, screen):
        assert seen(screen).unit == 0
        run.say(Traced(500, 2.0, trace))
        await until(pilot, lambda: seen(screen).trace is trace)
        assert seen(screen).unit == first_selection(trace).unit
        await pilot.press("down")
        chosen = seen(screen).unit
        later = replace(trace, step=700)
        run.say(Traced(600, 3.0, flat), Traced(700, 3.0, later))
        await until(pilot, lambda: seen(screen).trace is later)
        assert seen(screen).unit == chosen


# -- training ----------------------------------------------------------------------------------------------


async def test_space_pauses_and_goes_on(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("space")
        assert screen.controls.state.paused
        assert "‖ paused" in screen.query_one(Header).render_line(0).text
        assert "resume" in screen.query_one(Footer).render_line(0).text
        await pilot.press("space")
        assert not screen.controls.state.paused


async def test_what_is_asked_for_in_a_pause_is_shown(trace: Trace) -> None:
    run = telling(run_until(trace))
    async with shown(run, now=time.monotonic) as (pilot, screen):
        run.say(progress(9_274, 9_400))
        await until(pilot, lambda: screen.status.step == 9_400)
        assert "step 9,273" in screen.passage.render_line(0).text, "the trace lags behind the run"
        await pilot.press("space")
        run.say(Paused(9_400, 1.0, True))
        await until(pilot, lambda: screen.status.paused)
        traces = screen.controls.state.traces
        await pilot.press("R")
        assert screen.controls.state.traces == traces + 1
        for text in ("Nothing stands still.", "And nothing ever will."):
            run.say(sampled(9_400, text))
            await until(pilot, lambda text=text: text in text_of(screen))
        fresh = replace(make_trace(hidden_size=48, seed=9), step=9_400)
        run.say(Traced(9_400, 1.0, fresh))
        await until(pilot, lambda: seen(screen).trace is fresh)
        assert "step" not in screen.passage.render_line(0).text


async def test_temperature_is_asked_for_and_nudged(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        state = lambda: screen.controls.state  # noqa: E731
        await pilot.press("full_stop")
        assert state().temperature == pytest.approx(0.9)
        await pilot.press("t", "up", "up")
        assert state().temperature == pytest.approx(1.1)
        await pilot.press("escape")
        assert state().temperature == pytest.approx(0.9)
        await pilot.press("t", *["backspace"] * 3, *"1.25", "enter")
        await pilot.pause()
        assert state().temperature == pytest.approx(1.25)
        assert screen.focused is not None
        assert screen.focused.id == "passage"


async def test_a_wrong_answer_is_refused_in_words(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("t", *"9", "enter")
        prompt = screen.query_one(Prompt)
        assert prompt.display
        assert prompt.query_one("#hint").has_class("complaint")
        assert screen.controls.state.temperature == pytest.approx(0.8)


async def test_the_learning_rate_doubles_and_halves(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("less_than_sign", "less_than_sign")
        assert screen.controls.state.learning_rate_factor == pytest.approx(0.25)
        await pilot.press("l", "up", "enter")
        assert screen.controls.state.learning_rate_factor == pytest.approx(0.5)


@pytest.mark.parametrize("yes", ["enter", "y"])
async def test_finishing_takes_a_yes(trace: Trace, yes: str) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        for no in ("escape", "n"):
            await pilot.press("f", no)
            assert not screen.controls.state.finish
            assert not screen.query_one(Prompt).display
        await pilot.press("f", yes)
        assert screen.controls.state.finish


async def test_the_passage_is_pasted_or_chosen(trace: Trace) -> None:
    from textual import events

    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("e")
        line = screen.query_one(Input)
        assert line.value == "0%"
        line.value = ""
        line.post_message(events.Paste("two\r\nlines\n"))
        await pilot.pause()
        await pilot.press("enter")
        assert screen.controls.state.passage == "two\nlines\n"
        assert screen.controls.state.traces == 1
        await pilot.press("e", *["backspace"] * 20, *"62.5%", "enter")
        assert screen.controls.state.passage is None
        assert screen.controls.state.passage_at == pytest.approx(0.625)


async def test_saving_and_sampling_are_asked_for(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("s", "r", "p", *"To be", "enter")
        state = screen.controls.state
        assert (state.saves, state.samples, state.prime) == (1, 2, "To be")


async def test_a_zoomed_sample_asks_for_other_temperatures(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        screen.samples.focus()
        await pilot.press("z")
        assert screen.controls.state.compares_temperatures
        await pilot.press("z")
        assert not screen.controls.state.compares_temperatures


async def test_who_only_watches_is_offered_nothing_that_changes_the_run(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), live=False) as (pilot, screen):
        before = screen.controls.state
        await pilot.press("space", "f", "s", "l", "less_than_sign")
        await pilot.pause()
        assert screen.controls.state == before
        assert not screen.query_one(Prompt).display
        footer = screen.query_one(Footer).render_line(0).text
        assert "pause" not in footer
        assert "cursor" in footer
