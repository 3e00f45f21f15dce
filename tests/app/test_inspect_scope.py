"""Searches over the whole text on the inspect screen, and notes of the worker."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from rnnscope.app.asking.answers import Answer, Extent, Found, Noted
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import (
    Find,
    FindContexts,
    FindSaturation,
    NameNeurons,
    Request,
    TypeText,
)
from rnnscope.app.panels.banner import Banner
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.panels.title import ModelHeader
from rnnscope.app.ranking import Known
from tests.app.looking import Answering, settled, shown, text_of, working

ALL = 1_115_394


def _answers(asked: list[Request]) -> dict[type, Answering]:
    def answered(request: Request) -> list[Answer]:
        if isinstance(request, Find | FindContexts | FindSaturation):
            asked.append(request)
        if isinstance(request, Find):
            read = ALL if request.whole else 20_000
            results = (((1, 7), Known("ing", 0.9, "AUC")),)
            extent = Extent(read, ALL, True)
            return [Found(request, "ing", "AUC", results, 0.6, 0.9, 3, "single neuron", read, 40, extent)]
        return []

    return dict.fromkeys((Find, FindContexts, FindSaturation), answered)


async def test_a_key_searches_the_whole_text_and_says_so() -> None:
    asked: list[Request] = []
    async with shown(working(_answers(asked)), (160, 50)) as (pilot, screen):
        await pilot.press("slash", *"ing", "enter")
        await settled(pilot)
        assert [request.whole for request in asked] == [False]  # type: ignore[attr-defined]
        assert "only the first 20,000; L: the whole text" in text_of(screen)
        await pilot.press("L")
        await settled(pilot)
        assert [request.whole for request in asked] == [False, True]  # type: ignore[attr-defined]
        assert "only the first" not in text_of(screen)
        assert "whole text searched" in screen.query_one(ModelHeader).render_line(0).text
        assert "searches read all" in text_of(screen)
        await pilot.press("slash", *"ing", "enter")
        await settled(pilot)
        assert [request.whole for request in asked] == [False, True, True]  # type: ignore[attr-defined]
        await pilot.press("L")
        await settled(pilot)
        assert asked[-1] == replace(asked[0])
        assert "whole text searched" not in screen.query_one(ModelHeader).render_line(0).text


async def test_the_line_that_says_it_was_a_part_asks_for_the_whole() -> None:
    asked: list[Request] = []
    async with shown(working(_answers(asked)), (160, 50)) as (pilot, screen):
        await pilot.press("slash", *"ing", "enter")
        await settled(pilot)
        panel = screen.query_one("#find", ReportPanel)
        rows = [panel.render_line(row).text for row in range(panel.size.height)]
        row = next(i for i, line in enumerate(rows) if "the whole text" in line)
        await pilot.click("#find", offset=(4, row))
        await settled(pilot)
        assert asked[-1] == Find("inside", "ing", whole=True)


async def test_contexts_and_gates_follow_the_scope() -> None:
    asked: list[Request] = []
    async with shown(working(_answers(asked)), (160, 50)) as (pilot, screen):
        await pilot.press("L", "t")
        await settled(pilot)
        assert isinstance(asked[-1], FindContexts)
        assert asked[-1].whole
        screen.show_panel("saturation")
        await settled(pilot)
        assert asked[-1] == FindSaturation(whole=True)


async def test_what_the_worker_notes_is_announced() -> None:
    def answered(request: Request) -> list[Answer]:
        return [Noted(request, "the model file has changed")]

    async with shown(working({NameNeurons: answered}), (120, 40)) as (_, screen):
        assert screen.query_one(Banner).display
        assert "the model file has changed" in text_of(screen)


def test_a_search_waits_while_a_key_is_answered_and_not_for_long() -> None:
    desk = Desk()
    desk.ask(FindSaturation())
    search = desk.take("long")
    assert search is not None
    begun = time.perf_counter()
    assert not search.is_dropped()
    assert time.perf_counter() - begun < 0.1  # nothing quick is asked
    desk.ask(TypeText("a", 0))
    quick = desk.take("quick")
    assert quick is not None
    threading.Timer(0.1, lambda: desk.done(quick)).start()
    begun = time.perf_counter()
    assert not search.is_dropped()
    assert 0.08 < time.perf_counter() - begun < 0.29
    desk.ask(TypeText("ab", 1))
    begun = time.perf_counter()
    assert not search.is_dropped()
    assert time.perf_counter() - begun < 1.0  # what takes long does not hold it up
    search.drop()
    assert search.is_dropped()
