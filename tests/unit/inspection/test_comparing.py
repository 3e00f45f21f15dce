"""The network beside n-grams, as the worker answers: against the analyses called directly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.compare import Comparison, all_match_distances, breakdown, compare
from rnnscope.analysis.comparison import ORDERS
from rnnscope.analysis.words import word_counts
from rnnscope.app.asking.answers import (
    Answer,
    DistancesFound,
    ErrorsFound,
    NgramsFound,
    PageCompared,
    Refused,
)
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import ComparePage, FindDistances, FindErrors, FindNgrams, Request, TypeText
from rnnscope.inspection.bench import Subject
from rnnscope.inspection.judging import Judged, differences, judge, without
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled
from rnnscope.text.ngram import KneserNey, log_probabilities_by_order
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import true_log_probabilities
from tests.unit.inspection.office import Office


def writing(characters: int, seed: int = 0) -> str:
    """Words, brackets and quotes at random."""
    random = np.random.default_rng(seed)
    words = ["the", "bell", "(rang", "late)", '"seven', 'ells"', "of\n", "tide", "[noon]", "ferry", "and"]
    text = ""
    while len(text) < characters:
        text += words[int(random.integers(len(words)))] + " "
    return text[:characters]


TEXT = writing(6000)
CUT = 5400


@pytest.fixture(scope="module")
def model() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 12, 1)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


@pytest.fixture(scope="module")
def office(model: CharRNN, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    found = Office(model, tmp_path_factory.mktemp("office"), TEXT)
    yield found
    found.desk.close()
    found.thread.join(20)


def last(office: Office, request: Request) -> Answer:
    """What a request came to, after all that was told of its progress."""
    return office.ask(request)[-1]


def compared(model: CharRNN, learned: str, text: str, start: int) -> Comparison:
    """What is judged from `start` on, having read all before."""
    encode, size = model.vocabulary.encode, len(model.vocabulary)
    expected = true_log_probabilities(model, encode(text))[start:]
    orders = log_probabilities_by_order(encode(learned), encode(text[start:]), size, ORDERS)
    return compare(expected, orders)


def test_the_last_tenth_is_judged_where_the_training_text_is_not_at_hand(
    office: Office, model: CharRNN
) -> None:
    found = last(office, FindNgrams())
    assert isinstance(found, NgramsFound)
    assert (found.start, found.text) == (CUT, TEXT[CUT:])
    assert found.learned == "the first 5,400 characters"
    expected = compared(model, TEXT[:CUT], TEXT, CUT)
    assert found.comparison.order == expected.order
    assert dict(found.comparison.by_order) == pytest.approx(dict(expected.by_order))
    np.testing.assert_allclose(found.comparison.difference, expected.difference, atol=1e-4)


def test_errors_and_closing_brackets_are_of_the_same_characters(office: Office, model: CharRNN) -> None:
    found, closing = last(office, FindErrors()), last(office, FindDistances())
    assert isinstance(found, ErrorsFound)
    assert isinstance(closing, DistancesFound)
    expected = compared(model, TEXT[:CUT], TEXT, CUT)
    encode = model.vocabulary.encode
    orders = log_probabilities_by_order(encode(TEXT[:CUT]), encode(TEXT[CUT:]), len(model.vocabulary), ORDERS)
    by_hand = breakdown(TEXT[CUT:], expected.network, orders, word_counts(TEXT[:CUT]))
    assert [len(bucket) for bucket in found.breakdown.buckets] == [len(bucket) for bucket in by_hand.buckets]
    np.testing.assert_array_equal(found.breakdown.errors, by_hand.errors)
    assert (found.start, closing.start) == (CUT, CUT)
    of_hand = all_match_distances(TEXT[CUT:], expected)
    assert [of.closer for of in closing.distances] == [of.closer for of in of_hand]
    assert len(of_hand) >= 3
    for of, by in zip(closing.distances, of_hand, strict=True):
        np.testing.assert_array_equal(of.positions, by.positions)
        np.testing.assert_allclose(of.network_nats, by.network_nats, atol=1e-4)
        np.testing.assert_allclose(of.ngram_nats, by.ngram_nats)


def test_a_page_that_is_judged_is_cut_from_what_was_found(office: Office, model: CharRNN) -> None:
    page = last(office, ComparePage(5500, 5700))
    assert isinstance(page, PageCompared)
    expected = compared(model, TEXT[:CUT], TEXT, CUT)
    np.testing.assert_allclose(page.nats, expected.difference[5500 - CUT - 1 :][:200], atol=1e-4)


@pytest.mark.parametrize(("start", "stop"), [(0, 300), (1000, 2200), (5300, 5600)])
def test_n_grams_have_not_read_the_page_that_they_are_asked_about(
    office: Office, model: CharRNN, start: int, stop: int
) -> None:
    page = last(office, ComparePage(start, stop))
    assert isinstance(page, PageCompared)
    assert page.nats.shape == (stop - start,)
    before = max(0, start - page.order)
    learned = TEXT[:before] + TEXT[stop:CUT]
    encode = model.vocabulary.encode
    ngram = KneserNey.fit(encode(learned), len(model.vocabulary), page.order)
    network = true_log_probabilities(model, encode(TEXT))[max(0, start - 1) : stop - 1]
    known = ngram.log_probabilities(encode(TEXT[before:stop]))[max(1, start - before) :]
    np.testing.assert_allclose(page.nats[-len(network) :], network - known, atol=1e-4)
    if start == 0:
        assert page.nats[0] == 0
    by_heart = KneserNey.fit(encode(TEXT[:CUT]), len(model.vocabulary), page.order)
    remembered = by_heart.log_probabilities(encode(TEXT[before:stop]))[max(1, start - before) :]
    assert remembered.mean() > known.mean()


TRAINED_ON = writing(9000, seed=1)
NEW = writing(2000, seed=8)


@pytest.mark.parametrize(
    ("text", "start", "learned", "source"),
    [
        (NEW, 0, TRAINED_ON[:7200], "the model's training text"),
        (TRAINED_ON, 8100, TRAINED_ON[:8100], "the first 8,100 characters"),
        (
            TRAINED_ON[1000:3000],
            0,
            TRAINED_ON[:1000] + TRAINED_ON[3000:7200],
            "the rest of the model's training text",
        ),
    ],
)
def test_n_grams_learn_from_the_training_text_but_for_what_is_judged(
    model: CharRNN, tmp_path: Path, text: str, start: int, learned: str, source: str
) -> None:
    (tmp_path / "learned.txt").write_text(TRAINED_ON, encoding="utf-8")
    options = {"text": str(tmp_path / "learned.txt"), "held_out": 0.2, "test": 0.0}
    office = Office(model, tmp_path, text, {"options": options})
    found = last(office, FindNgrams())
    assert isinstance(found, NgramsFound)
    assert (found.start, found.text, found.learned) == (start, text[start:], source)
    expected = compared(model, learned, text, start)
    assert dict(found.comparison.by_order) == pytest.approx(dict(expected.by_order), rel=1e-3)
    assert office.ask(TypeText("the bell", 7))
    refused = last(office, FindErrors())
    assert isinstance(refused, Refused)
    assert "8 characters" in refused.message
    office.desk.close()
    office.thread.join(20)


def test_what_to_do_is_told_where_there_is_nothing_to_learn_from(model: CharRNN, tmp_path: Path) -> None:
    office = Office(model, tmp_path, TEXT[:1500])
    for request in (FindNgrams(), FindErrors(), FindDistances(), ComparePage(0, 100)):
        (refused,) = office.ask(request)
        assert isinstance(refused, Refused)
        assert "2,222 characters" in refused.message
        assert "open a longer text" in refused.message
    office.desk.close()
    office.thread.join(20)


def subject_of(model: CharRNN) -> Subject:
    return Subject(TextReader(model, TEXT), "a text", lambda: None)


def test_progress_rises_and_a_dropped_request_ends_without_a_result(model: CharRNN) -> None:
    told = [step for step in judge(subject_of(model), Ticket(FindNgrams())) if isinstance(step, float)]
    assert told == sorted(told)
    assert told[-1] == 1
    ticket, seen = Ticket(FindNgrams()), []
    with pytest.raises(Cancelled):  # noqa: PT012
        for step in judge(subject_of(model), ticket):
            seen.append(step)
            ticket.drop()
    assert len(seen) == 1
    assert not isinstance(seen[0], Judged)
    subject = subject_of(model)
    (*_, judged) = judge(subject, Ticket(FindNgrams()))
    assert isinstance(judged, Judged)
    assert next(judge(subject, Ticket(FindErrors()))) is judged
    with pytest.raises(Cancelled):
        differences(subject, judged, 0, 100, ticket)


def test_what_is_left_out_is_what_stands_there() -> None:
    text = writing(4000, seed=2)
    assert without(text, text[700:2950]) == text[:700] + text[2950:]
    assert without(text, "the bell") == text
