"""Where documents begin, against Python's own regular expressions on the whole text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.errors import OptionError
from rnnscope.text.documents import Documents, begins_at, document_note, document_starts, starts_between
from rnnscope.text.vocabulary import Vocabulary


@pytest.mark.parametrize("separator", [r"\n\n", r"-+", r"^#", r"(?=b)", r"a\n?"])
@given(st.text(st.sampled_from("ab\n-#"), max_size=60), st.integers(3, 20))
def test_a_document_begins_after_each_match_however_the_text_is_cut(
    separator: str, text: str, piece: int
) -> None:
    matches = re.finditer(separator, text, re.MULTILINE)
    expected = sorted({match.end() for match in matches} - {0, len(text)})
    vocabulary = Vocabulary.of("ab\n-#")
    ids = vocabulary.encode(text)
    assert document_starts(ids, vocabulary, separator).tolist() == expected
    in_pieces = document_starts(ids, vocabulary, separator, piece=piece, context=70)
    assert in_pieces.tolist() == expected


def test_ids_of_characters_and_of_bytes_have_the_same_positions() -> None:
    text = "é1|b|漢|"
    vocabulary = Vocabulary.of(text)
    assert document_starts(vocabulary.encode(text), vocabulary, r"\|").tolist() == [3, 5]
    raw = np.frombuffer(text.encode(), np.uint8)
    assert document_starts(raw, Vocabulary.of_bytes(), r"\|").tolist() == [4, 6]


def test_a_part_of_a_text_counts_from_its_own_beginning() -> None:
    starts = np.array([3, 5, 9])
    assert starts_between(starts, 3, 9).tolist() == [2]
    assert starts_between(starts, 0, 100).tolist() == [3, 5, 9]
    assert begins_at(starts, np.array([[3, 4], [9, 10]])).tolist() == [[True, False], [True, False]]
    assert not begins_at(starts[:0], np.arange(4)).any()


def test_an_invalid_expression_is_refused() -> None:
    with pytest.raises(OptionError, match="not a regular expression"):
        document_starts(np.zeros(4, np.uint8), Vocabulary.of_bytes(), "(")


def test_starts_are_found_only_as_far_as_asked_for() -> None:
    text = "ab|" * 1000
    read: list[int] = []

    def recorded(start: int, stop: int) -> str:
        read.append(stop)
        return text[start:stop]

    documents = Documents(recorded, r"\|", piece=100, context=10)
    assert documents.last(31) == 30
    assert documents.between(30, 40).tolist() == [30, 33, 36, 39]
    assert max(read) <= 110
    assert documents.last(len(text)) == len(text) - 3
    assert documents.between(0, len(text)).tolist() == list(range(3, len(text), 3))


def test_the_note_shows_the_expression_as_it_was_typed() -> None:
    assert document_note(None) is None
    assert document_note(r"\n\n") == r"the state is reset where \n\n matches, as in training"
    assert "'\\n'" in (document_note("\n") or "")
