"""Ids of characters and bytes are unique; no character silently gets the id of another."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.errors import CheckpointError, TextError
from rnnscope.text.vocabulary import UNKNOWN, Vocabulary, count_code_points

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANY_TEXT)
def test_ids_decode_to_the_text_they_were_made_of(text: str) -> None:
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text)
    assert vocabulary.symbols == tuple(sorted(set(text)))
    assert ids.tolist() == [sorted(set(text)).index(character) for character in text]
    assert vocabulary.decode(ids) == text
    assert vocabulary.decode_bytes(ids) == text.encode()


@given(st.binary())
def test_bytes_are_their_own_ids(raw: bytes) -> None:
    vocabulary = Vocabulary.of_bytes()
    ids = vocabulary.encode(raw)
    assert ids.tolist() == list(raw)
    assert vocabulary.decode_bytes(ids) == raw


def test_a_byte_vocabulary_reads_text_as_utf8() -> None:
    vocabulary = Vocabulary.of_bytes()
    assert vocabulary.encode("é").tolist() == [0xC3, 0xA9]
    assert vocabulary.decode([0xC3, 0xA9]) == "é"
    assert vocabulary.decode([0xC3]) == "\ufffd"


def test_wide_and_combining_characters_and_emoji_each_have_an_id() -> None:
    text = "e\u0301語👩‍🔬"
    assert len(Vocabulary.of(text)) == len(set(text)) == 6


@given(ANY_TEXT, st.integers(2, 4))
def test_characters_below_the_cut_off_become_the_unknown_symbol(text: str, least: int) -> None:
    vocabulary = Vocabulary.of(text, least)
    counts = Counter(text)
    assert vocabulary.unknown is not None
    unknown = vocabulary.symbols[vocabulary.unknown]
    assert unknown in UNKNOWN
    assert counts[unknown] < least, "no character of the text is taken for the unknown symbol"
    expected = "".join(c if counts[c] >= least else unknown for c in text)
    assert vocabulary.decode(vocabulary.encode(text)) == expected


def test_a_replacement_character_of_the_text_is_not_the_unknown_symbol() -> None:
    vocabulary = Vocabulary.of("\ufffd\ufffd\u2370\u2370ab", 2)
    known, unknown = vocabulary.encode("\ufffda").tolist()
    assert unknown == vocabulary.unknown != known
    assert vocabulary.decode([known, unknown]) == "\ufffd\u2bd1"
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert vocabulary.decode(Vocabulary.of("\ufffdaa", 2).encode("\ufffd")) != "\ufffd"


def test_the_unknown_symbol_of_an_older_file_is_not_a_replacement_character() -> None:
    older = Vocabulary.from_json({"kind": "characters", "symbols": ["a", "\ufffd"], "unknown": 1})
    assert older.symbols == ("a", UNKNOWN[0])
    assert older.encode("a\ufffd\u200b").tolist() == [0, 1, 1]
    real = Vocabulary.from_json({"kind": "characters", "symbols": ["a", "\ufffd"]})
    assert real.symbols == ("a", "\ufffd")


@pytest.mark.parametrize(("symbols", "opening"), [("ab\n", "\n"), ("cab", "a"), ("\ufffd", "\ufffd")])
def test_without_a_prompt_writing_follows_a_line_break_or_the_first(symbols: str, opening: str) -> None:
    vocabulary = Vocabulary.of(symbols)
    assert vocabulary.symbols[vocabulary.opening] == opening
    assert Vocabulary.of_bytes().opening == 10


def test_a_character_without_an_id_is_named_with_its_place() -> None:
    vocabulary = Vocabulary.of("abc")
    with pytest.raises(TextError, match=r"no ␛ \(U\+001B\).*character 3 of the text"):
        vocabulary.encode("ab\x1bc\x00")
    with pytest.raises(TextError, match=r"no d .*character 2,097,153 of the text"):
        vocabulary.encode("a" * (1 << 21) + "d")


def test_a_lone_surrogate_is_an_error() -> None:
    with pytest.raises(TextError, match="surrogate"):
        Vocabulary.of("a\ud800")
    with pytest.raises(TextError, match="surrogate"):
        Vocabulary.of_bytes().encode("a\ud800")
    with pytest.raises(TextError, match="not UTF-8 at byte 1"):
        Vocabulary.of("a").encode(b"a\xff")


def test_growing_keeps_old_ids_in_their_place() -> None:
    old = Vocabulary.of("baab", 2)
    new = old.grown(count_code_points("a zebra"))
    assert new.symbols[: len(old)] == old.symbols
    assert new.symbols[len(old) :] == (" ", "e", "r", "z")
    assert new.unknown == old.unknown
    assert old.grown(count_code_points("ab")) is old
    assert Vocabulary.of_bytes().grown(count_code_points("é")) == Vocabulary.of_bytes()


@pytest.mark.parametrize(
    "vocabulary", [Vocabulary.of("a\x00\u202e語"), Vocabulary.of("aab", 2), Vocabulary.of_bytes()]
)
def test_json_gives_the_same_vocabulary(vocabulary: Vocabulary) -> None:
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        [],
        {},
        {"kind": "words", "symbols": ["a"]},
        {"kind": "characters"},
        {"kind": "characters", "symbols": []},
        {"kind": "characters", "symbols": "ab"},
        {"kind": "characters", "symbols": ["a", "bc"]},
        {"kind": "characters", "symbols": ["a", 1]},
        {"kind": "characters", "symbols": ["a", "a"]},
        {"kind": "characters", "symbols": ["a", "\ud800"]},
        {"kind": "characters", "symbols": ["a"], "unknown": 1},
        {"kind": "characters", "symbols": ["a"], "unknown": True},
        {"kind": "characters", "symbols": ["a"], "unknown": "a"},
    ],
)
def test_malformed_json_is_refused(malformed: object) -> None:
    with pytest.raises(CheckpointError):
        Vocabulary.from_json(malformed)


def test_ids_are_int32() -> None:
    assert Vocabulary.of("ab").encode("ba").dtype == np.int32
    assert Vocabulary.of_bytes().encode("ba").dtype == np.int32
