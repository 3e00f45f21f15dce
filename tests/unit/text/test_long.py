"""Long texts: the same characters as a plain reading of the whole, wherever one looks; searches in them."""

from __future__ import annotations

import random
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.errors import OptionError, TextError
from rnnscope.text import long
from rnnscope.text.long import LongText
from rnnscope.text.occurrences import compiled, find_next, find_previous
from rnnscope.text.reading import read_text

_ALPHABET = 'ab \n\r\n\r\t"é漢😀e\u0301\ufffd'


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short text has many seams."""
    monkeypatch.setattr(long, "BLOCK_BYTES", 16)


def _written(seed: int, length: int) -> str:
    return "".join(random.Random(seed).choices(_ALPHABET, k=length))


@pytest.mark.parametrize("seed", range(5))
def test_any_part_is_the_part_of_the_whole(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf" * (seed % 2) + _written(seed, 700).encode())
    whole = read_text(path)
    text = LongText.open(path)
    choose = random.Random(seed)
    for _ in range(200):  # the first of them before anything is counted
        start = choose.randrange(len(whole) + 20)
        stop = start + choose.randrange(90)
        assert text.read(start, stop) == whole[start:stop]
    assert text.count() == text.known == len(whole)
    assert text.is_counted
    assert ("the byte order mark is left out" in text.notes) == bool(seed % 2)
    pairs = path.read_bytes().count(b"\r\n")
    assert f"{pairs:,} CRLF line breaks are read as LF" in text.notes


def test_a_large_file_is_read_by_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr("rnnscope.text.reading.LARGE_BYTES", 1000)
    path = tmp_path / "text"
    path.write_text("häßlich\n" * 100_000)
    text = LongText.open(path)
    assert text.read(0, 8) == "häßlich\n"
    assert text.known < 100_000  # only what was asked for is counted
    assert text.read(799_992, 900_000) == "häßlich\n"
    path.write_text("short now")
    with pytest.raises(TextError, match="changed while it was open"):
        text.read(300_000, 300_010)


def test_what_is_no_text_is_refused_at_its_beginning_and_replaced_further_on(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"fine \xff")
    with pytest.raises(TextError, match="not UTF-8 at byte 5"):
        LongText.open(path)
    assert LongText.open(path, "bytes").read(0, 9) == "fine \xff"
    path.write_bytes(b"a" * (1 << 20) + b"\xff\xc3 b" + "\ufffd".encode())
    text = LongText.open(path)
    assert text.read((1 << 20) - 1, 1 << 21) == "a\ufffd\ufffd b\ufffd"
    assert text.notes == ("2 places that are not UTF-8 are read as \ufffd",)


def test_bytes_are_their_own_positions() -> None:
    raw = bytes(range(256)) * 3
    text = LongText.of(raw, kind="bytes")
    assert text.is_counted
    assert text.known == len(raw)
    assert text.read(250, 260).encode("latin-1") == raw[250:260]
    assert text.read(760, 900).encode("latin-1") == raw[760:]
    assert LongText.of(b"", kind="bytes").read(0, 5) == LongText.of("").read(0, 5) == ""


def test_counting_can_be_stopped_and_goes_on() -> None:
    text = LongText.of("x" * 160)
    asked: list[None] = []
    shares: list[float] = []
    assert text.count(told=shares.append, should_stop=lambda: len(asked.append(None) or asked) > 3) == 48
    assert not text.is_counted
    assert text.count(60) == 64
    assert text.count(told=shares.append) == 160
    assert shares == pytest.approx([0.1, 0.2, 0.3, *(n / 10 for n in range(5, 11))])


def test_threads_see_one_text() -> None:
    whole = _written(7, 3000).replace("\r", "")
    text = LongText.of(whole)
    wrong: list[tuple[int, str]] = []

    def look(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(300):
            start = choose.randrange(len(whole))
            found = text.read(start, start + 50)
            if found != whole[start : start + 50]:
                wrong.append((start, found))

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.fixture
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"_FIRST_WINDOW": 8, "_WINDOW": 32, "_BEFORE": 40, "_AFTER": 40}.items():
        monkeypatch.setattr(f"rnnscope.text.occurrences.{name}", size)


@pytest.mark.usefixtures("_small_windows")
@settings(max_examples=60, deadline=None)
@given(
    whole=st.text(alphabet="ab \né", max_size=200),
    sought=st.sampled_from(["a", "ab", r"\bb", r"a+", r"^b", r"(?<=é)a", r"[^\n]$", r"a(?=b)", "b*", "é b"]),
    start=st.integers(0, 210),
)
def test_a_pattern_is_found_where_a_search_of_the_whole_finds_it(whole: str, sought: str, start: int) -> None:
    lines = re.sub(r"[^\n]{30}", lambda long_line: long_line[0][:-1] + "\n", whole)
    text = LongText.of(lines)
    pattern = compiled(sought, text, is_pattern=True)
    matches = [m.span() for m in re.finditer(sought, lines, re.MULTILINE) if m.end() > m.start()]
    whole_search = re.compile(sought, re.MULTILINE).finditer(lines, start)
    later = [m.span() for m in whole_search if m.end() > m.start()]
    assert find_next(text, pattern, start) == (later[0] if later else None)
    before = [span for span in matches if span[0] < start]
    assert find_previous(text, pattern, start) == (before[-1] if before else None)


@pytest.mark.usefixtures("_small_windows")
def test_words_are_found_as_they_are() -> None:
    text = LongText.of("x" * 300 + "a.b A.B axb")
    words = compiled("a.b", text)
    assert find_next(text, words) == (300, 303)
    assert find_next(text, words, 301) is None
    assert find_next(text, compiled("a.b", text, ignores_case=True), 301) == (304, 307)
    assert find_next(text, compiled("a.b", text, is_pattern=True), 301) == (308, 311)
    assert find_previous(text, words, 300) is None
    assert find_previous(text, words, 10_000) == (300, 303)


@pytest.mark.usefixtures("_small_windows")
def test_a_match_reaches_beyond_its_window() -> None:
    text = LongText.of("-" * 20 + '"' + "quoted " * 40 + '"' + "-" * 50)
    assert find_next(text, compiled('"[^"]*"?', text, is_pattern=True)) == (20, 302)


def test_bytes_are_searched_as_utf_8() -> None:
    text = LongText.of("say é".encode() * 9, kind="bytes")
    assert find_next(text, compiled("é", text), 10) == (10, 12)
    assert find_next(text, compiled(r"é\w", text, is_pattern=True)) == (4, 7)


def test_a_search_can_be_stopped_and_says_how_far_it_is() -> None:
    text = LongText.of("a" * 50_000)
    text.count()
    shares: list[float] = []
    assert (
        find_next(text, compiled("b", text), told=shares.append, should_stop=lambda: len(shares) > 1) is None
    )
    assert shares == pytest.approx([4096 / 50_000, 5 * 4096 / 50_000])
    assert find_next(text, compiled("a", text), should_stop=lambda: True) is None
    assert find_previous(text, compiled("b", text), 50_000, should_stop=lambda: True) is None


def test_a_slip_in_a_pattern_is_told() -> None:
    with pytest.raises(OptionError, match=r"'a\(' is not a regular expression: missing \)"):
        compiled("a(", LongText.of("a"), is_pattern=True)
