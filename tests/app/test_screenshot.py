"""Pictures of the screen: every character stands in the cells that a terminal gives it."""

from __future__ import annotations

import io
import unicodedata
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.text import Text

from rnnscope.app.screenshot import fit_to_cells

_SVG = "{http://www.w3.org/2000/svg}"
_COLUMNS = 40


def _drawn(line: str) -> list[tuple[float, float, str]]:
    """Column, width in cells and text of each element of a picture of one line."""
    console = Console(width=_COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text(line, style="red on blue"), end="")
    svg = console.export_svg(title="")
    matrix = ElementTree.fromstring(fit_to_cells(svg)).iter(_SVG + "text")
    cell = 12.2  # Rich: 20 units high, 0.61 of that wide
    return [
        (float(each.get("x", "")) / cell, float(each.get("textLength", "")) / cell, each.text or "")
        for each in matrix
        if each.get("textLength") and (each.text or "").strip()
    ]


@pytest.mark.parametrize("line", ["漢字 and 字", "한국어 ab", "ｆｕｌｌ <&>"])
def test_wide_characters_have_two_cells(line: str) -> None:
    widths = {"W": 2, "F": 2}
    expected, column = [], 0
    for character in line:
        width = widths.get(unicodedata.east_asian_width(character), 1)
        if width == 2:
            expected.append((column, width, character))
        column += width
    drawn = [(round(at, 3), round(width, 3), text) for at, width, text in _drawn(line)]
    assert [each for each in drawn if each[1] == 2 and len(each[2]) == 1] == expected


def test_text_between_wide_characters_starts_in_its_own_cell() -> None:
    assert [(round(x), round(width), text) for x, width, text in _drawn("漢 an\xa0d  字")] == [
        (0, 2, "漢"),
        (3, 4, "an\xa0d"),
        (9, 2, "字"),
    ]


def test_combining_marks_stay_in_the_cell_of_their_base() -> None:
    assert [(round(x), round(width), text) for x, width, text in _drawn("abe\u0301\u0302cd")] == [
        (0, 2, "ab"),
        (2, 1, "e\u0301\u0302"),
        (3, 2, "cd"),
    ]


@pytest.mark.parametrize("line", ["a שָׁלוֹם b", "x سلام y (١٢)", "שלום سلام"])
def test_right_to_left_characters_stand_alone_in_order(line: str) -> None:
    drawn = _drawn(line)
    assert "".join(text for _, _, text in drawn).replace("\xa0", "") == line.replace(" ", "")
    assert [x for x, _, _ in drawn] == sorted(x for x, _, _ in drawn)
    for _, width, text in drawn:
        if any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
            assert round(width) == len([each for each in text if not unicodedata.combining(each)]) == 1


def test_a_line_of_plain_text_is_left_as_it_is() -> None:
    console = Console(width=_COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text("plain <b> & 'text'"), end="")
    svg = console.export_svg(title="")
    assert fit_to_cells(svg) == svg
