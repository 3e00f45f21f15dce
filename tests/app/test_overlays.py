"""What lies over a screen: palette, pages and messages, at any size and with keys in any order."""

from __future__ import annotations

import pytest
from textual import events
from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from rnnscope.app.actions import actions_of
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.banner import Banner, Notice
from rnnscope.app.frame.footer import Footer
from rnnscope.app.pages.help import help_writer
from rnnscope.app.pages.log import log_writer
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.question import Question
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.errors import TextError
from rnnscope.theme.palette import palette
from tests.app.looking import shown
from tests.app.waiting import until

DARK = palette("dark", "truecolor")
LONG = "saved to /home/someone/experiments/character-models/runs/a-long-name/last.safetensors"


@pytest.mark.parametrize("width", range(1, 60))
def test_pages_are_written_at_any_width(width: int) -> None:
    lines = help_writer(actions_of(InspectScreen.OWNERS), [])(DARK, width, "")
    if width >= 20:
        assert max(sum(part.cell_length for part in line) for line in lines[3:]) <= width
    assert log_writer([Notice("something long has happened to a file", "warning")])(DARK, width, "")


async def test_help_stays_open_while_the_terminal_becomes_narrow_and_wide_again() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("question_mark")
        for width in (20, 1, 120):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)
        await pilot.press("escape")
        assert pilot.app.screen is screen


# -- the palette -------------------------------------------------------------------------------------------


async def test_clicks_beside_the_palette_in_one_burst_close_it_and_nothing_else() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        await pilot.click(offset=(1, 38), times=3)
        await pilot.pause()
        assert pilot.app.screen is screen
        assert len(pilot.app.screen_stack) == 2


async def test_escape_and_a_click_in_one_burst_close_the_palette_once() -> None:
    async with shown() as (pilot, screen):
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        await pilot.press("escape")
        await pilot.click(offset=(1, 38), times=2)
        await pilot.pause()
        assert pilot.app.screen is screen
        assert len(pilot.app.screen_stack) == 2


@pytest.mark.parametrize("size", [(120, 40), (6, 4), (1, 1)])
@pytest.mark.parametrize("query", ["", "zoom", "no such action"])
async def test_any_key_moves_in_any_list_of_the_palette(size: tuple[int, int], query: str) -> None:
    async with shown() as (pilot, _):
        await pilot.press("ctrl+p")
        palette_ = pilot.app.screen
        assert isinstance(palette_, CommandPalette)
        await pilot.resize_terminal(*size)
        palette_.query_one(Input).value = query
        for _ in range(2):  # at once, and when the list says that nothing was found
            await pilot.press("pagedown", "pageup", "down", "up", "ctrl+end", "ctrl+home", "down", "pagedown")
            await pilot.pause(0.6 if query == "no such action" else 0.1)
        assert pilot.app.screen is palette_
        if query == "zoom" and size[0] > 100:
            assert palette_.query_one(CommandList).option_count > 0


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
@pytest.mark.parametrize("over", ["ctrl+p", "question_mark", "slash"])
async def test_quitting_works_from_palette_page_and_prompt(key: str, over: str) -> None:
    async with shown() as (pilot, _):
        await pilot.press(over)
        await pilot.pause(0.2)
        await pilot.press(key)
        await pilot.pause()
        assert pilot.app.return_code == 0


# -- the prompt --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "0.8"])
async def test_a_key_that_arrives_before_the_focus_is_typed_over_the_value_of_the_prompt(value: str) -> None:
    async with shown() as (pilot, screen):
        screen.scope.prompt(Question("go to", value, "Enter", lambda answer: None))
        assert isinstance(pilot.app, RnnscopeApp)
        pilot.app.on_key(events.Key("3", "3"))
        await pilot.press("2", "0", "0")
        await pilot.pause()
        assert screen.query_one(Input).value == "3200"


# -- messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
@pytest.mark.parametrize("message", ["short", LONG, 5 * (LONG + " ")])
async def test_a_message_leaves_the_footer_in_sight_and_is_cut_at_words(
    size: tuple[int, int], message: str
) -> None:
    async with shown(size=size) as (pilot, screen):
        screen.scope.announce(message)
        await pilot.pause()
        banner, footer = screen.query_one(Banner), screen.query_one(Footer)
        assert not banner.region.overlaps(footer.region)
        assert "q quit" in footer.render_line(0).text
        rows = [banner.render_line(y).text.rstrip() for y in range(banner.size.height)]
        assert 1 <= len(rows) <= 3
        told = " ".join(rows).removesuffix("…   M: all messages").split()
        if all(len(word) <= banner.size.width for word in message.split()):
            assert told == message.split()[: len(told)]
        else:
            assert "".join(message.split()).startswith("".join(told))
        assert "".join(told) == "".join(message.split()) or rows[-1].endswith("…   M: all messages")


async def test_line_breaks_of_a_message_are_told_from_spaces() -> None:
    async with shown() as (pilot, screen):
        screen.scope.announce_error(TextError("'a\nb' is\tnowhere"))
        await until(pilot, lambda: screen.banner.display)
        text = screen.banner.render_line(0).text
        assert "'a↵b' is→nowhere" in text
