"""Features against naive readers that go through a text one character at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.features import FEATURES, Scanner, values
from rnnscope.analysis.scanning import AHEAD
from rnnscope.analysis.targets import of_pattern
from rnnscope.errors import OptionError

TEXTS = st.lists(
    st.sampled_from([*"ab Z9_.,\n\n\t\"'“”‘’()[]{}#/*:-!", "\n\n", " // ", "/* ", " */", "don't ", "www.", "http://x",
                     "Old Tom:\n", "ANN. ", "<!--", "-->"]),
    max_size=120,
).map("".join)  # fmt: skip


def one(text: str, name: str) -> list[int]:
    return values(text, [name])[name].astype(int).tolist()


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 40))
def test_reading_in_pieces_is_reading_at_once(text: str, size: int) -> None:
    whole = values(text)
    scanner = Scanner(FEATURES.values())
    codes = np.array([[ord(symbol) for symbol in text]], np.int32)
    for start in range(0, len(text), size):
        n = min(size, len(text) - start)
        found = scanner.read(codes[:, start : start + n + AHEAD], n)
        for name, piece in found.items():
            np.testing.assert_array_equal(piece[0], whole[name][start : start + n], err_msg=name)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_counters_count_as_a_naive_reader_does(text: str) -> None:
    column, indent, leading, depth, line = [], [], [], [], []
    open_round = open_square = open_curly = lines = indented = 0
    at, is_leading, before = 0, True, "\n"
    for symbol in text:
        if symbol == "\n":
            at, indented, is_leading = 0, 0, True
            lines += 1
            if before == "\n":
                lines = open_round = open_square = 0
        else:
            at += 1
            is_leading = is_leading and symbol in " \t"
            indented += {" ": 1, "\t": 4}[symbol] if is_leading else 0
            open_round = max(0, open_round + (symbol == "(") - (symbol == ")"))
            open_square = max(0, open_square + (symbol == "[") - (symbol == "]"))
            open_curly = max(0, open_curly + (symbol == "{") - (symbol == "}"))
        before = symbol
        column.append(at)
        indent.append(indented)
        leading.append(int(is_leading and symbol in " \t"))
        line.append(lines)
        depth.append(open_round + open_square + open_curly)
    assert one(text, "column") == column
    assert one(text, "indent") == indent
    assert one(text, "indentation") == leading
    assert one(text, "line-in-paragraph") == line
    assert one(text, "bracket-depth") == depth


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet='ab"\n ', max_size=80))
def test_double_quotes_open_and_close_in_turn_and_end_with_the_paragraph(text: str) -> None:
    inside, expected = False, []
    for number, symbol in enumerate(text):
        if symbol == '"':
            inside = not inside
        # Before a text stands a line break, so that an empty first line ends a paragraph too.
        if symbol == "\n" and (number == 0 or text[number - 1] == "\n"):
            inside = False
        expected.append(int(inside))
    assert one(text, "quotes") == expected


@pytest.mark.parametrize(
    ("text", "name", "marked"),
    [
        ("say 'so it is' now", "quotes", "....#########....."),
        ("say ‘so’ now", "quotes", "....###....."),
        ("“so” it «is» now", "quotes", "###.....###....."),
        ("don't, dogs' or 'tis it", "quotes", "......................."),
        ("a '''bold''' and ''italic'' 'word'", "quotes", "............................#####."),
        ("don't go", "word", "#####.##"),
        ("x (a (b) c) )d", "round-brackets", "..########...."),
        ("f(x); // see\ny", "comment", ".......#####.."),
        ("a /* b */ c", "comment", "...#####..."),
        ("# yes\n#no http://a.b", "comment", "#####..............."),
        ("at https://a.b/c, www.d.e) so", "url", "...##############.#######...."),
        ("Old Tom:\nHe said: no\n\nANN. Yes.", "speaker", "#######..............." + "###......"),
        ("it is Near. no", "sentence-end-soon", "##########...."),
        ("Ab1\nC", "upper-case", "#...#"),
        ("Ab1\nC", "digit", "..#.."),
        ("Ab1\nC", "after-newline", "...#."),
        ("ab\nabcdefghijklmno\n", "line-end-soon", "##...." + "." * 2 + "##########."),
    ],
)
def test_marks_are_where_a_reader_would_put_them(text: str, name: str, marked: str) -> None:
    assert "".join(".#"[value] for value in one(text, name)) == marked


def test_words_are_counted_in_lines_and_in_sentences() -> None:
    text = "It is so. No, it\nis not."
    assert "".join(map(str, one(text, "word-in-line"))) == "111222333344445501112222"
    assert "".join(map(str, one(text, "word-in-sentence"))) == "111222330011112223334440"
    assert one(text, "word-length")[:9] == [1, 2, 0, 1, 2, 0, 1, 2, 0]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab\n", max_size=60))
def test_patterns_mark_matches_and_their_neighbours(text: str) -> None:
    inside, before, after = (np.zeros(len(text), bool) for _ in range(3))
    at = 0
    while (at := text.find("ab", at)) >= 0:
        inside[at : at + 2] = True
        if at:
            before[at - 1] = True
        if at + 2 < len(text):
            after[at + 2] = True
        at += 2
    for where, expected in (("inside", inside), ("before", before), ("after", after)):
        found = of_pattern("ab", where).values(lambda start, stop: text[start:stop], len(text))
        np.testing.assert_array_equal(found, expected)


def test_slips_are_told_with_what_there_is() -> None:
    with pytest.raises(OptionError, match=r"no feature 'quote'; did you mean quotes\?"):
        values("", ["quote"])
    with pytest.raises(OptionError, match="not a regular expression"):
        of_pattern("(", "inside")
