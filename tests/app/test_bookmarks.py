"""Bookmarks: set and recalled by keys and by mouse, kept next to the model, each in its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from rnnscope.app.bookmarks import FORMAT, Bookmark, Bookmarks
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.sidecar_file import edit_file, load_file
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, seen, settled, shown, text_of


async def pressed(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


def question(screen: InspectScreen) -> str:
    """What the prompt shows: the choices, the question and the hint."""
    labels = ("#choices", "#question", "#hint")
    return "\n".join(str(screen.prompt.query_one(label).render()) for label in labels)


async def test_bookmarks_are_set_and_recalled_by_their_letters(tmp_path: Path) -> None:
    path = tmp_path / "mine.bookmarks.json"
    text = PASSAGE * 20  # longer than a page
    async with shown(FakeSession(text), bookmarks=path) as (pilot, screen):
        await pressed(pilot, "apostrophe")
        assert "no bookmarks in this text" in text_of(screen)
        screen.scope.select_neuron(1, 5, quantity="forget")
        screen.scope.go_to(5_000)
        screen.stage.show_panel("contexts")
        await settled(pilot)
        await pressed(pilot, "at", "b")
        assert "bookmark b: 1/5, forget  at 5,000  contexts" in text_of(screen)
        screen.scope.select_neuron(1, 9, quantity="cell")
        screen.scope.go_to(7)
        screen.stage.show_panel("find")
        await settled(pilot)
        await pressed(pilot, "at")
        assert "b  1/5, forget  at 5,000  contexts" in question(screen), "what is there is shown"
        await pressed(pilot, "1")
        assert "a letter, a to z" in question(screen)
        await pressed(pilot, "enter")  # the first letter that is free
        await pressed(pilot, "apostrophe")
        assert question(screen).startswith("a  1/9, cell  at 7  find\nb  1/5, forget  at 5,000  contexts\n")
        await pressed(pilot, "z")
        assert "there is no bookmark z; choose one of a b" in question(screen)
        await pressed(pilot, "down", "down", "enter")  # b
        assert not screen.prompt.display
        found = seen(screen)
        assert (found.neuron, found.quantity, found.position) == ("1/5", "forget", 5_000)
        assert "contexts" in screen.stage.arrangement
    stored = json.loads(path.read_text())["texts"]
    assert [sorted(marks) for marks in stored.values()] == [["a", "b"]]
    async with shown(FakeSession(PASSAGE), bookmarks=path) as (pilot, screen):
        await pressed(pilot, "apostrophe")
        assert "no bookmarks in this text" in text_of(screen), "they belong to a text"


async def test_the_mouse_sets_and_recalls_bookmarks() -> None:
    async with shown(size=(80, 24)) as (pilot, screen):
        screen.scope.select(layer=1, unit=3, cursor=40)
        for unit, cursor in ((5, 60), (7, 80)):
            await pressed(pilot, "at")
            hint = screen.prompt.query_one("#hint")
            await pilot.click(hint, offset=(hint.size.width - 8, 0))  # Enter
            await settled(pilot)
            screen.scope.select(unit=unit, cursor=cursor)
        await pressed(pilot, "apostrophe")
        assert screen.prompt.region.bottom == 24
        assert screen.prompt.size.height == 3
        await pilot.click("#choices", offset=(4, 0))
        await settled(pilot)
        assert (seen(screen).unit, seen(screen).cursor) == (3, 40)
        await pressed(pilot, "apostrophe")
        await pilot.click("#choices", offset=(4, 1))
        await settled(pilot)
        assert (seen(screen).unit, seen(screen).cursor) == (5, 60)


def test_two_programs_keep_each_others_bookmarks(tmp_path: Path) -> None:
    path = tmp_path / "m.bookmarks.json"
    one, other = Bookmark(3, (1, 2), "cell"), Bookmark(0, (9, 2), "hidden", "map")
    for text, letter, mark in (("t", "b", one), ("t", "a", other), ("u", "a", one)):
        edit_file(path, FORMAT, lambda marks, at=(text, letter, mark): marks.with_bookmark(*at))
    loaded = load_file(path, FORMAT)
    assert loaded == Bookmarks({"t": {"a": other, "b": one}, "u": {"a": one}})
    assert loaded.of("t", Architecture(hidden_size=4)) == {"b": one}, "1/2 is there, 9/2 is not"


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"texts": []}',
        '{"texts": {"t": {"ab": {"position": 1, "neuron": "1/2", "quantity": "cell"}}}}',
        '{"texts": {"t": {"a": {"position": 1, "neuron": "1", "quantity": "cell"}}}}',
        '{"texts": {"t": {"a": {"position": "1", "neuron": "1/2", "quantity": "cell"}}}}',
    ],
)
def test_another_kind_of_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "m.bookmarks.json"
    path.write_text(content)
    with pytest.raises(OptionError, match="cannot be read"):
        load_file(path, FORMAT)
