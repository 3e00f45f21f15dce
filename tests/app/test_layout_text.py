"""Characters stand in the right cells, whatever they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from rnnscope.export.layout import Layout, Shapes, lay_out, next_word, paint, previous_word

MARK, WIDE = "\u0301", "漢"


def laid_out(text: str, width: int | None) -> Layout:
    symbols = tuple(sorted(set(text))) or (" ",)
    return lay_out(np.array([symbols.index(c) for c in text], dtype=np.int32), Shapes.of(symbols), width)


def lines(layout: Layout) -> list[str]:
    return ["".join(layout.pieces(*layout.span(line))) for line in range(len(layout))]


def greedily_wrapped(text: str, width: int) -> list[str]:
    """The rule, one character at a time: fill a line, let a space hang, go back to the last seam."""
    result: list[str] = []
    groups: list[str] = []  # a character with the marks on it
    for character in text:
        if character == MARK and groups and groups[-1][0] != "\n":
            groups[-1] += character
        else:
            groups.append(character)

    def cells(group: str) -> int:
        return 2 if group[0] == WIDE else 1

    line: list[str] = []
    while groups:
        group = groups.pop(0)
        used = sum(map(cells, line))
        hangs = group in (" ", "\n") and used + 1 <= width
        if used + cells(group) <= width - 1 or hangs:
            line.append(group)
            if group[0] == "\n":
                result.append("".join(line))
                line = []
            continue
        groups.insert(0, group)
        seams = [i + 1 for i, before in enumerate(line) if before[0] in " " + WIDE]
        cut = seams[-1] if seams else len(line)
        result.append("".join(line[:cut]))
        groups[:0] = line[cut:]
        line = []
    return [*result, "".join(line)] if line or not result else result


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=f"ab \n{MARK}{WIDE}", max_size=60), st.integers(3, 14))
def test_lines_are_filled_greedily_and_break_after_spaces_and_wide_characters(text: str, width: int) -> None:
    layout = laid_out(text, width)
    spans = [text[slice(*layout.span(line))] for line in range(len(layout))]
    assert spans == greedily_wrapped(text, width)
    assert "".join(spans) == text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.integers(3, 40))
def test_any_text_fits_its_lines_and_every_character_has_a_cell(text: str, width: int) -> None:
    layout = laid_out(text, width)
    for line, shown in enumerate(lines(layout)):
        start, end = layout.span(line)
        assert cell_len(shown) == layout.edges[end] - layout.edges[start] <= width
        for index in range(start, end):
            assert layout.line_of(index) == line
            assert layout.index_at(line, layout.column_of(index)) == layout.bases[index]


def test_marks_sit_in_the_cell_of_their_base() -> None:
    layout = laid_out(f"ae{MARK}{MARK}b", None)
    assert [layout.column_of(index) for index in range(5)] == [0, 1, 1, 1, 2]
    assert layout.index_at(0, 1) == 1


def test_a_mark_without_a_base_has_a_dotted_circle() -> None:
    assert lines(laid_out(f"{MARK}a\n{MARK}b", None)) == [f"\u25cc{MARK}a↵", f"\u25cc{MARK}b"]


def test_both_halves_of_a_wide_character_are_the_character() -> None:
    layout = laid_out(f"a{WIDE}b", None)
    assert [layout.index_at(0, column) for column in range(6)] == [0, 1, 1, 2, 2, 2]


def test_what_terminals_fuse_with_its_neighbors_is_taken_apart() -> None:
    flag, heart, thumb = "🇬🇧", "❤\ufe0f", "👍🏽"
    assert lines(laid_out(flag + heart + thumb, None)) == ["ⒼⒷ❤👍"]


def test_controls_are_pictures() -> None:
    assert lines(laid_out("\x1b[31m\x00\t\u202e", None)) == ["␛[31m␀→�"]


def test_words_are_found_both_ways() -> None:
    text = "one  two\nthree"
    assert [next_word(text, index) for index in (0, 3, 5, 9, 13)] == [5, 5, 9, 13, 13]
    assert [previous_word(text, index) for index in (13, 9, 6, 5, 0)] == [9, 5, 5, 0, 0]


def test_equal_neighbors_are_one_segment() -> None:
    plain, bold = Style(), Style(bold=True)
    segments = paint(list("aabba"), [0, 0, 1, 1, 0], (plain, bold))
    assert [(segment.text, segment.style) for segment in segments] == [
        ("aa", plain),
        ("bb", bold),
        ("a", plain),
    ]
