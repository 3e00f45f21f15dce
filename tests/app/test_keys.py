"""Keys that the user chose for actions, and the layout of a screen."""

from __future__ import annotations

import pytest

from rnnscope.app.actions import table
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.footer import Footer
from rnnscope.app.keys import key_of
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.config import Config
from rnnscope.errors import OptionError
from tests.app.looking import FakeSession, opening, settled
from tests.app.waiting import until


async def test_chosen_keys_run_the_actions_and_are_shown() -> None:
    screen = InspectScreen(opening(FakeSession()), name="mine", now=lambda: 0.0)
    keys = {"zoom": ("Ctrl+F", "%"), "find": ("x",), "ablate": ("/",), "quit": ("Q",), "prime": ("p",)}
    app = RnnscopeApp(
        screen, theme="dark", depth="truecolor", config=Config(layout={"inspect": "gates"}, keys=keys)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: screen.scope.selection is not None)
        await settled(pilot)
        assert screen.stage.wanted.layout == "gates"
        for key in ("ctrl+f", "percent_sign"):
            await pilot.press(key)
            await pilot.pause()
            assert screen.stage.wanted.zoomed == "passage"
            await pilot.press("escape")
        for key in ("z", "q"):
            await pilot.press(key)
            await pilot.pause()
        assert screen.stage.wanted.zoomed is None
        assert app.return_code is None
        footer = screen.query_one(Footer).render_line(0).text
        assert "x find" in footer
        assert "/ ablate" in footer
        await pilot.press("x")
        assert "find" in str(screen.prompt.query_one("#question").render())
        await pilot.press("escape")
        assert "`Ctrl+F` `%`" in table(screen.registry.actions)
        await pilot.press("Q")
        await pilot.pause()
        assert app.return_code == 0


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("z", "z"),
        ("Z", "Z"),
        ("[", "left_square_bracket"),
        (",", "comma"),
        (" ", "space"),
        ("é", "é"),
        ("Ctrl+P", "ctrl+p"),
        ("ctrl+f2", "ctrl+f2"),
        ("F5", "f5"),
        ("←", "left"),
        ("PgUp", "pageup"),
        ("left_square_bracket", "left_square_bracket"),
        ("Shift+Tab", "shift+tab"),
    ],
)
def test_a_key_is_written_as_it_is_shown_or_named(written: str, key: str) -> None:
    assert key_of(written) == key


@pytest.mark.parametrize("written", ["", "zz", "ctrl+", "ctrl+foo", "f99", "\n"])
def test_what_names_no_key_is_refused(written: str) -> None:
    with pytest.raises(OptionError, match="there is no key"):
        key_of(written)
