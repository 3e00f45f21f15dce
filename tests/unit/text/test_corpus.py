"""Texts of every kind and size become the same ids, or one line that says why not."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnscope.errors import OptionError, TextError
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.corpus import Corpus, load_corpus, load_ids
from rnnscope.text.reading import ReadSizes, check_text, read_text
from rnnscope.text.vocabulary import UNKNOWN, Vocabulary

MIXED = "e\u0301 語 👩‍🔬 \x1b[31m\x00\r line\r\nnext\r\n" * 40


def whole(corpus: Corpus) -> np.ndarray:
    return np.concatenate([corpus.train, corpus.held_out, corpus.test])


def written(tmp_path: Path, raw: bytes | str) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return path


SMALL = ReadSizes(large=0, piece=7)
"""Every file is large, and is read seven bytes at a time."""


def test_a_text_becomes_the_ids_of_its_characters(tmp_path: Path) -> None:
    text = "To be, or not to be.\n" * 5
    corpus = load_corpus(written(tmp_path, text))
    assert corpus.vocabulary.symbols == tuple(sorted(set(text)))
    assert corpus.vocabulary.decode(whole(corpus)) == text
    assert corpus.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert corpus.train.dtype == np.uint8
    assert corpus.notes == ()


def test_the_split_is_by_position(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))
    corpus = load_corpus(written(tmp_path, text), held_out=0.2, test=0.05)
    decode = corpus.vocabulary.decode
    assert decode(corpus.train) == text[:750]
    assert decode(corpus.held_out) == text[750:950]
    assert decode(corpus.test) == text[950:]
    assert corpus.train.dtype == np.uint16


def test_ninety_percent_of_tinyshakespeare_is_the_usual_split(corpora: Path) -> None:
    corpus = load_corpus(corpora / "tinyshakespeare.txt")
    assert (len(corpus.train), len(corpus.held_out), len(corpus.vocabulary)) == (1_003_854, 111_540, 65)


def test_a_byte_order_mark_and_crlf_are_changed_with_a_note(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfone\r\ntwo\r three\r\n\xef\xbb\xbf" * 2)
    corpus = load_corpus(path)
    assert corpus.vocabulary.decode(whole(corpus)) == "one\ntwo\r three\n\ufeff\ufeffone\ntwo\r three\n\ufeff"
    assert corpus.notes == ("the byte order mark is left out", "4 CRLF line breaks are read as LF")
    assert read_text(path) == corpus.vocabulary.decode(whole(corpus))


def test_a_text_whose_only_line_breaks_are_cr_is_read_with_lf_and_a_note_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\rtwo\r\rthree\r" * 3)
    for sizes in (ReadSizes(), SMALL):
        corpus = load_corpus(path, sizes=sizes)
        assert corpus.vocabulary.decode(whole(corpus)) == "one\ntwo\n\nthree\n" * 3
        assert corpus.notes == ("12 CR line breaks are read as LF",)
    assert load_corpus(path, encoding="bytes").vocabulary.kind == "bytes"
    assert bytes(whole(load_corpus(path, encoding="bytes"))) == path.read_bytes()


def test_bytes_are_never_changed(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf\r\n\x00\xff" * 10
    corpus = load_corpus(written(tmp_path, raw), encoding="bytes")
    assert bytes(whole(corpus)) == raw
    assert len(corpus.vocabulary) == 256


def test_rare_characters_are_counted_and_explicit(tmp_path: Path) -> None:
    corpus = load_corpus(written(tmp_path, "aaaaaaaabbbbbbbbbbqzx"), minimum_count=3)
    assert corpus.unknown_characters == 3
    assert corpus.vocabulary.decode(whole(corpus)) == "aaaaaaaabbbbbbbbbb" + UNKNOWN[0] * 3


def test_a_given_vocabulary_is_kept_or_grown(tmp_path: Path) -> None:
    path = written(tmp_path, "hello world, hello all" * 3)
    vocabulary = Vocabulary.of("lohe")
    with pytest.raises(TextError, match=r"no ␣ \(U\+0020\).*character 6 "):
        load_corpus(path, vocabulary=vocabulary)
    corpus = load_corpus(path, vocabulary=vocabulary, grow=True)
    assert corpus.vocabulary.symbols == ("e", "h", "l", "o", " ", ",", "a", "d", "r", "w")
    assert corpus.vocabulary.decode(whole(corpus)) == "hello world, hello all" * 3
    assert load_ids(path, Vocabulary.of_bytes()).tobytes() == path.read_bytes()


def test_bytes_and_a_vocabulary_of_characters_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read bytes"):
        load_corpus(written(tmp_path, "abc" * 10), encoding="bytes", vocabulary=Vocabulary.of("abc"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(
        st.one_of(st.sampled_from("\r\n\ufeffaé語👩"), st.characters(exclude_characters="\0", codec="utf-8")),
        min_size=25,
    )
)
def test_a_text_in_pieces_is_the_text_in_memory(tmp_path: Path, text: str) -> None:
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if "\n" not in text:
        expected = expected.replace("\r", "\n")
    if len(expected) < 20:
        return
    corpus = load_corpus(written(tmp_path, text), sizes=SMALL)
    assert isinstance(corpus.train, np.memmap)
    assert corpus.vocabulary == Vocabulary.of(expected)
    assert whole(corpus).tolist() == corpus.vocabulary.encode(expected).tolist()


def test_a_large_text_is_cached_and_found_again(tmp_path: Path) -> None:
    path = written(tmp_path, MIXED)
    cache = tmp_path / "not" / "there"
    first = load_corpus(path, cache=cache, minimum_count=41, sizes=SMALL)
    (kept,) = cache.iterdir()
    inode = kept.stat().st_ino  # a file that is written again is another one
    again = load_corpus(path, cache=cache, minimum_count=41, sizes=SMALL)
    assert whole(again).tolist() == whole(first).tolist()
    assert again.unknown_characters == first.unknown_characters > 0
    assert [path.stat().st_ino for path in cache.iterdir()] == [inode]
    load_corpus(path, cache=cache, sizes=SMALL)  # another vocabulary, other ids
    assert len(list(cache.iterdir())) == 2


def test_a_large_file_of_bytes_is_mapped_itself(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 4
    corpus = load_corpus(written(tmp_path, raw), encoding="bytes", sizes=SMALL)
    assert isinstance(corpus.train, np.memmap)
    assert bytes(whole(corpus)) == raw


def test_reading_a_large_text_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    size = 40 << 20
    path.write_bytes(b"0123456789abcde\n" * (size // 16))
    tracemalloc.start()
    corpus = load_corpus(path, cache=tmp_path, sizes=ReadSizes(large=1 << 20, piece=1 << 16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(whole(corpus)) == size
    assert peak < size / 2  # of which the counts of all code points are 9 MB


def test_a_full_or_missing_cache_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "abc" * 20)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(TextError, match=r"the ids of .* cannot be written to "):
        load_corpus(path, cache=in_the_way / "cache", sizes=SMALL)


def test_reading_reports_its_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    sizes = ReadSizes(large=0, piece=100)
    path = written(tmp_path, "abcd" * 100)
    shares: list[float] = []
    load_corpus(path, progress=Progress(shares.append), sizes=sizes)
    assert shares == [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]

    asked = iter([False] * 5)
    progress = Progress(is_cancelled=lambda: next(asked, True))
    with pytest.raises(Cancelled):
        load_corpus(path, progress=progress, cache=tmp_path / "cache", sizes=sizes)
    assert not list(tmp_path.glob("cache/*")), "a partial file of ids was kept"


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"fine\nfine\nbad \xff here" * 3, r"not UTF-8 at byte 14 \(line 3\); .*--encoding bytes"),
        ("a é".encode()[:-1], r"not UTF-8 at byte 2 \(line 1\)"),
        (b"\n" * 20 + "語".encode()[:2], r"not UTF-8 at byte 20 \(line 21\)"),
        (b"a\xed\xa0\x80b", r"not UTF-8 at byte 1 \(line 1\)"),
    ],
)
def test_the_error_names_the_place_of_invalid_utf8(
    tmp_path: Path, raw: bytes, message: str, small: bool
) -> None:
    sizes = ReadSizes(large=0, piece=3) if small else ReadSizes()
    with pytest.raises(TextError, match=message):
        load_corpus(written(tmp_path, raw), sizes=sizes)


def test_utf16_is_called_binary(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="binary, with a NUL at byte 1;"):
        load_corpus(written(tmp_path, ("plain text " * 9).encode("utf-16-le")))


def test_a_large_file_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(4 << 30)
    pieces: list[float] = []
    with pytest.raises(TextError, match="binary, with a NUL at byte 0"):
        load_corpus(path, progress=Progress(pieces.append))
    assert pieces == []  # not even one piece was done with


def test_paths_without_a_text_are_errors(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none", "there is no file"),
        (tmp_path, "is a directory"),
        (tmp_path / "a\0b", "a␀b cannot be read"),
        (tmp_path / "x\ny", "x↵y"),
        ("/dev/null", "is a device"),
        (written(tmp_path, ""), "is empty"),
    ):
        with pytest.raises(TextError, match=message):
            load_corpus(path)
    with pytest.raises(TextError, match="is empty"):
        load_corpus(written(tmp_path, ""), encoding="bytes")


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "abc")
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)  # root may read every file, nobody may not
    try:
        with pytest.raises(TextError, match="cannot be read: permission denied"):
            load_corpus(path)
    finally:
        if is_root:
            os.seteuid(0)


def test_a_text_of_one_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="too short: 1 character; give a text of at least 2"):
        load_corpus(written(tmp_path, "a"))


@pytest.mark.parametrize(
    ("held_out", "test", "least"),
    [(0.1, 0.0, 11), (0.1, 0.1, 20), (0.5, 0.0, 4), (0.0, 0.0, 2), (0.95, 0.0, 40)],
)
def test_a_text_too_short_for_its_parts_has_only_a_training_part(
    tmp_path: Path, held_out: float, test: float, least: int
) -> None:
    for size in range(2, least):
        corpus = load_corpus(written(tmp_path, "a" * size), held_out=held_out, test=test)
        assert (len(corpus.train), len(corpus.held_out), len(corpus.test)) == (size, 0, 0)
        assert corpus.notes == (f"a short text: all {size} characters are for training, none for validation",)
    corpus = load_corpus(written(tmp_path, "a" * least), held_out=held_out, test=test)
    assert not corpus.notes
    assert len(corpus.train) >= 2
    assert len(corpus.held_out) >= 2 * (held_out > 0)
    assert len(corpus.test) >= 2 * (test > 0)


@pytest.mark.parametrize(
    ("held_out", "test"),
    [(1.0, 0.0), (-0.1, 0.0), (0.5, 0.5), (0.0, 1.5), (float("nan"), 0.0), (1e-310, 0.0)],
)
def test_impossible_shares_are_refused(tmp_path: Path, held_out: float, test: float) -> None:
    with pytest.raises(OptionError):
        load_corpus(tmp_path / "unread", held_out=held_out, test=test)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\r\n" * 9)))
    corpus = load_corpus("-")
    assert (corpus.name, corpus.path) == ("standard input", "-")
    assert corpus.vocabulary.decode(whole(corpus)) == "from a pipe\n" * 9


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"from a pipe\n" * 9,))
    writer.start()
    corpus = load_corpus(path)
    writer.join()
    assert corpus.vocabulary.decode(whole(corpus)) == "from a pipe\n" * 9


def test_a_first_look_refuses_what_is_no_text_and_reads_little(tmp_path: Path) -> None:
    cut = written(tmp_path, "a" * ((1 << 20) - 1) + "é and more")  # the first piece ends inside a character
    check_text(cut)
    check_text("-")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_text(pipe)  # which would wait for a writer, were it opened
    with pytest.raises(TextError, match="not UTF-8 at byte 1"):
        check_text(written(tmp_path, b"a\xff"))
    check_text(written(tmp_path, b"a\xff"), as_bytes=True)
    for path, message in ((tmp_path, "directory"), (written(tmp_path, ""), "empty"), ("/none", "no file")):
        with pytest.raises(TextError, match=message):
            check_text(path)
