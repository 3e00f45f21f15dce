"""The train screen: keys, mouse and events, through Textual's pilot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rnnscope.app.app import RnnscopeApp, Start
from rnnscope.app.choosing import first_view, livelier_view, liveliness
from rnnscope.app.palette import palette
from rnnscope.app.screens.page import PageScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.screens.train import TrainScreen
from rnnscope.app.view import View
from rnnscope.app.widgets.banner import Banner
from rnnscope.app.widgets.footer import Footer
from rnnscope.app.widgets.header import Header
from rnnscope.app.widgets.loss import LossChart
from rnnscope.app.widgets.panel import Panel
from rnnscope.app.widgets.prompt import Prompt
from rnnscope.app.widgets.sample import SampleStream
from rnnscope.errors import TextError
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Traced, Warned
from tests.app.conftest import make_trace
from tests.app.fake import run_until
from tests.app.waiting import until


def telling(events: list[Event]) -> Start:
    """A run that says these events at once, then waits until it is stopped."""

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        for event in events:
            say(event)
        while not controls.wishes.stop:
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
                lambda: screen.view is not None or app.failure is not None or app.return_code is not None,
            )
            yield pilot, screen
        finally:
            app.controls.stop()


def seen(screen: TrainScreen) -> View:
    assert screen.view is not None
    return screen.view


# -- looking -----------------------------------------------------------------------------------------------


async def test_every_panel_shows_the_run(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (_, screen):
        header = screen.query_one(Header).render_line(0).text
        assert "tinyshakespeare.txt" in header
        assert "training" in header
        text = "\n".join("".join(s.text for s in strip) for strip in screen._compositor.render_strips())
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
        await pilot.press("tab")  # away from the passage, whose own keys move by pages
        await pilot.press("w")
        assert text[seen(screen).cursor - 1].isspace()
        at_word = seen(screen).cursor
        await pilot.press("w", "b")
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
        await pilot.press("n", "5", "c")
        assert (seen(screen).own_range, seen(screen).top_five, seen(screen).colouring) == (
            True,
            True,
            "surprise",
        )
        await pilot.press("escape")
        assert (seen(screen).top_five, seen(screen).colouring) == (False, "neuron")
        await pilot.press("u")
        assert screen.query_one(LossChart).unit.name == "bits per character"


async def test_a_new_trace_leaves_the_readers_choice_alone(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("right", "down", "g")
        chosen = seen(screen)
        other = replace(make_trace(hidden_size=48, seed=9), step=10_000)
        screen._mailbox.post(Traced(10_000, 1.0, other))
        screen.collect()
        assert seen(screen).trace is other
        assert (seen(screen).cursor, seen(screen).unit, seen(screen).quantity) == (
            chosen.cursor,
            chosen.unit,
            chosen.quantity,
        )


def test_the_first_neuron_is_a_lively_one(trace: Trace) -> None:
    view = first_view(trace)
    values = trace.shown(1, "cell").astype(np.float64)
    by_hand = []
    for unit in range(values.shape[1]):
        x = values[:, unit] - values[:, unit].mean()
        by_hand.append(x.std() * max(0.0, float((x[4:] * x[:-4]).mean() / (x * x).mean())))
    assert view.unit == int(np.argmax(by_hand))
    np.testing.assert_allclose(liveliness(trace.shown(1, "cell")), by_hand, rtol=1e-5)
    dullest = view.moved(unit=int(np.argmin(by_hand)))
    assert livelier_view(dullest).unit == view.unit
    assert livelier_view(view) is view


async def test_a_dull_neuron_makes_way_until_somebody_chooses(trace: Trace) -> None:
    flat = replace(
        trace, activations={name: np.zeros_like(values) for name, values in trace.activations.items()}
    )
    async with shown(telling([*run_until(flat, 400)])) as (pilot, screen):
        assert seen(screen).unit == 0
        screen._mailbox.post(Traced(500, 2.0, trace))
        screen.collect()
        assert seen(screen).unit == first_view(trace).unit
        await pilot.press("down")
        chosen = seen(screen).unit
        screen._mailbox.post(Traced(600, 3.0, flat))
        screen._mailbox.post(Traced(600, 3.0, trace))
        screen.collect()
        assert seen(screen).unit == chosen


# -- training ----------------------------------------------------------------------------------------------


async def test_space_pauses_and_goes_on(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("space")
        assert screen.controls.wishes.paused
        assert "‖ paused" in screen.query_one(Header).render_line(0).text
        assert "go on" in screen.query_one(Footer).render_line(0).text
        await pilot.press("space")
        assert not screen.controls.wishes.paused


async def test_temperature_is_asked_for_and_nudged(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        wishes = lambda: screen.controls.wishes  # noqa: E731
        await pilot.press("plus")
        assert wishes().temperature == pytest.approx(0.9)
        await pilot.press("t", "up", "up")
        assert wishes().temperature == pytest.approx(1.1)
        await pilot.press("escape")
        assert wishes().temperature == pytest.approx(0.9)
        await pilot.press("t", *["backspace"] * 3, *"1.25", "enter")
        await pilot.pause()
        assert wishes().temperature == pytest.approx(1.25)
        assert screen.focused is not None
        assert screen.focused.id == "passage"


async def test_a_wrong_answer_is_refused_in_words(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("t", *"9", "enter")
        prompt = screen.query_one(Prompt)
        assert prompt.display
        assert prompt.query_one("#hint").has_class("complaint")
        assert screen.controls.wishes.temperature == pytest.approx(0.8)


async def test_the_learning_rate_doubles_and_halves(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("less_than_sign", "less_than_sign")
        assert screen.controls.wishes.learning_rate_factor == pytest.approx(0.25)
        await pilot.press("l", "up", "enter")
        assert screen.controls.wishes.learning_rate_factor == pytest.approx(0.5)


async def test_finishing_is_asked_about(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("f", "escape")
        assert not screen.controls.wishes.finish
        await pilot.press("f", "enter")
        assert screen.controls.wishes.finish


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
        assert screen.controls.wishes.passage == "two\nlines\n"
        assert screen.controls.wishes.traces == 1
        await pilot.press("e", *["backspace"] * 20, *"62.5%", "enter")
        assert screen.controls.wishes.passage is None
        assert screen.controls.wishes.passage_at == pytest.approx(0.625)


async def test_saving_and_sampling_are_asked_for(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("s", "r", "p", *"To be", "enter")
        wishes = screen.controls.wishes
        assert (wishes.saves, wishes.samples, wishes.prime) == (1, 2, "To be")


async def test_who_only_watches_is_offered_nothing_that_changes_the_run(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), live=False) as (pilot, screen):
        before = screen.controls.wishes
        await pilot.press("space", "f", "s", "l", "less_than_sign")
        await pilot.pause()
        assert screen.controls.wishes == before
        assert not screen.query_one(Prompt).display
        footer = screen.query_one(Footer).render_line(0).text
        assert "pause" not in footer
        assert "cursor" in footer


# -- panels ------------------------------------------------------------------------------------------------


async def test_a_panel_is_enlarged_hidden_and_shown_again(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("z")
        await pilot.pause()
        assert [panel.id for panel in screen.panels_in_sight()] == ["passage"]
        await pilot.press("escape")
        await pilot.pause()
        assert len(screen.panels_in_sight()) == 6
        await pilot.press("x")
        await pilot.pause()
        assert "passage" not in [panel.id for panel in screen.panels_in_sight()]
        assert isinstance(screen.focused, Panel)
        await pilot.press("X")
        await pilot.pause()
        assert len(screen.panels_in_sight()) == 6


async def test_the_gradient_takes_the_place_of_the_loss(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("o")
        await pilot.pause()
        in_sight = {panel.id for panel in screen.panels_in_sight()}
        assert "gradient" in in_sight
        assert "loss" not in in_sight


async def test_tab_visits_the_panels_in_sight(trace: Trace) -> None:
    async with shown(telling(run_until(trace)), (80, 24)) as (pilot, screen):
        visited = []
        for _ in range(5):
            visited.append(screen.focused.id if screen.focused else None)
            await pilot.press("tab")
        assert sorted(map(str, visited)) == ["gates", "loss", "next", "passage", "sample"]
        assert screen.focused is not None
        assert screen.focused.id == visited[0]


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (160, 50), (200, 60), (250, 80)])
async def test_it_lays_itself_out_anew(trace: Trace, size: tuple[int, int]) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.resize_terminal(*size)
        await pilot.pause()
        arrangement = screen.query_one(Stage).arrangement
        for panel in screen.panels_in_sight():
            assert panel.id is not None
            assert panel.region == arrangement[panel.id]
        for strip in screen._compositor.render_strips():
            assert strip.cell_length == size[0]


async def test_too_small_a_terminal_is_told_kindly_and_nothing_is_lost(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        text = "\n".join(strip.text for strip in screen._compositor.render_strips())
        assert "60×16" in text
        assert "Nothing is lost" in text
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert len(screen.panels_in_sight()) == 6
        assert screen.focused is not None


# -- the mouse ---------------------------------------------------------------------------------------------


async def test_a_click_focuses_moves_the_cursor_and_chooses_a_neuron(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        before = seen(screen)
        await pilot.click("#passage", offset=(10, 2))
        await pilot.pause()
        assert seen(screen).cursor != before.cursor
        await pilot.click("#neurons", offset=(20, 6))
        await pilot.pause()
        assert seen(screen).unit != before.unit
        assert screen.focused is not None
        assert screen.focused.id == "neurons"


async def test_a_click_in_the_footer_does_what_it_says(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        line = screen.query_one(Footer).render_line(0).text
        await pilot.click("#footer", offset=(line.index("pause"), 0))
        assert screen.controls.wishes.paused
        cursor = seen(screen).cursor
        await pilot.click("#footer", offset=(line.index("←"), 0))
        assert seen(screen).cursor == cursor - 1
        await pilot.click("#footer", offset=(line.index("help") + 2, 0))
        await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)


# -- notices, pictures, colours -----------------------------------------------------------------------------


async def test_a_warning_is_shown_kept_and_dismissed(trace: Trace) -> None:
    warned = Warned(50, 1.0, "the disk is full;\n\x1b[2Jtraining goes on", "disk")
    async with shown(telling([*run_until(trace), warned])) as (pilot, screen):
        banner = screen.query_one(Banner)
        assert banner.display
        assert banner.render_line(0).text.startswith("! the disk is full; ␛[2Jtraining goes on")
        screen.announce("a note does not push a warning away")
        assert "disk" in banner.render_line(0).text
        await pilot.press("escape")
        assert not banner.display
        await pilot.press("m")
        await pilot.pause()
        page = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        assert "the disk is full" in page
        await pilot.press("escape")
        assert pilot.app.screen is screen


async def test_a_picture_of_the_screen_is_written(
    trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("S", "S")
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["rnnscope-tinyshakespeare-9273-2.svg", "rnnscope-tinyshakespeare-9273.svg"]
        assert "tinyshakespeare.txt" in (tmp_path / names[0]).read_text(encoding="utf-8")
        monkeypatch.setattr(Path, "write_text", _refuse)
        await pilot.press("S")
        assert "no picture" in screen.query_one(Banner).render_line(0).text


def _refuse(*_: object, **__: object) -> int:
    raise PermissionError(13, "Permission denied")


async def test_the_theme_changes_every_colour(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        dark, light = palette("dark", "truecolor").colors, palette("light", "truecolor").colors
        await pilot.press("T")
        await pilot.pause()
        used = {
            segment.style.bgcolor.get_truecolor().hex
            for strip in screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None and segment.style.bgcolor is not None
        }
        assert light.bg in used
        assert light.panel in used
        assert not {dark.bg, dark.panel} & used


# -- beginnings and ends -----------------------------------------------------------------------------------


async def test_the_layout_is_there_before_the_run_begins() -> None:
    painted: list[str] = []

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        painted.append("\n".join(strip.text for strip in app.screen._compositor.render_strips()))
        while not controls.wishes.stop:
            time.sleep(0.005)

    app = RnnscopeApp(start, corpus="a text", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(painted))
        assert "loading torch…" in painted[0]
        assert all(name in painted[0] for name in ("loss", "sample", "passage", "next", "gates", "neurons"))
        app.controls.stop()


async def test_leaving_stops_the_run_and_waits_for_it(trace: Trace) -> None:
    ended: list[bool] = []

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        telling(run_until(trace))(controls, say)
        time.sleep(0.2)
        ended.append(True)

    async with shown(start) as (pilot, screen):
        await pilot.press("q", "q")
        await pilot.pause(0.05)
        assert "saving" in screen.query_one(Header).render_line(0).text
        for _ in range(100):
            await pilot.pause(0.02)
            if not pilot.app.is_running:
                break
        assert ended == [True]
    assert pilot.app.return_value == 0


async def test_an_error_the_reader_can_mend_ends_the_screen() -> None:
    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        raise TextError("the text is too short")

    async with shown(start) as (pilot, _):
        pass
    app = pilot.app
    assert isinstance(app, RnnscopeApp)
    assert isinstance(app.failure, TextError)
    assert app.return_value == 2


async def test_any_other_error_is_told_in_a_line_and_the_screen_stays(trace: Trace) -> None:
    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        for event in run_until(trace):
            say(event)
        raise ZeroDivisionError("division by\nzero")

    async with shown(start) as (pilot, screen):
        await pilot.pause(0.1)
        assert "ZeroDivisionError: division by zero" in screen.query_one(Banner).render_line(0).text
        assert "stopped" in screen.query_one(Header).render_line(0).text
        await pilot.press("right")
        await pilot.press("q")
    assert pilot.app.return_value == 1


async def test_a_finished_run_stays_to_be_looked_at(trace: Trace) -> None:
    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        for event in [*run_until(trace), Finished(9_273, 116.0, "steps", 1.588)]:
            say(event)

    async with shown(start) as (pilot, screen):
        await pilot.pause(0.1)
        assert "finished" in screen.query_one(Header).render_line(0).text
        footer = screen.query_one(Footer).render_line(0).text
        assert "pause" not in footer
        await pilot.press("right")
        assert pilot.app.is_running
        before = screen.controls.wishes
        await pilot.press("plus", "t", "r", "greater_than_sign")
        assert screen.controls.wishes == before
        assert "rnnscope watch runs/tinyshakespeare-1" in screen.query_one(Banner).render_line(0).text


async def test_paused_everything_stands_still(trace: Trace) -> None:
    clock = [0.0]
    app = RnnscopeApp(telling(run_until(trace)), depth="truecolor", theme="dark", now=lambda: clock[0])
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, TrainScreen)
        await until(pilot, lambda: screen.view is not None)
        for _ in range(3):
            clock[0] += 0.2
            screen._tick()
        stream = screen.query_one(SampleStream)
        assert stream.is_writing
        await pilot.press("space")
        await pilot.pause()
        before = [strip.text for strip in screen._compositor.render_strips()]
        for _ in range(5):
            clock[0] += 0.2
            screen._tick()
        await pilot.pause()
        assert [strip.text for strip in screen._compositor.render_strips()] == before
        app.controls.stop()
