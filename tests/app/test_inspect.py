"""The inspect screen: keys, mouse and answers, through Textual's pilot; a made-up worker, and no torch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnscope.app.inspect import InspectApp
from rnnscope.app.inspecting import Answer, Desk, Opened, PageRead, ReadPage, Request
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.stage import Stage
from rnnscope.app.view import View
from rnnscope.app.widgets.banner import Banner
from rnnscope.app.widgets.footer import Footer
from rnnscope.app.widgets.neurons import NeuronTable
from rnnscope.app.widgets.title import ModelHeader
from rnnscope.errors import TextError
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PASSAGE, make_trace

Answering = Callable[[Request], list[Answer]]


traced = lru_cache(maxsize=4)(make_trace)


def page_of(request: ReadPage, text: str) -> list[Answer]:
    """What a worker says of a page of a text."""
    start = max(0, min(request.start, len(text) - 1))
    shown = text[start : request.stop]
    trace = traced(text)
    part = slice(start, start + len(shown))
    cut = Trace(
        trace.architecture,
        trace.symbols,
        trace.ids[part],
        trace.log_probabilities[part],
        {name: values[part] for name, values in trace.activations.items()},
    )
    return [PageRead(request, start, cut, request.cursor - start, len(text), True, True, "a text, held out")]


def working(answers: Mapping[type, Answering] | None = None, text: str = PASSAGE) -> Callable[[Desk], None]:
    """A worker that opens a made-up model over a text and answers as it is told to."""
    doing: dict[type, Answering] = {
        ReadPage: lambda request: page_of(request, text) if isinstance(request, ReadPage) else [],
        **(answers or {}),
    }

    def start(desk: Desk) -> None:
        import threading

        desk.post(Opened(None, "mine", traced(text).architecture, 1.571))

        def work(lane: str) -> None:
            while (ticket := desk.take(lane)) is not None:  # type: ignore[arg-type]
                for answer in doing.get(type(ticket.request), lambda _: [])(ticket.request):
                    desk.post(answer)
                desk.done(ticket)

        long = threading.Thread(target=work, args=("long",), daemon=True)
        long.start()
        work("quick")
        long.join()

    return start


@asynccontextmanager
async def shown(
    start: Callable[[Desk], None], size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[int], InspectScreen]]:
    """The screen once it shows its first page."""
    app = InspectApp(start, name="mine", theme="dark", depth="truecolor")
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        for _ in range(300):
            await pilot.pause(0.01)
            if screen.view is not None or app.failure is not None or not app.is_running:
                break
        await settled(pilot)
        yield pilot, screen
        app.desk.close()


async def settled(pilot: Pilot[int]) -> None:
    """Until the worker has answered and the screen has shown it."""
    for _ in range(4):
        await pilot.pause(0.03)


def seen(screen: InspectScreen) -> View:
    assert screen.view is not None
    return screen.view


def text_of(screen: InspectScreen) -> str:
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


async def test_opening_shows_the_model_its_text_and_its_neurons_at_once() -> None:
    async with shown(working()) as (_, screen):
        header = screen.query_one(ModelHeader).render_line(0).text
        for expected in ("mine", "LSTM 1×48", "held out 1.571 nats", "2.27 bits per character"):
            assert expected in header
        text = text_of(screen)
        for expected in (
            "most active first",
            "gentleman",
            "forget",
            "kept",
            "what the neurons know",
            "←→ cursor",
        ):
            assert expected in text, expected


async def test_up_and_down_go_through_the_tables_order() -> None:
    async with shown(working()) as (pilot, screen):
        assert screen.ranking is not None
        order = screen.ranking.order
        trace = seen(screen).trace
        by_hand = sorted(range(48), key=lambda u: -float(trace["1/hidden"][:, u].astype(np.float64).std()))
        assert [unit for _, unit in order] == by_hand
        screen.look(layer=1, unit=order[3][1])
        await pilot.press("down", "down")
        assert (seen(screen).layer, seen(screen).unit) == order[5]
        await pilot.press("up")
        assert (seen(screen).layer, seen(screen).unit) == order[4]


async def test_the_table_is_sorted_filtered_and_clicked() -> None:
    async with shown(working()) as (pilot, screen):
        assert screen.ranking is not None
        met = []
        for _ in range(4):
            await pilot.press("s")
            met.append(screen.ranking.sort)
        assert sorted(met) == ["activity", "index", "saturation", "selectivity"]
        await pilot.press("f", *"1/4", "enter")
        await settled(pilot)
        assert {f"{layer}/{unit}" for layer, unit in screen.ranking.order} == {
            "1/4", *(f"1/{unit}" for unit in range(40, 48))
        }  # fmt: skip
        await pilot.click("#neurons", offset=(3, 3))
        await settled(pilot)
        assert (seen(screen).layer, seen(screen).unit) == screen.ranking.order[1]
        await pilot.press("escape")
        await settled(pilot)
        assert len(screen.ranking.order) == 48


async def test_a_long_text_is_read_page_by_page() -> None:
    text = PASSAGE * 30
    async with shown(working(text=text)) as (pilot, screen):
        await pilot.press("colon", *["backspace"] * 6, *"5000", "enter")
        await settled(pilot)
        header = screen.query_one(ModelHeader).render_line(0).text
        assert "at 5,000" in header
        assert seen(screen).trace.text[seen(screen).cursor] == text[5000]
        screen.action_last()
        await settled(pilot)
        assert screen.start + seen(screen).cursor == len(text) - 1
        for _ in range(3):
            screen.look(cursor=0)
            await settled(pilot)
        assert screen.start < len(text) - 4000


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (160, 50), (200, 60)])
async def test_it_is_whole_at_every_size(size: tuple[int, int]) -> None:
    async with shown(working(), size) as (pilot, screen):
        arrangement = screen.query_one(Stage).arrangement
        for panel in screen.panels_in_sight():
            assert panel.id is not None
            assert panel.region == arrangement[panel.id]
        for _ in range(9):
            for strip in screen._compositor.render_strips():
                assert strip.cell_length == size[0]
            await pilot.press("o")
            await settled(pilot)


async def test_every_key_of_the_footer_can_be_clicked() -> None:
    async with shown(working()) as (pilot, screen):
        line = screen.query_one(Footer).render_line(0).text
        await pilot.click("#footer", offset=(line.index("sort"), 0))
        assert screen.ranking is not None
        assert screen.ranking.sort == "index"


async def test_what_the_reader_can_mend_ends_the_screen() -> None:
    def start(desk: Desk) -> None:
        raise TextError("the text is empty")

    async with shown(start) as (pilot, _):
        pass
    app = pilot.app
    assert isinstance(app, InspectApp)
    assert isinstance(app.failure, TextError)


async def test_any_other_failure_is_told_and_the_screen_stays() -> None:
    def start(desk: Desk) -> None:
        raise ZeroDivisionError("by zero")

    async with shown(start) as (pilot, screen):
        await settled(pilot)
        assert "ZeroDivisionError: by zero" in screen.query_one(Banner).render_line(0).text
        assert "stopped" in screen.query_one(ModelHeader).render_line(0).text
        await pilot.press("q")


async def test_flipping_through_neurons_draws_two_rows_of_the_table() -> None:
    async with shown(working()) as (pilot, screen):
        table = screen.query_one(NeuronTable)
        drawn: list[int] = []
        original = table._draw
        table._draw = lambda y: drawn.append(y) or original(y)  # type: ignore[method-assign, func-returns-value]
        await pilot.press("down")
        await settled(pilot)
        assert 0 < len(set(drawn)) <= 2
