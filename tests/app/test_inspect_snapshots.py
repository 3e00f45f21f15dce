"""Pictures of the inspect screen over a made-up session, compared with those that were approved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.query import Query, Result
from rnnscope.analysis.saturation import Saturation
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.progress import Progress
from rnnscope.session import Session
from rnnscope.theme.palette import Depth, Theme
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, app_of, settled, traced
from tests.app.waiting import until

TEXT = PASSAGE * 4


def answer(session: FakeSession, query: Query[Any], progress: Progress) -> Result:
    """The result of a query that needs no more than the made-up trace."""
    result: Result = Session.of_trace(traced(session.reader.content)).ask(query, progress)
    return result


def session() -> FakeSession:
    return FakeSession(TEXT, dict.fromkeys((Contexts, Saturation), answer))


def after(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Press keys once the first page is there, and wait for what they ask."""

    async def act(pilot: Pilot[int]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, InspectScreen)
        await until(pilot, lambda: screen.scope.selection is not None)
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        screen.banner.dismiss()
        await pilot.pause()

    return act


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids="{0[0]}x{0[1]}".format)
def test_size(size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(app_of(session()), terminal_size=size, run_before=after())


@pytest.mark.parametrize(
    ("theme", "depth"), [("light", "truecolor"), ("dark", "256"), ("dark", "16"), ("dark", "none")]
)
def test_colors(theme: Theme, depth: Depth, snap_compare: Any) -> None:
    app = app_of(session(), theme, depth)
    assert snap_compare(app, terminal_size=(120, 40), run_before=after("U"))


@pytest.mark.parametrize(
    "keys", [("C",), ("A",), ("y",), ("ampersand", "ampersand")], ids=["C", "A", "y", "second"]
)
def test_panel(keys: tuple[str, ...], snap_compare: Any) -> None:
    assert snap_compare(app_of(session()), terminal_size=(120, 40), run_before=after(*keys))
