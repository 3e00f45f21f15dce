"""Every query is asked through the inspect screen too, with the defaults that a session and a command have.

A key, or the command palette, asks it; the fields that it differs in must be those that the screen shows:
what is selected, what was marked or typed, and how much of the text is searched.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from rnnscope.analysis import QUERIES
from rnnscope.analysis.find import Find
from rnnscope.analysis.query import Query, Result
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.session import Session
from tests.app.looking import seen, settled, shown
from tests.app.real import TEXT, new_session, session

KINDS: dict[str, type[Query[Any]]] = {**QUERIES, "find": Find}

KEYS: dict[str, tuple[str, ...]] = {
    "saturation": ("A",),
    "contexts": ("C",),
    "match": ("v", "right", "right", "v", "m"),
    "factors": ("F",),
    "ablate": ("x", "enter"),
    "saliency": ("i",),
    "ngrams": ("P",),
    "errors": ("E",),
    "brackets": ("B",),
    "gradient-flow": ("d",),
    "compare": ("Y", *"archive-gru", "enter"),
    "find": ("slash", *"quotes", "enter"),
}
"""The keys that ask a query; one without keys is asked from the command palette."""

SHOWN = {
    *("layer", "unit", "quantity", "position"),  # the selection
    *("start", "stop"),  # the page, or what is marked on it
    *("units", "feature", "other"),  # what the prompt says
    "characters",  # how much is searched
}
"""Fields in which a screen's query may differ from the defaults, because the screen shows them."""


class Recording:
    """A session that remembers what it was asked, and with what result."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.asked: list[tuple[Query[Any], Result]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def ask(self, query: Query[Any], progress: Progress = NO_PROGRESS) -> Result:
        result: Result = self._session.ask(query, progress)
        self.asked.append((query, result))
        return result


@pytest.mark.parametrize("name", KINDS)
async def test_the_screen_asks_a_query_with_the_defaults_of_every_front_end(name: str) -> None:
    kind, recording = KINDS[name], Recording(session())
    async with shown(recording) as (pilot, screen):  # type: ignore[arg-type]
        await settled(pilot)
        recording.asked.clear()
        if name in KEYS:
            await pilot.press(*KEYS[name])
        else:
            await screen.registry.run(f"analyze_{name}")
        await settled(pilot)
        query, result = next(asked for asked in reversed(recording.asked) if type(asked[0]) is kind)
        check_fields(query, screen)
    given = {field: getattr(query, field) for field in SHOWN if hasattr(query, field)}
    expected = kind(**given)
    assert query == expected, "the screen changes a default"
    answer = new_session().ask(expected)
    assert_close(result.to_dict(), answer.to_dict())


def assert_close(one: Any, other: Any) -> None:
    """The same JSON, but for the rounding of sums that are shared among threads in another way."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = [*one.values()], [*other.values()]
    if isinstance(one, list):
        assert len(one) == len(other)
        for each, counterpart in zip(one, other, strict=True):
            assert_close(each, counterpart)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-9)
    else:
        assert one == other


def check_fields(query: Query[Any], screen: InspectScreen) -> None:
    """The fields that the screen gives are those that it shows."""
    selection = seen(screen)
    fields = {field.name for field in dataclasses.fields(query)}
    if "characters" in fields:
        assert query.characters == screen.scope.characters  # type: ignore[attr-defined]
    if "layer" in fields and "unit" in fields:
        assert (query.layer, query.unit) == (selection.layer, selection.unit)  # type: ignore[attr-defined]
    if "stop" in fields:
        assert 0 <= query.start < query.stop <= len(TEXT)  # type: ignore[attr-defined]
