"""An excerpt of a text: as many characters around the marked one as the line has cells for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from rnnscope.render.report import Place, excerpt
from rnnscope.theme.palette import palette

COLORS = palette("dark", "truecolor")


def ink(token: str, *, bold: bool = False) -> Style:
    return COLORS.ink(token, bold=bold)


def drawn(text: str, center: int, width: int, *, note: str = "") -> tuple[str, str]:
    """The line, and what of it is marked."""
    line = excerpt(text, np.zeros(len(text)), center, "+0.5", gate=False, choice=Place(0), note=note)
    row = line.draw(COLORS, ink, width)
    marked = "".join(each.text for each in row if each.style is not None and each.style.underline)
    return "".join(each.text for each in row), marked


def test_wide_characters_are_shown_as_themselves() -> None:
    text, marked = drawn("漢字を読むモデル", 3, 15)
    assert marked == "読"
    assert text == "字を読むモ +0.5"
    assert "▯" not in drawn("漢字 abc", 2, 40)[0]


def test_a_character_without_a_cell_has_a_stand_in() -> None:
    text, marked = drawn("e\u0301te\u0301", 1, 20)
    assert marked == "▯"
    assert text.startswith("e▯te▯ ")


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from("ab \n漢字\u0301\u200b"), min_size=1, max_size=40),
    st.integers(0, 39),
    st.integers(9, 60),
)
def test_a_line_fills_its_width_and_shows_the_marked_character(text: str, center: int, width: int) -> None:
    center = min(center, len(text) - 1)
    line, marked = drawn(text, center, width)
    assert len(marked) == 1
    assert cell_len(line) <= width
    assert line.endswith(" +0.5")


@pytest.mark.parametrize(("center", "expected"), [(0, "abcdefg"), (10, "hijklmn"), (25, "tuvwxyz")])
def test_the_marked_character_is_in_the_middle_where_the_text_goes_on(center: int, expected: str) -> None:
    line, _ = drawn("abcdefghijklmnopqrstuvwxyz", center, 12)
    assert line == f"{expected} +0.5"


def test_a_note_is_shown_on_a_wide_line_alone() -> None:
    text = "x" * 100
    assert drawn(text, 50, 80, note="at 50")[0].endswith(" at 50  +0.5")
    assert "at 50" not in drawn(text, 50, 40, note="at 50")[0]
