"""Texts under a model that was trained on separate documents, against a loop that zeroes the state."""

from __future__ import annotations

import random
import re
from functools import cache

import numpy as np
import pytest
import torch

from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN, State
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.forgetting import remembered
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import record, record_from, true_log_probabilities
from rnnscope.tracing.trace import Trace

_VOCABULARY = Vocabulary.of("ab |\n")


def _text(length: int, documents: int, seed: int = 0) -> str:
    """Separators `||` at the start, at the end, adjacent, and drawn."""
    choose = random.Random(seed)
    letters = choose.choices("ab \n", k=length)
    for place in [
        0,
        length - 2,
        length // 2,
        length // 2 + 2,
        *choose.choices(range(length - 2), k=documents),
    ]:
        letters[place : place + 2] = "||"
    return "".join(letters)


TEXTS = {
    "documents": _text(500, 6),
    "short documents": _text(250, 25),
    "long documents": _text(1000, 1),
    "none": "".join(random.Random(1).choices("ab \n", k=300)),
}


def _network(cell: CellName, separator: str | None = r"\|\|", *, remembers: bool = False) -> CharRNN:
    architecture = Architecture(cell, len(_VOCABULARY), 7, 2)
    model = CharRNN(
        architecture,
        _VOCABULARY,
        generator=torch.Generator().manual_seed(3),
        document_separator=separator,
    ).double()
    if remembers:  # so that no warm-up is long enough
        with torch.no_grad():
            for layer in model.layers:
                if cell == "lstm":
                    layer.forget_bias_(40.0)
    return model.eval()


def _starts(text: str) -> set[int]:
    return {match.end() for match in re.finditer(r"\|\|", text)} - {len(text)}


@cache
def _by_loop_of(cell: CellName, remembers: bool, name: str) -> tuple[Trace, list[State]]:
    return _by_loop(_network(cell, remembers=remembers), TEXTS[name])


def _by_loop(model: CharRNN, text: str) -> tuple[Trace, list[State]]:
    """Every character alone, the state zeroed where a document begins; and the state after each."""
    starts, state = _starts(text), model.initial_state(1)
    plain = CharRNN(model.architecture, model.vocabulary).double().eval()
    plain.load_state_dict(model.state_dict())
    rows, states = [], []
    for at, symbol in enumerate(text):
        if at in starts:
            state = tuple(tuple(torch.zeros_like(part) for part in layer) for layer in state)
        row, state = record_from(plain, plain.vocabulary.encode(symbol), state)
        rows.append(row)
        states.append(state)
    whole = Trace(
        model.architecture,
        model.vocabulary.symbols,
        np.concatenate([row.ids for row in rows]),
        np.concatenate([row.log_probabilities for row in rows]),
        {name: np.concatenate([row[name] for row in rows]) for name in rows[0].activations},
    )
    return whole, states


def _assert_same(found: Trace, expected: Trace, tolerance: float = 1e-6) -> None:
    assert found.text == expected.text
    np.testing.assert_allclose(found.log_probabilities, expected.log_probabilities, atol=tolerance)
    for name, values in expected.activations.items():
        np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=name)


def _assert_same_states(found: State, expected: State) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(part, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_recorded_text_is_reset_where_documents_begin(cell: CellName, name: str) -> None:
    model, text = _network(cell), TEXTS[name]
    whole, _ = _by_loop_of(cell, False, name)
    ids = model.vocabulary.encode(text)
    _assert_same(record(model, ids), whole)
    starts = np.array(sorted(_starts(text)), np.int64)
    expected = whole.log_probabilities[np.arange(len(text) - 1), ids[1:]]
    found = true_log_probabilities(model, ids, documents=starts, stretch=100)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_pages_states_stretches_and_streams_are_those_of_the_loop(
    cell: CellName, remembers: bool, name: str
) -> None:
    model, text = _network(cell, remembers=remembers), TEXTS[name]
    whole, states = _by_loop_of(cell, remembers, name)
    zero = model.initial_state(1)
    starts = sorted(_starts(text))
    choose = random.Random(2)
    positions = [1, 2, 3, *starts[:3], *(start + 1 for start in starts[:3]), len(text) - 1, len(text)]
    positions += [choose.randrange(1, len(text)) for _ in range(4)]
    choose.shuffle(positions)

    def reader() -> TextReader:
        return TextReader(model, text, stride=32, warm_up=50, memory_bytes=6 * 8 * 7 * 4)

    for read_until in (0, 200, len(text)):
        texts = reader()
        texts.read_on(read_until)
        for position in positions:
            expected = zero if position in starts else states[position - 1]
            _assert_same_states(texts.state(position), expected)
            page = texts.page(position, position + 60)
            assert page.is_exact
            _assert_same(page.trace, whole.since(position).until(60), 1e-5)
            at_once = texts.page(position, position + 60, at_once=True)
            if at_once.is_exact:
                _assert_same(at_once.trace, whole.since(position).until(60), 1e-5)
    found = list(reader().traces(5, stretch=64))
    for number, trace in enumerate(found):
        _assert_same(trace, whole.since(5 + 64 * number).until(64), 1e-5)
    for batch in reader().streams(3).batches():
        for key, values in batch.activations.items():
            np.testing.assert_allclose(values, whole[key][batch.positions], atol=1e-5)


def test_a_document_that_begins_within_the_warm_up_is_exact_though_the_network_forgets_nothing() -> None:
    model = _network("lstm", remembers=True)
    text = "ab" * 200 + "||" + "ba" * 10
    ids = model.vocabulary.encode(text)
    far = remembered(model, lambda start, stop: ids[start:stop], [300], 100)
    assert not far[1][0]
    state, is_forgotten = remembered(
        model, lambda start, stop: ids[start:stop], [len(ids)], 100, documents=np.array([402])
    )
    assert is_forgotten[0]
    _assert_same_states(state, _by_loop(model, text)[1][-1])


def test_a_page_far_ahead_is_exact_at_once_where_its_document_begins_nearby() -> None:
    model = _network("lstm", remembers=True)
    text = "ab" * 700 + "||" + "ba" * 30
    page = TextReader(model, text, stride=32, warm_up=50).page(1420, 1450, at_once=True)
    assert page.is_exact
    _assert_same(page.trace, _by_loop(model, text)[0].since(1420).until(30))
    assert not TextReader(model, text, stride=32, warm_up=50).page(1000, 1050, at_once=True).is_exact


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_without_a_separator_every_path_gives_the_same_bits_as_one_run(cell: CellName) -> None:
    model, text = _network(cell, None), TEXTS["documents"]
    ids = torch.from_numpy(model.vocabulary.encode(text).astype(np.int64))[:, None]
    with torch.no_grad():
        _, last = model(ids[:200])
    state = TextReader(model, text).state(200)
    for ours, theirs in zip(state, last, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            assert torch.equal(part, other)
    assert not len(TextReader(model, text).document_starts(0, len(text)))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_sampler_is_reset_where_documents_begin(cell: CellName, name: str) -> None:
    model, text = _network(cell), TEXTS[name]
    whole, _ = _by_loop_of(cell, False, name)
    sampler = Sampler(model)
    for _ in range(2):
        for at, i in enumerate(model.vocabulary.encode(text).tolist()):
            sampler.feed([i])
            if at % 7 == 0 or at > len(text) - 5:
                np.testing.assert_allclose(sampler.log_probabilities, whole.log_probabilities[at], atol=2e-5)
        sampler.reset()


def test_what_is_written_is_read_from_a_zero_state_where_a_document_begins() -> None:
    model = _network("gru", r"\|\s*")
    sampler = Sampler(model)
    written = [i for i, _ in sampler.stream(400, temperature=1.5, seed=1)]
    trace = record(model, np.array(written))
    assert "|" in trace.text
    np.testing.assert_allclose(sampler.log_probabilities, trace.log_probabilities[-1], atol=2e-5)
