"""An inspect screen over a made-up worker, for tests of what it shows and does; no torch."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from textual.pilot import Pilot

from rnnscope.app.asking.answers import Answer, Opened, PageRead, TextFound
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import FindShare, ReadPage, Request
from rnnscope.app.inspect import InspectApp
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.selection import Selection
from rnnscope.theme.palette import Depth, Theme
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PASSAGE, make_trace
from tests.app.waiting import until

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


def place_of(request: FindShare, text: str) -> list[Answer]:
    """Where a worker says that a share of a text is."""
    position = round(request.share * (len(text) - 1))
    return [TextFound(request, (position, position + 1))]


def working(answers: Mapping[type, Answering] | None = None, text: str = PASSAGE) -> Callable[[Desk], None]:
    """A worker that opens a made-up model over a text and answers as it is told to."""
    doing: dict[type, Answering] = {
        ReadPage: lambda request: page_of(request, text) if isinstance(request, ReadPage) else [],
        FindShare: lambda request: place_of(request, text) if isinstance(request, FindShare) else [],
        **(answers or {}),
    }

    def start(desk: Desk) -> None:
        desk.post(Opened(None, "mine", traced(text).architecture, 1.571))

        def work(lane: str) -> None:
            while (ticket := desk.take(lane)) is not None:  # type: ignore[arg-type]
                for answer in doing.get(type(ticket.request), lambda _: [])(ticket.request):
                    desk.post(answer)
                desk.done(ticket)

        beside = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in ("long", "background")]
        for thread in beside:
            thread.start()
        work("quick")
        for thread in beside:
            thread.join()

    return start


@asynccontextmanager
async def shown(
    start: Callable[[Desk], None],
    size: tuple[int, int] = (120, 40),
    theme: Theme = "dark",
    depth: Depth = "truecolor",
    remarks: Path | None = None,
) -> AsyncIterator[tuple[Pilot[int], InspectScreen]]:
    """The screen once it shows its first page."""
    app = InspectApp(start, name="mine", remarks=remarks, theme=theme, depth=depth)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        try:
            await until(pilot, lambda: screen.selection is not None or app.failure is not None)
            await settled(pilot)
            yield pilot, screen
        finally:
            app.desk.close()  # or its worker would wait for more, and we for the worker


async def settled(pilot: Pilot[int]) -> None:
    """Until the worker has answered and the screen has shown it."""
    for _ in range(4):
        await pilot.pause(0.03)


def seen(screen: InspectScreen) -> Selection:
    assert screen.selection is not None
    return screen.selection


def text_of(screen: InspectScreen) -> str:
    return "\n".join(strip.text for strip in screen._compositor.render_strips())
