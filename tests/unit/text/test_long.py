"""Any part of a long text has the characters of a plain read; searches match those over the whole text."""

from __future__ import annotations

import random
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.errors import OptionError, TextError
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.long import LongText
from rnnscope.text.occurrences import Windows, compiled, find_next
from rnnscope.text.reading import ReadSizes, read_text

_ALPHABET = 'ab \n\r\n\r\t"é漢😀e\u0301\ufffd'


_SMALL_BLOCKS = 16
_SMALL_WINDOWS = Windows(first=8, largest=32, around=40)


def _after(calls: int) -> Progress:
    """A progress that is cancelled after so many reports."""
    reports: list[float] = []
    return Progress(reports.append, lambda: len(reports) >= calls)


def _random_text(seed: int, length: int) -> str:
    return "".join(random.Random(seed).choices(_ALPHABET, k=length))


@pytest.mark.parametrize("seed", range(5))
def test_any_part_is_the_part_of_the_whole(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf" * (seed % 2) + _random_text(seed, 700).encode())
    whole = read_text(path)
    text = LongText.open(path, block_bytes=_SMALL_BLOCKS)
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


def test_a_text_whose_only_line_breaks_are_cr_is_read_as_a_corpus_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(_random_text(3, 700).replace("\n", "").encode())
    text = LongText.open(path, block_bytes=_SMALL_BLOCKS)
    assert text.read(0, text.count()) == read_text(path)
    assert text.notes == (f"{path.read_bytes().count(13):,} CR line breaks are read as LF",)


def test_a_large_file_is_read_by_parts(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("häßlich\n" * 100_000)
    text = LongText.open(path, sizes=ReadSizes(large=1000))
    assert text.read(0, 8) == "häßlich\n"
    assert text.known < 100_000  # only as far as needed
    assert text.read(799_992, 900_000) == "häßlich\n"
    path.write_text("short now")
    with pytest.raises(TextError, match="changed while it was open"):
        text.read(300_000, 300_010)


def test_invalid_utf_8_is_an_error_at_the_beginning_and_replaced_further_on(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"fine \xff")
    with pytest.raises(TextError, match="not UTF-8 at byte 5"):
        LongText.open(path)
    assert LongText.open(path, "bytes").read(0, 9) == "fine \xff"
    path.write_bytes(b"a" * (1 << 20) + b"\xff\xc3 b" + "\ufffd".encode())
    text = LongText.open(path)
    assert text.read((1 << 20) - 1, 1 << 21) == "a\ufffd\ufffd b\ufffd"
    assert text.notes == ("invalid UTF-8 in 2 places is read as \ufffd",)


def test_bytes_are_their_own_positions() -> None:
    raw = bytes(range(256)) * 3
    text = LongText.of(raw, kind="bytes")
    assert text.is_counted
    assert text.known == len(raw)
    assert text.read(250, 260).encode("latin-1") == raw[250:260]
    assert text.read(760, 900).encode("latin-1") == raw[760:]
    assert LongText.of(b"", kind="bytes").read(0, 5) == LongText.of("").read(0, 5) == ""


def test_a_cancelled_count_keeps_its_blocks() -> None:
    text = LongText.of("x" * 160, block_bytes=16)
    with pytest.raises(Cancelled):
        text.count(progress=_after(3))
    assert text.known == 48
    assert not text.is_counted
    assert text.count(60) == 64
    shares: list[float] = []
    assert text.count(progress=Progress(shares.append)) == 160
    assert shares == pytest.approx([n / 10 for n in range(5, 11)])


def test_threads_see_one_text() -> None:
    whole = _random_text(7, 3000).replace("\r", "")
    text = LongText.of(whole, block_bytes=_SMALL_BLOCKS)
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


@settings(max_examples=60, deadline=None)
@given(
    whole=st.text(alphabet="ab \né", max_size=200),
    sought=st.sampled_from(["a", "ab", r"\bb", r"a+", r"^b", r"(?<=é)a", r"[^\n]$", r"a(?=b)", "b*", "é b"]),
    start=st.integers(0, 210),
)
def test_a_pattern_is_found_where_a_search_of_the_whole_finds_it(whole: str, sought: str, start: int) -> None:
    lines = re.sub(r"[^\n]{30}", lambda long_line: long_line[0][:-1] + "\n", whole)
    text = LongText.of(lines, block_bytes=_SMALL_BLOCKS)
    pattern = compiled(sought, text)
    whole_search = re.compile(sought, re.MULTILINE).finditer(lines, start)
    later = [m.span() for m in whole_search if m.end() > m.start()]
    assert find_next(text, pattern, start, windows=_SMALL_WINDOWS) == (later[0] if later else None)


def test_a_match_reaches_beyond_its_window() -> None:
    text = LongText.of("-" * 20 + '"' + "quoted " * 40 + '"' + "-" * 50)
    pattern = compiled('"[^"]*"?', text)
    assert find_next(text, pattern, windows=_SMALL_WINDOWS) == (20, 302)


def test_bytes_are_searched_as_utf_8() -> None:
    text = LongText.of("say é".encode() * 9, kind="bytes")
    assert find_next(text, compiled("é", text), 10) == (10, 12)
    assert find_next(text, compiled(r"é\w", text)) == (4, 7)


def test_a_search_can_be_cancelled_and_reports_its_progress() -> None:
    text = LongText.of("a" * 50_000)
    text.count()
    shares: list[float] = []
    progress = Progress(shares.append, lambda: len(shares) > 1)
    with pytest.raises(Cancelled):
        find_next(text, compiled("b", text), 0, progress)
    assert shares == pytest.approx([4096 / 50_000, 5 * 4096 / 50_000])
    with pytest.raises(Cancelled):
        find_next(text, compiled("b", text), 0, _after(0))


def test_an_invalid_pattern_is_an_error() -> None:
    with pytest.raises(OptionError, match=r"'a\(' is not a regular expression: missing \)"):
        compiled("a(", LongText.of("a"))
