"""The inspect screen: keys, mouse and results, through Textual's pilot; a made-up session, and no torch."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from rnnscope.analysis.errors import Errors
from rnnscope.analysis.query import Query, Result
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.model_header import ModelHeader
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.errors import TextError
from rnnscope.progress import Progress
from rnnscope.session import Session
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, app_of, panel_text, seen, settled, shown, text_of
from tests.app.waiting import until


async def test_opening_shows_the_model_its_text_and_its_neurons() -> None:
    async with shown() as (_, screen):
        header = screen.query_one(ModelHeader).render_line(0).text
        for expected in (
            "mine",
            "LSTM 1×48",
            "model's validation loss 1.571 nats",
            f"position 90 / {len(PASSAGE)}",
        ):
            assert expected in header
        text = text_of(screen)
        for expected in ("most active first", "gentleman", "forget", "kept", "←→ cursor"):
            assert expected in text, expected


async def test_up_and_down_go_through_the_tables_order() -> None:
    async with shown() as (pilot, screen):
        assert screen.table.ranking is not None
        order = screen.table.ranking.order
        trace = seen(screen).trace
        by_hand = sorted(range(48), key=lambda u: -float(trace["1/hidden"][:, u].astype(np.float64).std()))
        assert [unit for _, unit in order] == by_hand
        screen.scope.select(layer=1, unit=order[3][1])
        await pilot.press("down", "down")
        assert (seen(screen).layer, seen(screen).unit) == order[5]
        await pilot.press("up")
        assert (seen(screen).layer, seen(screen).unit) == order[4]


async def test_the_table_is_sorted_filtered_and_clicked() -> None:
    async with shown() as (pilot, screen):
        met = []
        for _ in range(4):
            await pilot.press("O")
            assert screen.table.ranking is not None
            met.append(screen.table.ranking.sort)
        assert sorted(met) == ["activity", "index", "saturation", "selectivity"]
        await pilot.press("backslash", *"1/4", "enter")
        await settled(pilot)
        assert {f"{layer}/{unit}" for layer, unit in screen.table.ranking.order} == {
            "1/4", *(f"1/{unit}" for unit in range(40, 48))
        }  # fmt: skip
        await pilot.click("#neurons", offset=(3, 3))
        await settled(pilot)
        assert (seen(screen).layer, seen(screen).unit) == screen.table.ranking.order[1]
        await pilot.press("escape")
        await settled(pilot)
        assert len(screen.table.ranking.order) == 48


async def test_a_long_text_is_read_page_by_page() -> None:
    text = PASSAGE * 30
    async with shown(FakeSession(text)) as (pilot, screen):
        await pilot.press("colon", *"5000", "enter")
        await settled(pilot)
        header = screen.query_one(ModelHeader).render_line(0).text
        assert f"position 5,000 / {len(text):,}" in header
        assert seen(screen).trace.text[seen(screen).cursor] == text[5000]
        await pilot.press("ctrl+end")
        await settled(pilot)
        assert seen(screen).position == len(text) - 1
        await pilot.press("ctrl+home")
        await settled(pilot)
        assert seen(screen).position == 0
        await pilot.press("colon", *"50%", "enter")
        await settled(pilot)
        assert seen(screen).position == round(0.5 * (len(text) - 1))
        await pilot.press("ctrl+end")
        await settled(pilot)
        for _ in range(3):
            screen.scope.select(cursor=0)
            await settled(pilot)
        assert seen(screen).start < len(text) - 4000


async def test_words_are_found_one_match_after_another_and_again_from_the_beginning() -> None:
    async with shown(FakeSession(PASSAGE * 3)) as (pilot, screen):
        places = [i for i in range(len(PASSAGE * 3)) if (PASSAGE * 3).startswith("her", i)]
        before = seen(screen).position
        await pilot.press("colon", *"her", "enter")
        await settled(pilot)
        expected = [place for place in places if place > before]
        for place in [*expected, places[0]]:
            assert seen(screen).position == place
            await pilot.press("N")
            await settled(pilot)
        await pilot.press("colon", *"no such", "enter")
        await settled(pilot)
        assert "no match in the text" in text_of(screen)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (160, 50), (200, 60)])
async def test_every_panel_stands_in_its_place_at_every_size(size: tuple[int, int]) -> None:
    async with shown(size=size) as (pilot, screen):
        arrangement = screen.stage.arrangement
        for panel in screen.stage.panels:
            assert panel.id is not None
            assert panel.region == arrangement[panel.id]
        (tabs,) = screen.stage.arrangement.tabs.values()
        shown_in_turn = []
        for _ in tabs:
            shown_in_turn += [panel.id for panel in screen.stage.panels if panel.tabs is not None]
            await pilot.press("o")
        assert tuple(shown_in_turn) == tabs


async def test_every_key_of_the_footer_can_be_clicked() -> None:
    async with shown() as (pilot, screen):
        line = screen.query_one(Footer).render_line(0).text
        await pilot.click("#footer", offset=(line.index("sort"), 0))
        assert screen.table.ranking is not None
        assert screen.table.ranking.sort == "index"


async def test_an_error_that_the_user_can_correct_ends_the_screen() -> None:
    def open_session(progress: Progress) -> Session:
        raise TextError("the text is empty")

    app = RnnscopeApp(InspectScreen(open_session, name="mine"))
    async with app.run_test() as pilot:
        for _ in range(100):
            if app.failure is not None:
                break
            await pilot.pause(0.02)
    assert isinstance(app.failure, TextError)
    assert app.return_value == 2


async def test_any_other_error_is_shown_and_the_screen_stays() -> None:
    def open_session(progress: Progress) -> Session:
        raise ZeroDivisionError("by zero")

    app = RnnscopeApp(InspectScreen(open_session, name="mine"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.failure is not None)
        screen = app.screen
        assert "ZeroDivisionError: by zero" in screen.query_one(Banner).render_line(0).text
        assert "stopped" in screen.query_one(ModelHeader).render_line(0).text
        await pilot.press("q")


async def test_choosing_another_neuron_redraws_two_rows_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shown() as (pilot, screen):
        rows: list[int] = []
        body = screen.table.body
        monkeypatch.setattr(screen.table, "body", lambda row, *size: rows.append(row) or body(row, *size))
        await pilot.press("down")
        await settled(pilot)
        assert 0 < len(set(rows)) <= 2


# -- text and marks ----------------------------------------------------------------------------------------


async def test_spans_are_marked_by_keys_and_by_mouse() -> None:
    async with shown() as (pilot, screen):
        cursor = seen(screen).cursor
        await pilot.press("v", "right", "right", "v", "right", "V", "right", "V")
        assert screen.marks.marks == ((cursor, cursor + 3, True), (cursor + 3, cursor + 5, False))
        assert seen(screen).coloring == "overlay"
        await pilot.press("escape", "escape")
        assert screen.marks.marks == ()
        await pilot.mouse_down("#passage", offset=(5, 3))
        await pilot.hover("#passage", offset=(12, 3))
        await pilot.mouse_up("#passage", offset=(12, 3))
        await settled(pilot)
        ((start, stop, is_positive),) = screen.marks.marks
        assert (stop - start, is_positive) == (8, True)


async def test_marks_move_with_their_characters_to_another_page() -> None:
    async with shown(FakeSession(PASSAGE * 40)) as (pilot, screen):
        await pilot.press("v", "right", "v")
        start, stop, _ = screen.marks.marks[0]
        screen.scope.go_to(9000)
        await settled(pilot)
        overlay = seen(screen).overlay
        assert overlay is not None
        assert not overlay.values.any()
        screen.scope.go_to(50)
        await settled(pilot)
        overlay = seen(screen).overlay
        assert overlay is not None
        assert np.flatnonzero(overlay.values).tolist() == [*range(start, stop)]


async def test_typing_recolors_at_every_key_and_escape_restores_the_text() -> None:
    async with shown() as (pilot, screen):
        before = seen(screen).cursor
        await pilot.press("e", *"xy")
        await settled(pilot)
        assert seen(screen).trace.text == PASSAGE[: before + 1] + "xy"
        assert seen(screen).cursor == before + 2
        assert not screen.paging.is_original
        await pilot.press("escape")
        await settled(pilot)
        assert seen(screen).trace.text == PASSAGE
        assert seen(screen).cursor == before


async def test_a_typed_text_stays_until_escape() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("e", *"xy", "enter")
        await settled(pilot)
        assert seen(screen).trace.text.endswith("xy")
        assert screen.query_one(ModelHeader).model.source == "typed"
        await pilot.press("escape")
        await settled(pilot)
        assert seen(screen).trace.text == PASSAGE


async def test_stars_and_notes_are_saved_next_to_the_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.remarks.json"
    for expected in ("", "it counts"):
        async with shown(notes=path) as (pilot, screen):
            screen.scope.select(layer=1, unit=5)
            assert screen.table.ranking is not None
            assert screen.table.ranking.notes.notes.get((1, 5), "") == expected
            if not expected:
                await pilot.press("asterisk", "quotation_mark", *"it counts", "enter")
                await settled(pilot)
            assert screen.table.starred == {(1, 5)}
            assert "it counts" in panel_text(screen, "neurons")


async def test_a_file_of_notes_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.remarks.json"
    path.write_text("[]")
    async with shown(notes=path) as (pilot, screen):
        assert "cannot be read" in text_of(screen)
        await pilot.press("asterisk")
    assert path.read_text() == "[]"


async def test_the_page_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with shown() as (pilot, screen):
        await pilot.press("w", "enter")
        await settled(pilot)
        (written,) = tmp_path.iterdir()
        assert written.suffix == ".html"
        assert "1/" in written.read_text(encoding="utf-8")
        await pilot.press("w", *"x.gif", "enter")
        await settled(pilot)
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")


async def test_a_report_needs_a_model_file_and_a_name_that_ends_in_html() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("H")
        await until(pilot, lambda: "a report needs a model file" in text_of(screen))
        await pilot.press("w", "ctrl+u", *"report.html", "enter")
        await settled(pilot)
        assert "a report needs a model file" in str(screen.query_one(Prompt).query_one("#hint").render())
    async with shown(file=Path("model.safetensors")) as (pilot, screen):
        await pilot.press("w", "ctrl+u", *"none/report.html", "enter")
        await settled(pilot)
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")
        await pilot.press("escape", "H", *".pdf", "enter")
        await settled(pilot)
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")


async def test_a_model_file_that_changes_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_text("before")
    async with shown(file=file) as (pilot, screen):
        file.write_text("after, and longer")
        await until(pilot, lambda: "changed on disk" in text_of(screen))


# -- jobs --------------------------------------------------------------------------------------------------


async def test_the_header_shows_what_is_analyzed_and_escape_cancels_it() -> None:
    begun, release = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow(session: FakeSession, query: Query[Result], progress: Progress) -> Result:
        begun.set()
        try:
            while not release.wait(0.01):
                progress(0.25)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise
        raise TextError("the text is too short")

    async with shown(FakeSession(answers={Errors: slow})) as (pilot, screen):
        header = screen.query_one(ModelHeader)
        await pilot.press("E")
        await until(pilot, lambda: "25 %" in header.render_line(0).text)
        assert Errors.activity in header.render_line(0).text
        await pilot.press("escape")
        await until(pilot, lambda: ended == ["Cancelled"])
        assert Errors.activity not in header.render_line(0).text
        release.set()
        await pilot.press("E")
        await settled(pilot)
        assert "the text is too short" in screen.query_one(Banner).render_line(0).text


async def test_an_internal_error_of_an_analysis_is_announced() -> None:
    def fail(session: FakeSession, query: Query[Result], progress: Progress) -> Result:
        raise ZeroDivisionError("by zero")

    async with shown(FakeSession(answers={Errors: fail})) as (pilot, screen):
        await pilot.press("E")
        await settled(pilot)
        assert "internal error: ZeroDivisionError: by zero" in screen.query_one(Banner).render_line(0).text
        await pilot.press("right")
        assert seen(screen).cursor == 91


async def test_leaving_does_not_wait_for_an_analysis() -> None:
    release = threading.Event()

    def stuck(session: FakeSession, query: Query[Result], progress: Progress) -> Result:
        release.wait(20)
        raise TextError("too late")

    app = app_of(FakeSession(answers={Errors: stuck}))
    async with app.run_test() as pilot:
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        await until(pilot, lambda: screen.scope.selection is not None)
        await pilot.press("E", "q")
    assert app.return_value == 0
    release.set()
