"""An inspect screen over a made-up session, for tests of what it shows and does; no torch."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, cast

import numpy as np
from textual.pilot import Pilot

from rnnscope.analysis.query import Query, Result
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.network.architecture import Architecture
from rnnscope.progress import NO_PROGRESS, Cancelled, Progress
from rnnscope.selection import Selection
from rnnscope.session import Session
from rnnscope.text.long import LongText
from rnnscope.theme.palette import Depth, Theme
from rnnscope.tracing.trace import Trace
from tests.app.conftest import PASSAGE, make_trace
from tests.app.waiting import text_of as text_of
from tests.app.waiting import until

Answer = Callable[["FakeSession", Any, Progress], Result]

traced = lru_cache(maxsize=4)(make_trace)


class FakePage:
    """A part of a text, traced."""

    def __init__(self, start: int, text: str, trace: Trace) -> None:
        self.start, self.text, self.trace = start, text, trace
        self.stop = start + len(text)
        self.is_exact = True
        self.unknown = np.zeros(0, np.intp)


class FakeReader:
    """Pages of a made-up trace of a text."""

    stand_in = " "
    document_separator: str | None = None

    def __init__(self, text: str) -> None:
        self.content = text
        self.text = LongText.of(text, "text", "characters")
        self.pages: list[tuple[int, int]] = []
        """What was read."""

    def length(self, progress: Progress = NO_PROGRESS) -> int:
        return len(self.content)

    def read(self, start: int, stop: int) -> str:
        return self.content[start:stop]

    def page(
        self, start: int, stop: int, progress: Progress = NO_PROGRESS, *, at_once: bool = False
    ) -> FakePage:
        self.pages.append((start, stop))
        start = max(0, min(start, len(self.content) - 1))
        shown = self.content[start:stop]
        trace = traced(self.content)
        part = slice(start, start + len(shown))
        cut = Trace(
            trace.architecture,
            trace.symbols,
            trace.ids[part],
            trace.log_probabilities[part],
            {name: values[part] for name, values in trace.activations.items()},
        )
        return FakePage(start, shown, cut)


class FakeSession:
    """Answers queries with prepared results, and remembers them."""

    def __init__(
        self,
        text: str = PASSAGE,
        answers: Mapping[type[Query[Any]], Answer] | None = None,
        *,
        name: str = "a text, held out",
        asked: list[Query[Any]] | None = None,
    ) -> None:
        self.reader = FakeReader(text)
        self.name = name
        self.cache = None
        self.answers = dict(answers or {})
        self.cached: dict[type[Query[Any]], Result] = {}
        """Results that are known before they are asked for."""
        self.asked: list[Query[Any]] = [] if asked is None else asked

    @property
    def architecture(self) -> Architecture:
        return traced(self.reader.content).architecture

    def text_digest(self, characters: int, progress: Progress = NO_PROGRESS) -> str:
        return hashlib.sha256(self.reader.content[:characters].encode()).hexdigest()

    def known(self, query: Query[Any], progress: Progress = NO_PROGRESS) -> Result | None:
        return self.cached.get(type(query))

    def ask(self, query: Query[Any], progress: Progress = NO_PROGRESS) -> Result:
        self.asked.append(query)
        if type(query) not in self.answers:
            raise Cancelled  # the screen asks some queries by itself
        return self.answers[type(query)](self, query, progress)

    def asked_of(self, kind: type[Query[Any]]) -> list[Query[Any]]:
        """The queries of one kind that were asked."""
        return [query for query in self.asked if type(query) is kind]

    def on(self, text: str, name: str, *, model: Any = None) -> FakeSession:
        return FakeSession(text, self.answers, name=name, asked=self.asked)


def opening(session: FakeSession | Session) -> Callable[[Progress], Session]:
    return lambda progress: cast(Session, session)


@asynccontextmanager
async def shown(
    session: FakeSession | Session | None = None,
    size: tuple[int, int] = (120, 40),
    theme: Theme = "dark",
    depth: Depth = "truecolor",
    **options: Any,
) -> AsyncIterator[tuple[Pilot[int], InspectScreen]]:
    """The screen once it shows its first page and all jobs are done; `options` are those of InspectScreen."""
    async with shown_at_once(session, size, theme, depth, **options) as (pilot, screen):
        await settled(pilot)
        yield pilot, screen


@asynccontextmanager
async def shown_at_once(
    session: FakeSession | Session | None = None,
    size: tuple[int, int] = (120, 40),
    theme: Theme = "dark",
    depth: Depth = "truecolor",
    **options: Any,
) -> AsyncIterator[tuple[Pilot[int], InspectScreen]]:
    """The screen once it shows its first page."""
    app = app_of(session or FakeSession(), theme, depth, **options)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        await until(pilot, lambda: screen.scope.selection is not None)
        yield pilot, screen


def app_of(
    session: FakeSession | Session, theme: Theme = "dark", depth: Depth = "truecolor", **options: Any
) -> RnnscopeApp:
    """The app over a session; its clock stands still."""
    options = {"now": lambda: 0.0, "writing_speed": 6_000.0, **options}
    screen = InspectScreen(opening(session), name="mine", held_out_nats=1.571, **options)
    return RnnscopeApp(screen, theme=theme, depth=depth)


async def settled(pilot: Pilot[int]) -> None:
    """Until no job is under way and the screen has shown all results."""
    screen = pilot.app.screen_stack[1]
    assert isinstance(screen, InspectScreen)
    await pilot.pause()
    for _ in range(2_000):
        if not screen.jobs.active and not screen.generating.is_going_on:
            break
        await pilot.pause(0.01)
    await pilot.pause(0.02)


def seen(screen: InspectScreen) -> Selection:
    selection = screen.scope.selection
    assert selection is not None
    return selection


def lines_of(screen: InspectScreen, panel: str) -> list[str]:
    """The rows of a panel, without the blanks at their ends."""
    widget = screen.query_one(f"#{panel}")
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def panel_text(screen: InspectScreen, panel: str) -> str:
    return "\n".join(lines_of(screen, panel))
