"""The train screen: panels, mouse, notices, beginnings and ends, through Textual's pilot."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from rich.color import Color, ColorType
from textual.screen import Screen

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.footer import Footer
from rnnscope.app.frame.header import Header
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.panels.panel import Panel
from rnnscope.app.screens.train import TrainScreen
from rnnscope.errors import TextError
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Finished, Warned
from tests.app.fake import run_until
from tests.app.showing import seen, shown, telling
from tests.app.waiting import text_of, until

# -- panels ------------------------------------------------------------------------------------------------


async def test_a_panel_is_enlarged_hidden_and_shown_again(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("z")
        await pilot.pause()
        assert [panel.id for panel in screen.stage.panels] == ["passage"]
        await pilot.press("escape")
        await pilot.pause()
        assert len(screen.stage.panels) == 6
        await pilot.press("Z")
        await pilot.pause()
        assert "passage" not in [panel.id for panel in screen.stage.panels]
        assert isinstance(screen.focused, Panel)
        await pilot.press("X")
        await pilot.pause()
        assert len(screen.stage.panels) == 6


async def test_the_gradient_takes_the_place_of_the_loss(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.press("o")
        await pilot.pause()
        in_sight = {panel.id for panel in screen.stage.panels}
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
        arrangement = screen.stage.arrangement
        for panel in screen.stage.panels:
            assert panel.id is not None
            assert panel.region == arrangement[panel.id]


async def test_too_small_a_terminal_is_told_kindly_and_nothing_is_lost(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        text = text_of(screen)
        assert "60×16" in text
        assert "Training continues" in text
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert len(screen.stage.panels) == 6
        assert screen.focused is not None


# -- the mouse ---------------------------------------------------------------------------------------------


async def test_a_click_focuses_moves_the_cursor_and_chooses_a_neuron(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        before = seen(screen)
        await pilot.click("#passage", offset=(10, 2))
        await pilot.pause()
        assert seen(screen).cursor != before.cursor
        await pilot.click("#map", offset=(20, 6))
        await pilot.pause()
        assert seen(screen).unit != before.unit
        assert screen.focused is not None
        assert screen.focused.id == "map"


async def test_a_click_in_the_footer_does_what_it_says(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        line = screen.query_one(Footer).render_line(0).text
        await pilot.click("#footer", offset=(line.index("pause"), 0))
        assert screen.controls.state.paused
        line = screen.query_one(Footer).render_line(0).text
        cursor = seen(screen).cursor
        await pilot.click("#footer", offset=(line.index("←"), 0))
        assert seen(screen).cursor == cursor - 1
        await pilot.click("#footer", offset=(line.index("help") + 2, 0))
        await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)


# -- notices, pictures, colors -----------------------------------------------------------------------------


async def test_a_warning_is_shown_kept_and_dismissed(trace: Trace) -> None:
    warned = Warned(50, 1.0, "the disk is full;\n\x1b[2Jtraining goes on", "disk")
    async with shown(telling([*run_until(trace), warned])) as (pilot, screen):
        banner = screen.query_one(Banner)
        assert banner.display
        assert banner.render_line(0).text.startswith("! the disk is full;↵␛[2Jtraining goes on")
        screen.scope.announce("a note does not push a warning away")
        assert "disk" in banner.render_line(0).text
        await pilot.press("escape")
        assert not banner.display
        await pilot.press("M")
        await pilot.pause()
        page = page_text(pilot.app.screen)
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
        tmp_path.chmod(0o500)
        await pilot.press("S")
        tmp_path.chmod(0o700)
        if len([*tmp_path.iterdir()]) == 2:  # root may write anywhere
            assert "no screenshot" in screen.query_one(Banner).render_line(0).text


async def test_the_themes_take_turns_and_change_every_color(trace: Trace) -> None:
    async with shown(telling(run_until(trace))) as (pilot, screen):
        app = cast(RnnscopeApp, pilot.app)
        before = palette("dark", "truecolor").colors
        for theme in ("light", "high-contrast"):
            await pilot.press("T")
            await pilot.pause()
            assert app.palette.theme == theme
            assert f"theme: {theme}" in screen.banner.log_of_messages[-1].message
            used = {color.get_truecolor().hex for _, color in colors_of(screen)}
            assert {app.palette.colors.bg, app.palette.colors.panel} <= used
            assert not {before.bg, before.panel} & used
            before = app.palette.colors
        await pilot.press("T")
        await pilot.pause()
        assert app.palette.theme == "terminal"
        assert len(colors_of(screen)) > 3
        assert all(color.type in (ColorType.DEFAULT, ColorType.STANDARD) for _, color in colors_of(screen))
        await pilot.press("T")
        await pilot.pause()
        assert app.palette == palette("dark", "truecolor")


def colors_of(screen: TrainScreen) -> set[tuple[str, Color]]:
    """The colors of all widgets in sight, as foreground and as background."""
    styles = {
        segment.style
        for widget in screen.stage.children
        if widget.display
        for y in range(widget.size.height)
        for segment in widget.render_line(y)
        if segment.style is not None
    }
    pairs = {("text", style.color) for style in styles} | {("fill", style.bgcolor) for style in styles}
    return {(kind, color) for kind, color in pairs if color is not None}


# -- beginnings and ends -----------------------------------------------------------------------------------


async def test_the_layout_is_there_before_the_run_begins() -> None:
    painted: list[str] = []

    def start(controls: Controls, say: Callable[[Event], None]) -> None:
        painted.append(text_of(screen))
        while not controls.state.stop:
            time.sleep(0.005)

    screen = TrainScreen(start, corpus="a text")
    app = RnnscopeApp(screen, depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(painted))
        assert "loading torch…" in painted[0]
        assert all(name in painted[0] for name in ("loss", "sample", "passage", "next", "gates", "heat map"))
        screen.controls.stop()


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
        before = screen.controls.state
        await pilot.press("full_stop", "t", "r", "greater_than_sign")
        assert screen.controls.state == before
        assert "rnnscope replay runs/tinyshakespeare-1" in screen.query_one(Banner).render_line(0).text


async def test_paused_the_sample_is_written_to_its_end_and_then_everything_stands_still(trace: Trace) -> None:
    clock = [0.0]
    screen = TrainScreen(telling(run_until(trace)), now=lambda: clock[0])
    app = RnnscopeApp(screen, depth="truecolor", theme="dark")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: screen.scope.selection is not None)
        for _ in range(3):
            clock[0] += 0.2
            await pilot.pause(0.15)
        assert screen.samples.is_writing
        await pilot.press("space")
        while screen.samples.is_writing:
            clock[0] += 0.4
            await pilot.pause(0.1)
        before = text_of(screen)
        for _ in range(3):
            clock[0] += 0.2
            await pilot.pause(0.15)
        assert text_of(screen) == before
        screen.controls.stop()


def page_text(page: Screen[Any]) -> str:
    """What a page of text shows."""
    reading = page.children[0]
    return "\n".join(reading.render_line(y).text for y in range(reading.size.height))
