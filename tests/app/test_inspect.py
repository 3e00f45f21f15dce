"""The inspect screen: keys, mouse and answers, through Textual's pilot; a made-up worker, and no torch."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnscope.app.asking.answers import Answer, Found, Named, Refused, TextFound
from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import (
    Find,
    FindErrors,
    FindOn,
    NameNeurons,
    PutBack,
    ReadPage,
    Request,
    TypeText,
)
from rnnscope.app.inspect import InspectApp
from rnnscope.app.panels.banner import Banner
from rnnscope.app.panels.footer import Footer
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.title import ModelHeader
from rnnscope.app.ranking import Known
from rnnscope.app.screens.inspect_layout import SHARED
from rnnscope.app.screens.stage import Stage
from rnnscope.errors import TextError
from tests.app.conftest import PASSAGE
from tests.app.looking import Answering, page_of, seen, settled, shown, text_of, working


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
        await pilot.press("ctrl+end")
        await settled(pilot)
        assert screen.start + seen(screen).cursor == len(text) - 1
        await pilot.press("ctrl+home")
        await settled(pilot)
        assert screen.start + seen(screen).cursor == 0
        await pilot.press("ctrl+end")
        await settled(pilot)
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
        for _ in SHARED:
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


# -- finding out -------------------------------------------------------------------------------------------


def found_by(request: Request) -> list[Answer]:
    known = {
        (1, unit): Known("column", 0.9 - 0.01 * rank, "ρ", quantity="cell")
        for rank, unit in enumerate((7, 3, 40))
    }
    return [Found(request, "column", "ρ", tuple(known.items()), 0.06, 0.93, 48, "single neuron", 280, None)]


async def test_names_rank_the_table_and_choose_the_best_unless_somebody_chose() -> None:
    known = {(1, 9): Known("quotes", 0.97, "AUC"), (1, 4): Known("column", 0.6, "ρ", is_negative=True)}
    answers: dict[type, Answering] = {NameNeurons: lambda request: [Named(request, known)]}
    async with shown(working(answers)) as (_, screen):
        assert screen.ranking is not None
        assert screen.ranking.order[:2] == ((1, 9), (1, 4))
        assert (seen(screen).layer, seen(screen).unit) == (1, 9)
        assert seen(screen).knows == "quotes"
        text = text_of(screen)
        assert "not column" in text
        assert "by what they know" in text


async def test_a_find_ranks_the_table_and_says_in_words_who_knows() -> None:
    asked: list[Request] = []

    def find(request: Request) -> list[Answer]:
        asked.append(request)
        return found_by(request)

    async with shown(working({Find: find})) as (pilot, screen):
        await pilot.press("slash", *"colu", "tab", "enter")
        await settled(pilot)
        assert asked == [Find("feature", "column")]
        assert screen.ranking is not None
        assert screen.ranking.order[:3] == ((1, 7), (1, 3), (1, 40))
        assert (seen(screen).unit, seen(screen).quantity) == (7, "cell")
        text = text_of(screen)
        assert "single neuron: 1/7 grows with it" in text
        assert "by column" in text
        await pilot.press("slash", *"Q+", "enter", "slash", *"after:x", "enter")
        await settled(pilot)
        assert asked[1:] == [Find("inside", "Q+"), Find("after", "x")]
        await pilot.press("slash", *"marked", "enter")
        await settled(pilot)
        assert len(asked) == 3
        assert screen.query_one(Prompt).display


async def test_after_a_search_the_passage_is_where_it_is_on_unless_that_is_in_sight() -> None:
    places: list[FindOn] = []
    spans = [(2_345, 2_350), (2_400, 2_410), (2_402, 2_405), None]

    def found(request: Request) -> list[Answer]:
        best = (((1, 7), Known("quotes", 0.9, "AUC")),)
        return [Found(request, "quotes", "AUC", best, 0.6, 0.93, 48, "single neuron", 280, 20)]

    def place(request: Request) -> list[Answer]:
        assert isinstance(request, FindOn)
        places.append(request)
        return [TextFound(request, spans[len(places) - 1])]

    async with shown(working({Find: found, FindOn: place}, PASSAGE * 30)) as (pilot, screen):
        await pilot.press("slash", *"quotes", "enter")
        await settled(pilot)
        assert places == [FindOn(Find("feature", "quotes"), 0)]
        assert screen.start + seen(screen).cursor == 2_345
        await pilot.press("N")
        await settled(pilot)
        assert places[1] == FindOn(Find("feature", "quotes"), 2_346, begins=True)
        assert screen.start + seen(screen).cursor == 2_400
        await pilot.press("left", "left", "slash", *"quotes", "enter")
        await settled(pilot)
        assert places[2].position <= 2_400
        assert screen.start + seen(screen).cursor == 2_398  # it is in sight
        await pilot.press("N")
        await settled(pilot)
        assert "it is on nowhere in the next" in text_of(screen)


async def test_stretches_are_marked_by_keys_and_by_mouse() -> None:
    asked: list[Request] = []
    async with shown(working({Find: lambda request: asked.append(request) or []})) as (pilot, screen):  # type: ignore[func-returns-value]
        cursor = seen(screen).cursor
        await pilot.press("v", "right", "right", "v", "right", "V", "right", "V")
        assert screen.marks == ((cursor, cursor + 3, True), (cursor + 3, cursor + 5, False))
        assert seen(screen).coloring == "overlay"
        await pilot.press("slash", "enter")
        await settled(pilot)
        assert asked == [Find("marks", "what is marked", screen.marks)]
        await pilot.press("escape", "escape", "escape")
        assert screen.marks == ()
        await pilot.mouse_down("#passage", offset=(5, 3))
        await pilot.hover("#passage", offset=(12, 3))
        await pilot.mouse_up("#passage", offset=(12, 3))
        await settled(pilot)
        assert len(screen.marks) == 1
        assert screen.marks[0][1] - screen.marks[0][0] == 8


async def test_a_page_that_was_put_back_takes_no_other_pages_place(monkeypatch: pytest.MonkeyPatch) -> None:
    text, dropped = PASSAGE * 30, list[type]()
    async with shown(working(text=text)) as (pilot, screen):
        monkeypatch.setattr(screen.desk, "cancel", lambda *kinds: dropped.extend(kinds))
        screen.is_original = False
        screen.go_to(4_000)  # the text is not back yet: nothing else brings it
        assert dropped == []
        await settled(pilot)
        screen.go_to(8_000)
        assert dropped == [PutBack]
        await settled(pilot)
        assert screen.start + seen(screen).cursor == 8_000


async def test_typing_recolors_at_every_key_and_escape_puts_the_text_back() -> None:
    typed: list[Request] = []

    def type_text(request: Request) -> list[Answer]:
        assert isinstance(request, TypeText)
        typed.append(request)
        return [replace(page_of(ReadPage(0, 999, request.cursor), request.text)[0], is_original=False)]

    def put_back(request: Request) -> list[Answer]:
        assert isinstance(request, PutBack)
        return page_of(ReadPage(request.start, request.stop, request.cursor), PASSAGE)

    async with shown(working({TypeText: type_text, PutBack: put_back})) as (pilot, screen):
        before = seen(screen).cursor
        await pilot.press("e", *"xy")
        await settled(pilot)
        last = typed[-1]
        assert isinstance(last, TypeText)
        assert last.text == PASSAGE[: before + 1] + "xy"
        assert seen(screen).trace.text == last.text
        assert seen(screen).cursor == len(last.text) - 1
        await pilot.press("escape")
        await settled(pilot)
        assert seen(screen).trace.text == PASSAGE
        assert seen(screen).cursor == before


async def test_favorites_and_notes_are_kept_beside_the_model(tmp_path: Path) -> None:
    kept = tmp_path / "mine.remarks.json"
    for expected in ("", "it counts"):
        async with shown(working(), remarks=kept) as (pilot, screen):
            screen.look(layer=1, unit=5)
            assert screen.ranking is not None
            assert screen.ranking.remarks.notes.get((1, 5), "") == expected
            if not expected:
                await pilot.press("asterisk", "apostrophe", *"it counts", "enter")
                await settled(pilot)
            assert screen.ranking.remarks.favorites == {(1, 5)}
            assert "it counts" in text_of(screen)


async def test_the_page_is_written_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with shown(working()) as (pilot, screen):
        await pilot.press("w", "enter")
        await settled(pilot)
        (written,) = tmp_path.iterdir()
        assert written.suffix == ".html"
        assert "1/" in written.read_text(encoding="utf-8")
        await pilot.press("w", *"x.gif", "enter")
        await settled(pilot)
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")


async def test_a_refusal_is_told_and_a_search_is_dropped_by_escape() -> None:
    release = threading.Event()

    def slow(request: Request) -> list[Answer]:
        release.wait(5)
        return [Refused(request, "the text is too short")]

    async with shown(working({FindErrors: slow})) as (pilot, screen):
        await pilot.press("E")
        await settled(pilot)
        assert "sorting errors" in screen.query_one(ModelHeader).render_line(0).text
        await pilot.press("escape")
        assert "sorting errors" not in screen.query_one(ModelHeader).render_line(0).text
        release.set()
        await settled(pilot)
        assert "the text is too short" in screen.query_one(Banner).render_line(0).text


def test_a_newer_request_takes_the_place_of_an_older_one() -> None:
    woken: list[None] = []
    desk = Desk(lambda: woken.append(None))
    desk.ask(ReadPage(0, 10, 0))
    first = desk.take("quick")
    assert first is not None
    desk.ask(ReadPage(10, 20, 10))
    assert first.is_dropped()
    desk.ask(ReadPage(20, 30, 20))
    second = desk.take("quick")
    assert second is not None
    assert second.request == ReadPage(20, 30, 20)
    desk.done(first)
    desk.done(second)
    assert len(woken) == 1
    assert [answer.request for answer in desk.drain()] == [first.request, second.request]
    desk.close()
    assert desk.take("long") is None
