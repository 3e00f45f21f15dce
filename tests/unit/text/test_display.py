"""Text that is shown cannot act on a terminal."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnscope.text.display import are_bytes, glyph, glyphs, label, labels, listed, safe


def test_every_control_has_a_picture() -> None:
    assert [glyph(c) for c in "\n\t\x1b\x00\x7f\r\x07"] == ["↵", "→", "␛", "␀", "␡", "␍", "␇"]
    assert [glyph(c) for c in "\x9b\u202e\u200b\ufeff\ud800\u2028"] == ["�", "�", "�", "�", "�", "↵"]


def test_no_glyph_of_any_code_point_is_a_control() -> None:
    harmful = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not any(
        unicodedata.category(shown) in harmful for shown in map(glyph, map(chr, range(sys.maxunicode + 1)))
    )


def test_pictures_take_one_cell() -> None:
    assert all(cell_len(glyph(chr(code))) == 1 for code in range(0x100))


def test_what_prints_stands_for_itself() -> None:
    assert [glyph(c) for c in "a é語👩"] == list("a é語👩")


@given(st.text())
def test_a_safe_text_keeps_its_lines_and_its_length(text: str) -> None:
    shown = safe(text)
    assert len(shown) == len(text)
    assert [i for i, c in enumerate(shown) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert all(unicodedata.category(c)[0] != "C" for c in shown.replace("\n", ""))


def test_an_escape_sequence_is_shown_not_obeyed() -> None:
    assert safe("a\x1b[31mred\x1b[0m\n\x9b2J") == "a␛[31mred␛[0m\n�2J"


def test_labels_tell_invisible_characters_apart() -> None:
    invisible = ("\u200b", "\u202a", "\x85", "\ufeff", "\ufffd", "\u2028", "\u3164")
    names = ("U+200B", "U+202A", "U+0085", "U+FEFF", "U+FFFD", "U+2028", "U+3164")
    assert labels(invisible) == names
    assert listed(("a", "\u200b", "\n", " ", "\ufeff", "\ufffd")) == "a U+200B ↵␣ U+FEFF U+FFFD"


def test_no_two_symbols_have_one_label() -> None:
    seen = Counter(map(label, map(chr, range(sys.maxunicode + 1))))
    assert [shown for shown, count in seen.items() if count > 1] == []


def test_labels_show_spaces_and_accents() -> None:
    assert [label(c) for c in " \n\u00a0a"] == ["␣", "↵", "U+00A0", "a"]
    assert label("\u0301") == "◌\u0301"


def test_bytes_beyond_ascii_are_named_by_number() -> None:
    of_bytes = tuple(map(chr, range(256)))
    assert are_bytes(of_bytes)
    assert not are_bytes(("a", "â"))
    assert labels(of_bytes)[0xE2] == "\\xe2"
    assert labels(("a", "â")) == ("a", "â")
    assert glyphs(of_bytes)[0x40] == "@"
    assert glyphs(of_bytes)[0xE2] == "�"
    assert glyphs(("\n", "â")) == ("↵", "â")
