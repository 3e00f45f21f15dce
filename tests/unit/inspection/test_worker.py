"""The worker behind the inspect screen: real answers to real requests, over a small model."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.ablation import Ablate
from rnnscope.app.asking.answers import (
    AblationFound,
    ContextsFound,
    Ended,
    FactorsFound,
    Found,
    MatchesFound,
    Noted,
    Opened,
    OriginFound,
    PageRead,
    Refused,
    SaturationFound,
    TextFound,
)
from rnnscope.app.asking.requests import (
    Find,
    FindAblation,
    FindContexts,
    FindFactors,
    FindMatches,
    FindOrigin,
    FindSaturation,
    FindShare,
    FindText,
    PutBack,
    ReadPage,
    TypeText,
    WriteOn,
)
from rnnscope.inspection.reading import retrace
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.keyframes import advance
from rnnscope.tracing.record import record
from tests.unit.inspection.office import Office

TEXT = 'The bell "rang" at seven (or so), and then\nthe ferry left; "never" again.\n\n' * 40


@pytest.fixture(scope="module")
def model() -> CharRNN:
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 12, 2)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


@pytest.fixture(scope="module")
def office(model: CharRNN, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    found = Office(model, tmp_path_factory.mktemp("office"), TEXT)
    yield found
    found.desk.close()
    found.thread.join(20)
    assert not found.thread.is_alive()


def test_the_model_is_told_first(office: Office) -> None:
    assert isinstance(office.opened, Opened)
    assert office.opened.architecture.title == "LSTM 2×12"
    assert office.opened.held_out_nats == 1.25


def test_a_page_has_the_states_of_a_run_from_the_beginning(office: Office, model: CharRNN) -> None:
    (page,) = office.ask(ReadPage(700, 800, 750))
    assert isinstance(page, PageRead)
    whole = record(model, model.vocabulary.encode(TEXT[:800]))
    np.testing.assert_allclose(page.trace["2/cell"], whole["2/cell"][700:], atol=1e-5)
    assert (page.start, page.cursor, page.characters, page.is_whole) == (700, 50, len(TEXT), True)
    assert page.is_exact


def test_what_is_typed_is_read_as_the_text_and_can_be_put_back(office: Office, model: CharRNN) -> None:
    (typed,) = office.ask(TypeText("the bell", 7))
    assert isinstance(typed, PageRead)
    assert (typed.trace.text, typed.is_original) == ("the bell", False)
    np.testing.assert_allclose(
        typed.trace["1/hidden"], record(model, model.vocabulary.encode("the bell"))["1/hidden"], atol=1e-6
    )
    (refused,) = office.ask(Find("feature", "quotes"))
    assert isinstance(refused, Refused)
    assert "8 characters" in refused.message
    (back,) = office.ask(PutBack(0, 50, 10))
    assert isinstance(back, PageRead)
    assert (back.trace.text, back.is_original) == (TEXT[:50], True)


@pytest.mark.parametrize("after", ["the bell rang", "the bel", "the", "tie bell", "s", "the bell"])
def test_a_key_reads_only_what_it_changed_and_all_is_exact(model: CharRNN, after: str) -> None:
    encode = model.vocabulary.encode
    before = record(model, encode("the bell"))
    expected, found = record(model, encode(after)), retrace(model, before, encode(after))
    assert found.text == after
    for name, values in expected.activations.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)
    np.testing.assert_allclose(found.log_probabilities, expected.log_probabilities, atol=1e-5)


def test_the_model_writes_on_from_where_it_is_asked_to(office: Office) -> None:
    pages = [page for page in office.ask(WriteOn(99, 1)) if isinstance(page, PageRead)]
    assert len(pages) > 5
    assert all(page.trace.text.startswith(TEXT[:100]) for page in pages)
    assert [len(page.trace) for page in pages] == sorted(len(page.trace) for page in pages)
    office.ask(PutBack(0, 50, 0))


def test_a_pattern_is_found_by_neurons_of_both_layers(office: Office) -> None:
    (found,) = office.ask(Find("inside", '"[a-z]+"'))
    assert isinstance(found, Found)
    assert found.metric == "AUC"
    assert len({neuron for neuron, _ in found.results}) == len(found.results)
    assert found.results[0][1].score >= 0.5
    (refused,) = office.ask(Find("inside", "("))
    assert isinstance(refused, Refused)
    assert "regular expression" in refused.message


def test_stretches_marked_by_hand_are_a_feature(office: Office) -> None:
    marks = tuple((start, start + 6, True) for start in range(9, len(TEXT) - 80, 76))
    (found,) = office.ask(Find("marks", "what is marked", marks))
    assert isinstance(found, Found)
    assert found.positives == 6 * len(marks)


def test_contexts_gates_and_matches_are_of_the_text(office: Office, model: CharRNN) -> None:
    (contexts,) = office.ask(FindContexts(2, 5, "cell"))
    assert isinstance(contexts, ContextsFound)
    values = record(model, model.vocabulary.encode(TEXT)).shown(2, "cell", 5)
    best = contexts.contexts.highest[0]
    assert best.value == pytest.approx(float(values.max()), abs=1e-5)
    assert best.text == TEXT[best.start : best.start + len(best.values)]
    (gates,) = office.ask(FindSaturation())
    assert isinstance(gates, SaturationFound)
    assert len(gates.saturation.gates) == 6
    (matches,) = office.ask(FindMatches(1, 10, 14, 0.05))
    assert isinstance(matches, MatchesFound)
    assert all(each.text in TEXT for each in matches.matches.matches)


def test_a_neuron_is_held_and_a_prediction_traced_back(office: Office, model: CharRNN) -> None:
    query = Ablate(("2/3",), start=700, stop=900, position=801)
    *_, ablated = office.ask(FindAblation(query))
    assert isinstance(ablated, AblationFound)
    assert ablated.ablation.to_dict() == Session(model, TEXT).ask(query).to_dict()
    assert np.abs(ablated.ablation.delta_nats).max() > 1e-3
    (origin,) = office.ask(FindOrigin(120))
    assert isinstance(origin, OriginFound)
    assert origin.saliency.position == 120
    assert origin.saliency.text == TEXT[origin.saliency.start : 121]


@pytest.mark.parametrize("whole", [False, True])
def test_every_context_has_its_own_text_however_near_the_beginning(
    model: CharRNN, tmp_path: Path, whole: bool
) -> None:
    """Windows around the first characters all begin with the text."""
    text, are_near = TEXT[:240], False
    near = Office(model, tmp_path, text)
    try:
        for unit in range(12):
            found = near.ask(FindContexts(1, unit, "hidden", whole=whole))[-1]
            assert isinstance(found, ContextsFound)
            bands = [one for band in found.contexts.bands for one in band.excerpts]
            listed = [*found.contexts.highest, *found.contexts.lowest, *bands]
            are_near |= len({one.start for one in listed}) < len(
                {one.start + len(one.values) for one in listed}
            )
            for one in listed:
                assert one.text == text[one.start : one.start + len(one.values)]
    finally:
        near.desk.close()
        near.thread.join(20)
    assert are_near


def test_what_the_model_does_not_know_is_told_once_and_shown_as_written(
    model: CharRNN, tmp_path: Path
) -> None:
    strange = Office(model, tmp_path, TEXT.replace("seven", "七"))
    try:
        page, noted = strange.ask(ReadPage(0, 100, 0))
        assert isinstance(page, PageRead)
        assert "七" in page.trace.text
        assert isinstance(noted, Noted)
        assert noted.message == "the model does not know '七' and the like: it reads ' ' there"
        assert len(strange.ask(ReadPage(100, 200, 100))) == 1
    finally:
        strange.desk.close()
        strange.thread.join(20)


def test_a_text_is_looked_for_and_again_from_the_beginning(office: Office) -> None:
    (found,) = office.ask(FindText("f[a-z]rry", 0))
    assert isinstance(found, TextFound)
    assert found.span == (TEXT.index("ferry"), TEXT.index("ferry") + 5)
    (again,) = office.ask(FindText("ferry", len(TEXT) - 3))
    assert isinstance(again, TextFound)
    assert again.span == found.span


@pytest.fixture
def remembering(model: CharRNN) -> CharRNN:
    """One whose cells add up all they ever read: only the beginning of a text tells its state."""
    found = deepcopy(model)
    for layer in found.layers:
        layer.forget_bias_(40.0)
    return found


def test_a_network_that_forgets_is_exact_at_once_however_far(model: CharRNN, tmp_path: Path) -> None:
    far = Office(model, tmp_path, TEXT * 400)
    try:
        start = len(TEXT) * 399
        (page,) = far.ask(ReadPage(start, start + 100, start))
        assert isinstance(page, PageRead)
        assert page.is_exact
        before = model.vocabulary.encode((TEXT * 400)[: start + 100])
        state = None
        for first in range(0, start, 8192):
            state = advance(model, before[first : min(first + 8192, start)], state)
        whole = record(model, before[start:], state)
        np.testing.assert_allclose(page.trace["2/cell"], whole["2/cell"], atol=1e-5)
    finally:
        far.desk.close()
        far.thread.join(20)


def test_far_into_a_long_text_a_search_does_not_wait_for_exact_states(
    remembering: CharRNN, tmp_path: Path
) -> None:
    far = Office(remembering, tmp_path, TEXT * 3000)
    try:
        page = ReadPage(len(TEXT) * 2990, len(TEXT) * 2990 + 100, len(TEXT) * 2990)
        far.desk.ask(page)
        far.until(lambda answer: isinstance(answer, PageRead))
        (found,) = far.ask(FindText("ferry", len(TEXT) * 2980))
        assert isinstance(found, TextFound)
        assert not [answer for answer in far.told if isinstance(answer, PageRead) and answer.is_exact]
        assert not [answer for answer in far.told if isinstance(answer, Ended) and answer.request is page]
        (end,) = far.ask(FindShare(1.0))
        assert isinstance(end, TextFound)
        assert end.span == (3000 * len(TEXT) - 1, 3000 * len(TEXT))
        again = [answer for answer in far.told if isinstance(answer, PageRead)]
        again = again or far.until(lambda answer: isinstance(answer, PageRead))
        assert again[-1].request is page  # it is taken up again
    finally:
        far.desk.close()
        far.thread.join(20)


def test_a_page_that_was_put_off_becomes_exact(remembering: CharRNN, tmp_path: Path) -> None:
    far = Office(remembering, tmp_path, TEXT * 20)
    try:
        page = ReadPage(len(TEXT) * 19, len(TEXT) * 19 + 100, len(TEXT) * 19)
        far.desk.ask(page)
        far.until(lambda answer: isinstance(answer, PageRead))
        far.desk.ask(FindText("ferry", 0))
        told = far.until(lambda answer: isinstance(answer, PageRead) and answer.is_exact)
        last = next(answer for answer in told if isinstance(answer, PageRead) and answer.is_exact)
        assert last.request is page
        whole = record(remembering, remembering.vocabulary.encode((TEXT * 20)[: len(TEXT) * 19 + 100]))
        np.testing.assert_allclose(last.trace["2/cell"], whole["2/cell"][-100:], atol=1e-5)
    finally:
        far.desk.close()
        far.thread.join(20)


def test_factors_are_the_same_on_every_page_and_follow_it(office: Office, model: CharRNN) -> None:
    found = office.ask(FindFactors(2, 700, 800))[-1]
    assert isinstance(found, FactorsFound)
    assert found.start == 700
    assert found.factors.along.shape == (100, 12)
    again = office.ask(FindFactors(2, 0, 60))[-1]
    assert isinstance(again, FactorsFound)
    np.testing.assert_array_equal(found.factors.units, again.factors.units)
    whole = np.abs(record(model, model.vocabulary.encode(TEXT[:800]))["2/hidden"][700:])
    error = np.linalg.norm(found.factors.along @ found.factors.units - whole) / np.linalg.norm(whole)
    assert error < 0.1  # as many factors as neurons can say nearly all
