"""The inspect screen opens on a finding: a labeled neuron, in its quantity, where its feature switches on."""

from __future__ import annotations

import threading

import pytest
from textual import events

from rnnscope.analysis.names import Names, NamesResult
from rnnscope.analysis.query import Query
from rnnscope.app.frame.model_header import ModelHeader
from rnnscope.app.start import Start
from rnnscope.progress import Progress
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, panel_text, seen, settled, shown, shown_at_once
from tests.app.naming import names
from tests.app.waiting import until

TEXT = PASSAGE * 30
PLACE = 17 * len(PASSAGE) + PASSAGE.index("seven")


def answering(release: threading.Event | None = None) -> FakeSession:
    """A session whose neurons are named, once `release` is set."""

    def answer(session: FakeSession, query: Query[NamesResult], progress: Progress) -> NamesResult:
        while release is not None and not release.wait(0.01):
            progress(0.4)
        return names(PLACE)

    return FakeSession(TEXT, {Names: answer})


async def test_the_screen_opens_on_the_first_label_where_its_feature_switches_on() -> None:
    async with shown(answering()) as (_, screen):
        selection = seen(screen)
        assert (selection.layer, selection.unit, selection.quantity) == (1, 7, "cell")
        assert selection.position == PLACE
        assert not screen.scope.is_chosen
        assert "1/7 · quotes · cell −, AUC 0.96" in panel_text(screen, "passage").splitlines()[0]
        row = next(line for line in panel_text(screen, "neurons").splitlines() if "▸" in line)
        assert "quotes · cell −" in row
        assert "0.96" in row


async def test_cached_names_open_the_screen_there_at_once() -> None:
    session = answering()
    session.cached[Names] = names(PLACE)
    async with shown(session) as (_, screen):
        assert all(start <= PLACE < stop and start > 0 for start, stop in session.reader.pages)
        assert session.asked_of(Names) == []
        assert (seen(screen).position, seen(screen).unit, seen(screen).quantity) == (PLACE, 7, "cell")
        line = screen.passage.shown
        assert line.start < seen(screen).cursor < line.start + len(line) // 2  # more text after it


@pytest.mark.parametrize("key", ["right", "z", "wheel", "slash"])
async def test_the_page_does_not_jump_once_the_user_has_done_something(key: str) -> None:
    release = threading.Event()
    app_session = answering(release)
    async with shown_at_once(app_session) as (pilot, screen):
        header = screen.query_one(ModelHeader)
        await until(pilot, lambda: "naming neurons 40 %" in header.render_line(0).text)
        if key == "wheel":
            passage = screen.passage.region
            where = {"x": passage.x + 3, "y": passage.y + 3, "delta_x": 0, "delta_y": 1, "button": 0}
            screen.app.post_message(
                events.MouseScrollDown(None, **where, shift=False, meta=False, ctrl=False)  # type: ignore[arg-type]
            )
            await pilot.pause()
        else:
            await pilot.press(key)
        before = seen(screen)
        release.set()
        await settled(pilot)
        assert (seen(screen).position, seen(screen).unit) == (before.position, before.unit)
        assert screen.table.label_of((1, 7)) is not None


async def test_a_neuron_is_shown_in_its_labels_quantity_until_the_user_chooses_one() -> None:
    async with shown(answering()) as (pilot, screen):
        await pilot.press("down")
        assert (seen(screen).unit, seen(screen).quantity) == (3, "output")
        await pilot.press("down", "down")
        assert (seen(screen).unit, seen(screen).quantity) == (0, "cell")  # without a label
        await pilot.press("up", "up", "G")
        assert (seen(screen).unit, seen(screen).quantity) == (3, "candidate")
        assert seen(screen).label is None
        await pilot.press("up")
        assert (seen(screen).unit, seen(screen).quantity) == (7, "candidate")
        await pilot.press("escape")
        assert (seen(screen).unit, seen(screen).quantity) == (7, "cell")
        await pilot.press("g", "backslash", *"quote", "enter")
        assert (seen(screen).unit, seen(screen).quantity) == (7, "cell")


async def test_the_filter_ranks_by_a_feature_while_it_is_typed_and_the_sort_applies_to_it() -> None:
    async with shown(answering()) as (pilot, screen):

        def order() -> list[int]:
            assert screen.table.ranking is not None
            return [unit for _, unit in screen.table.ranking.order]

        every = order()
        await pilot.press("down", "down", "backslash", *"quote")
        assert order() == [7, 3, 9]
        await pilot.press("escape")
        assert order() == every
        assert seen(screen).unit == 5
        await pilot.press("backslash", *"quote", "enter", "down")
        assert (seen(screen).unit, seen(screen).quantity) == (3, "hidden")
        assert "quotes · hidden +, AUC 0.91" in panel_text(screen, "passage")
        await pilot.press("O", "O", "O")
        assert screen.table.ranking is not None
        assert screen.table.ranking.sort == "index"
        assert order() == [3, 7, 9]
        await pilot.press("escape")
        assert order() == list(range(48))


async def test_the_next_match_is_the_next_place_where_the_neurons_feature_is_on() -> None:
    async with shown(answering()) as (pilot, screen):
        await pilot.press("N")
        await settled(pilot)
        assert seen(screen).position == PLACE + len(PASSAGE) - 1  # the opening quote


async def test_what_the_start_says_is_not_changed_by_the_finding() -> None:
    async with shown(answering(), start=Start(position=40)) as (_, screen):
        assert (seen(screen).position, seen(screen).unit, seen(screen).quantity) == (40, 7, "cell")
    async with shown(answering(), start=Start(neuron=(1, 3))) as (_, screen):
        assert (seen(screen).unit, seen(screen).quantity) == (3, "output")
        assert seen(screen).position < len(PASSAGE)
    async with shown(answering(), start=Start(quantity="hidden")) as (pilot, screen):
        assert (seen(screen).position, seen(screen).unit, seen(screen).quantity) == (PLACE, 7, "hidden")
        await pilot.press("down")
        assert (seen(screen).unit, seen(screen).quantity) == (3, "hidden")
