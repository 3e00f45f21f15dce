"""Finding a panel: tabs, jump mode, layouts and the footer, by keys and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from rnnscope.app.frame.footer import Footer
from rnnscope.app.inspect_layout import SHARED
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.stage import jump_letters
from rnnscope.app.tabs import Tabs, width
from rnnscope.tracing.trace import Trace
from tests.app import showing
from tests.app.fake import run_until
from tests.app.looking import lines_of, shown


def in_sight(screen: InspectScreen) -> set[str]:
    return {panel.id or "" for panel in screen.stage.panels}


def focused(screen: Screen[None]) -> str | None:
    return screen.focused.id if screen.focused else None


def footer_of(screen: Screen[None]) -> str:
    return screen.query_one(Footer).render_line(0).text


async def click_title(
    pilot: Pilot[int], screen: InspectScreen, panel: str, words: str, times: int = 1
) -> None:
    await pilot.click(f"#{panel}", offset=(lines_of(screen, panel)[0].index(words), 0), times=times)
    await pilot.pause()


async def test_tabs_are_in_the_title_and_turned_by_keys_and_by_mouse() -> None:
    async with shown() as (pilot, screen):
        title = lines_of(screen, "find")[0].split()
        assert title[:4] == ["find", "next", "heat", "map"]
        count = len(SHARED)
        assert title[-2:] == ["…", f"1/{count}"]
        await pilot.press("right_curly_bracket")
        assert {"next"} == in_sight(screen) - {"neurons", "passage", "gates"}
        assert focused(screen) == "passage"
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        assert "result" in in_sight(screen)  # before the first comes the last
        assert lines_of(screen, "result")[0].endswith(f"analysis {count}/{count}")
        await click_title(pilot, screen, "result", "…")
        assert focused(screen) in in_sight(screen) - {"neurons", "passage", "gates", "result"}
        await pilot.press("o", "o")
        assert lines_of(screen, focused(screen) or "")[0].startswith("▎")  # the focus follows the tab
        # In a low panel the number stands for the names.
        await pilot.resize_terminal(80, 24)
        screen.stage.show_panel("find", focus=True)
        await pilot.pause()
        assert f"find ‹1/{count}›" in lines_of(screen, "find")[0]
        await click_title(pilot, screen, "find", f"{count}›")
        assert focused(screen) == "next"
        await click_title(pilot, screen, "next", "‹2")
        assert focused(screen) == "find"
        # A zoomed panel keeps its tabs, and they stay zoomed.
        await click_title(pilot, screen, "find", "find", times=2)
        assert in_sight(screen) == {"find"}
        await pilot.press("right_curly_bracket")
        await pilot.pause()
        assert in_sight(screen) == {"next"}
        await pilot.press("z")
        assert "passage" in in_sight(screen)


async def test_jump_mode_shows_a_letter_for_every_panel_and_tab() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("semicolon")
        letters = {panel: lines_of(screen, panel)[0].split()[:2] for panel in ("gates", "find", "neurons")}
        assert letters == {"gates": ["g", "gates"], "find": ["f", "find"], "neurons": ["n", "neurons"]}
        assert "h heat map" in footer_of(screen)
        assert footer_of(screen).endswith("Esc cancel")
        await pilot.press("g")
        await pilot.pause()
        assert focused(screen) == "gates"
        assert lines_of(screen, "gates")[0].split()[1] == "gates"
        assert "q quit" in footer_of(screen)
        await pilot.press("semicolon", "h")
        await pilot.pause()
        assert focused(screen) == "map"
        await pilot.press("semicolon", "question_mark")  # leaves, and does nothing else
        assert pilot.app.screen is screen
        assert focused(screen) == "map"
        await pilot.press("semicolon")
        await pilot.click("#footer", offset=(footer_of(screen).index("contexts"), 0))
        await pilot.pause()
        assert focused(screen) == "contexts"


def test_every_panel_gets_another_letter_of_its_heading_where_one_is_free() -> None:
    letters = jump_letters({str(i): heading for i, heading in enumerate(["next", "neurons", "n", "n-grams"])})
    assert letters == {"n": "0", "e": "1", "a": "2", "g": "3"}
    assert len(jump_letters({str(i): "panel" for i in range(30)})) == 26


async def test_a_layout_is_chosen_by_its_number_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNSCOPE_STATE", str(tmp_path / "state.json"))
    async with shown() as (pilot, screen):
        before = screen.stage.arrangement["gates"].area
        await pilot.press("3")
        await pilot.pause()
        assert screen.stage.arrangement["gates"].area > before
        assert "neurons" not in in_sight(screen)
        await pilot.press("5")
        await pilot.pause()
        assert {"saturation", "gradients"} < in_sight(screen)
        await pilot.press("Z", "2")  # a layout shows what was hidden
        assert {"passage", "next", "find"} == in_sight(screen)
        await pilot.press("C")  # the tabs of a layout take what is asked for
        await pilot.pause()
        assert {"passage", "next", "contexts"} == in_sight(screen)
        await pilot.press("q")
    async with shown() as (pilot, screen):
        assert screen.stage.wanted.layout == "reading"
        await pilot.press("1", "q")
    async with shown() as (pilot, screen):
        assert screen.stage.wanted.layout == "overview"


async def test_the_footer_begins_with_the_keys_of_the_focused_chart(trace: Trace) -> None:
    async with showing.shown(showing.telling(run_until(trace))) as (pilot, screen):
        assert footer_of(screen).startswith("space pause  ←→ cursor")
        await pilot.click("#loss", offset=(20, 0))
        await pilot.pause()
        line = footer_of(screen)
        assert line.startswith("←→ read  ↑↓ zoom  Shift+←→ pan  a log/linear  u units  {} tab  space pause")
        assert line.endswith("? help  q quit")
        assert "cursor" not in line  # its keys read the chart
        await pilot.click("#footer", offset=(line.index("log/linear"), 0))
        await pilot.pause()
        assert not screen.loss.log_steps
        await pilot.click("#footer", offset=(line.index("{}") + 1, 0))
        await pilot.pause()
        assert focused(screen) == "gradient"
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert footer_of(screen).endswith("? help  q quit")


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("room", [8, 14, 20, 30, 80])
def test_a_strip_has_the_active_tab_and_fits(room: int, at: int) -> None:
    names = ("find", "next", "heat map", "contexts", "saturation", "n-grams")
    tabs = Tabs(names, names, at)
    strip = tabs.strip(room)
    assert [part.text for part in strip if part.kind == "active"] == [names[at]]
    assert width(strip) <= room or strip == tabs.short()
    assert all(part.panel in (*names, "") for part in strip)
    if room >= 20:
        assert len({part.panel for part in strip if part.text in names}) >= 1
    if room == 80:
        assert strip == tabs.all_names()
