"""Whatever a widget is given to draw, no character of it can act on the terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input, Label, OptionList, Static

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.printable import printable

HOSTILE = "a\x1b]0;title\x07b\x9b31mc\u202ed\u200be\x00f\x7fg\u2028h\xadi\ue000j"


@pytest.mark.parametrize("text", [HOSTILE, *HOSTILE, "plain", "é漢 "])
def test_the_replacement_is_printable_and_as_wide(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert cell_len(shown) == cell_len(text)


class _Screen(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Label(HOSTILE, markup=False)
        yield Static(HOSTILE, markup=False)
        yield Input(HOSTILE)
        yield OptionList(HOSTILE.replace("[", ""))

    def begin(self) -> None: ...

    def leave(self, *, asks: bool = True) -> bool:
        return True

    def wait(self) -> None: ...


async def test_labels_inputs_lists_and_notices_are_filtered() -> None:
    app = RnnscopeApp(_Screen(), theme="dark", depth="truecolor")
    async with app.run_test(size=(60, 20)) as pilot:
        app.notify(HOSTILE, markup=False)
        await pilot.pause(0.3)
        lines = [line for widget in app.screen.walk_children() for line in _lines(widget)]
        assert any("title" in line for line in lines)
        assert all(line.isprintable() for line in lines), lines


def _lines(widget: object) -> list[str]:
    from textual.widget import Widget

    assert isinstance(widget, Widget)
    region = widget.size.region
    return [strip.text for strip in widget.render_lines(region)] if region.area else []
