"""Any part of a text, read in any way: what one run over all of it gives."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.corpora.archive import archive_text
from rnnscope.errors import OptionError, TextError
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.cells import CELLS
from rnnscope.network.checkpoint import load_model
from rnnscope.network.locate import sample_models
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.long import LongText
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.keyframes import Keyframes, advance
from rnnscope.tracing.reader import Page, TextReader, substituting
from rnnscope.tracing.record import record, true_log_probabilities
from rnnscope.tracing.streams import Streams
from rnnscope.tracing.trace import Trace

_LENGTH = 3000
_TEXT = "".join(random.Random(0).choices("abc, \né漢", k=_LENGTH))
_EXACT = 1e-5
_STRIDE, _WARM_UP = 32, 50


def _network(cell: CellName = "lstm", layers: int = 2, text: str = _TEXT, **others: int) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    architecture = Architecture(cell, len(vocabulary), 12, layers, **others)
    return CharRNN(architecture, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


def _forgetful(cell: CellName) -> CharRNN:
    model = _network(cell)
    with torch.no_grad():
        for layer in model.layers:
            layer.tensors()["weight_hh"].mul_(0.3)
            layer.forget_bias_(-2.0)
    return model


def _latch(text: str) -> CharRNN:
    """Unit 0 of a plain RNN latches at `a` and opens at `b`: it never forgets which of them came last."""
    model = _network("rnn", 1, text)
    tensors = model.layers[0].tensors()
    symbols = model.vocabulary.symbols
    with torch.no_grad():
        for tensor in tensors.values():
            tensor.mul_(0.1)
        tensors["weight_hh"][0] = 0.0
        tensors["weight_hh"][0, 0] = 3.0
        for name in ("weight_ih", "bias_ih", "bias_hh"):
            tensors[name][0] = 0.0
        tensors["weight_ih"][0, symbols.index("a")] = 9.0
        tensors["weight_ih"][0, symbols.index("b")] = -9.0
    return model


def _reader(model: CharRNN, text: str = _TEXT, memory_bytes: int = 64 << 20) -> TextReader:
    return TextReader(model, text, memory_bytes=memory_bytes, stride=_STRIDE, warm_up=_WARM_UP)


def _difference(page: Page, whole: Trace) -> float:
    """The largest difference of any value of a page from the same in a run over everything."""
    part = slice(page.start, page.stop)
    assert np.array_equal(page.trace.ids, whole.ids[part])
    pairs = [(page.trace.log_probabilities, whole.log_probabilities[part])]
    pairs += [(page.trace[name], values[part]) for name, values in whole.activations.items()]
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


# -- pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("memory_bytes", [64 << 20, 6 * 4 * 12 * 4])
def test_a_page_is_part_of_one_run_over_everything(cell: CellName, memory_bytes: int) -> None:
    model = _network(cell)
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model, memory_bytes=memory_bytes)
    reader.read_on()
    assert reader.read_until == reader.length() == _LENGTH
    choose = random.Random(1)
    starts = [0, 1, 31, 32, 33, _LENGTH - 1, *(choose.randrange(_LENGTH) for _ in range(10))]
    for start in starts:  # forth and back
        page = reader.page(start, start + 40)
        assert page.is_exact
        assert page.text == reader.read(start, start + 40) == _TEXT[start : start + 40]
        assert _difference(page, whole) < _EXACT


@pytest.mark.parametrize("others", [{"embedding_size": 5}, {"embedding_size": 12, "tied": True}])
def test_pages_of_embedded_characters_in_double_precision(others: dict[str, int]) -> None:
    model = _network(**others).double()
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model)
    reader.read_on()
    assert _difference(reader.page(2011, 2050), whole) < 1e-7


def test_a_page_far_ahead_is_inexact_at_once_and_exact_where_one_can_wait() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model)
    reader.read_on(1000)
    assert reader.read_until == 1000
    warm = reader.page(2000, 2100, at_once=True)
    assert not warm.is_exact
    cold = record(model, model.vocabulary.encode(_TEXT[1950:2100]))
    assert np.array_equal(warm.trace["2/hidden"], cold["2/hidden"][50:])
    assert _difference(warm, whole) > 0
    assert reader.page(1040, 1100, at_once=True).is_exact  # a little beyond what is read
    exact = reader.page(2000, 2100)
    assert exact.is_exact
    assert _difference(exact, whole) < _EXACT
    assert reader.page(2000, 2100, at_once=True).is_exact


def test_a_page_far_from_its_keyframe_is_exact_where_one_can_wait() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model, memory_bytes=1)
    reader.read_on()
    far = 2047 - 33  # of two keyframes at most, the last is at 2048
    assert not reader.page(far, far + 30, at_once=True).is_exact
    exact = reader.page(far, far + 30)
    assert exact.is_exact
    assert _difference(exact, whole) < _EXACT
    again = reader.page(far + 5, far + 35, at_once=True)  # states on the way there are kept for a while
    assert again.is_exact
    assert _difference(again, whole) < _EXACT


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_that_forgets_is_exact_anywhere_at_once(cell: CellName) -> None:
    model = _forgetful(cell)
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model)
    for start in (700, 2000, 2900):
        page = reader.page(start, start + 90, at_once=True)
        assert page.is_exact
        assert _difference(page, whole) < _EXACT
    assert reader.read_until == 0


@pytest.mark.parametrize("opened", [0, 1])
def test_a_unit_that_waits_for_a_closing_quote_is_known_from_the_beginning_alone(opened: int) -> None:
    text = "".join(random.Random(1).choices("c, \n", k=1000))
    text = "ba"[opened] + text + "ab"[opened] + text
    model = _latch(text)
    whole = record(model, model.vocabulary.encode(text))
    reader = _reader(model, text)
    assert not reader.page(1900, 1950, at_once=True).is_exact
    page = reader.page(1900, 1950)
    assert page.is_exact
    assert _difference(page, whole) < _EXACT
    assert np.sign(page.trace["1/hidden"][:, 0]).tolist() == [1 - 2 * opened] * 50


def test_reading_on_can_be_cancelled_and_goes_on_where_it_was() -> None:
    reader = _reader(_network())
    shares: list[float] = []
    with pytest.raises(Cancelled):
        reader.read_on(progress=Progress(shares.append, lambda: len(shares) == 5))
    assert reader.read_until == 5 * _STRIDE
    assert shares == pytest.approx([_STRIDE * n / _LENGTH for n in range(1, 6)])
    for wanted in (reader.page, reader.trace):
        with pytest.raises(Cancelled):
            wanted(2000, 2100, Progress(is_cancelled=lambda: True))
    reader.read_on()
    assert reader.read_until == _LENGTH


def test_pages_are_exact_while_another_thread_reads_on() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    reader = _reader(model, memory_bytes=2000)
    worker = threading.Thread(target=reader.read_on)
    worker.start()
    choose = random.Random(2)
    exact = 0
    while exact < 20:
        start = choose.randrange(_LENGTH)
        page = reader.page(start, start + 30, at_once=True)
        if page.is_exact:
            exact += 1
            assert _difference(page, whole) < _EXACT
    worker.join()
    assert reader.read_until == _LENGTH


def test_a_character_that_the_vocabulary_lacks_is_read_as_a_stand_in_and_reported() -> None:
    model = _network(text="ab é\n")
    strange = "ab漢é ab ß\n" * 20
    reader = _reader(model, strange)
    reader.read_on()
    assert reader.unknown_characters == 40
    page = reader.page(10, 20)
    assert page.text == "ab漢é ab ß\n"
    assert page.trace.text == page.trace.until(10).text == "ab漢é ab ß\n"  # shown as typed
    np.testing.assert_array_equal(page.trace.ids, model.vocabulary.encode("ab é ab  \n"))
    assert page.unknown.tolist() == [2, 8]
    as_read = record(model, model.vocabulary.encode(strange.replace("漢", " ").replace("ß", " ")))
    assert _difference(page, as_read) < _EXACT
    assert "".join(trace.text for trace in reader.traces(stretch=37)) == strange


def test_the_stand_in_is_the_unknown_symbol_or_a_space_or_the_first() -> None:
    assert substituting(Vocabulary.of("aab", minimum_count=2)).unknown == 1
    assert substituting(Vocabulary.of("ab c")).unknown == 0
    assert substituting(Vocabulary.of("\nb c")).unknown == 1
    assert substituting(Vocabulary.of("abc")).unknown == 0
    assert substituting(Vocabulary.of_bytes()).unknown is None


def test_any_file_is_read_as_bytes(tmp_path: Path) -> None:
    content = bytes(random.Random(4).choices(range(256), k=900))
    path = tmp_path / "any"
    path.write_bytes(content)
    model = CharRNN(Architecture("gru", 256, 8), Vocabulary.of_bytes()).eval()
    whole = record(model, model.vocabulary.encode(content))
    reader = TextReader(model, LongText.open(path, "bytes"))
    reader.read_on()
    page = reader.page(700, 2000)
    assert page.stop == 900
    assert reader.unknown_characters == len(page.unknown) == 0
    assert _difference(page, whole) < _EXACT
    with pytest.raises(TextError, match="cannot be read as text"):
        LongText.open(path)
    with pytest.raises(ValueError, match="a text of characters for a model of bytes"):
        TextReader(model, LongText.of("abc"))


def test_an_empty_page_and_one_past_the_end() -> None:
    past = _reader(_network()).page(_LENGTH + 5, _LENGTH + 10)
    assert (past.start, past.text, len(past.trace)) == (_LENGTH, "", 0)


# -- the whole text in order -------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_stretches_follow_each_other_without_a_seam(cell: CellName) -> None:
    model = _network(cell)
    whole, shares = record(model, model.vocabulary.encode(_TEXT)), []
    pieces = list(_reader(model).traces(500, 1760, Progress(shares.append), stretch=500))
    assert [len(piece) for piece in pieces] == [500, 500, 260]
    assert shares[-3:] == [500 / 1260, 1000 / 1260, 1.0]
    for name, values in whole.activations.items():
        found = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_allclose(found, values[500:1760], atol=_EXACT)


def test_stretches_end_when_they_are_cancelled() -> None:
    read: list[int] = []
    with pytest.raises(Cancelled):  # noqa: PT012
        for trace in _reader(_network()).traces(
            progress=Progress(is_cancelled=lambda: len(read) == 2), stretch=20
        ):
            read.append(len(trace))
    assert read == [20, 20]


@pytest.mark.parametrize("position", [0, 1, 57, 2011])
def test_the_state_before_a_character_is_that_after_all_before_it(position: int) -> None:
    model = _network()
    found = _reader(model).state(position)
    expected = advance(model, model.vocabulary.encode(_TEXT[:position]))
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_true_characters_have_the_probabilities_of_a_trace() -> None:
    model = _network().train()  # in training mode too nothing is dropped
    model.dropout.p = 0.5
    ids = model.vocabulary.encode(_TEXT[:60])
    trace = record(model, ids)
    expected = trace.log_probabilities[np.arange(59), ids[1:]]
    shares: list[float] = []
    found = true_log_probabilities(model, ids, progress=Progress(shares.append), stretch=16)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (shares[-1], len(shares)) == (1.0, 4)
    half = true_log_probabilities(model, ids[30:], advance(model, ids[:30]))
    np.testing.assert_allclose(half, expected[30:], atol=1e-5)
    assert len(true_log_probabilities(model, ids[:1])) == 0
    with pytest.raises(Cancelled):
        true_log_probabilities(model, ids, progress=Progress(is_cancelled=lambda: True))


# -- streams -----------------------------------------------------------------------------------------------


def _check_streams(streams: Streams, whole: Trace, start: int, stop: int) -> None:
    """Every position once, with the values of a run over everything."""
    seen = np.zeros(len(whole), np.int64)
    for batch in streams.batches():
        np.add.at(seen, batch.positions.ravel(), 1)
        assert set(batch.activations) == set(whole.activations)
        assert np.array_equal(batch.ids, whole.ids[batch.positions])
        for name, values in batch.activations.items():
            np.testing.assert_allclose(values.numpy(), whole[name][batch.positions], atol=3e-5)
    assert (seen[start:stop] == 1).all()
    assert seen.sum() == stop - start


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("others", [{"layers": 1}, {"layers": 2, "embedding_size": 5}])
def test_streams_read_what_one_run_over_everything_reads(cell: CellName, others: dict[str, int]) -> None:
    model = _network(cell, **others)
    whole = record(model, model.vocabulary.encode(_TEXT))
    streams = _reader(model).streams(most=7)
    assert len(streams) == 7
    _check_streams(streams, whole, 0, _LENGTH)
    some = _reader(_forgetful(cell)).streams(100, 1001)
    assert len(some) == 4
    forgetful = record(some.model, some.model.vocabulary.encode(_TEXT))
    _check_streams(some, forgetful, 100, 1001)


@pytest.mark.parametrize("spaced", [700, 5000])
def test_streams_of_a_network_that_never_forgets_start_where_the_one_before_ended(spaced: int) -> None:
    """Whether that is known after a few rounds, or only in order, stream after stream."""
    choose = random.Random(5)
    parts = ["".join(choose.choices("c, \n", k=spaced)) + "ab"[turn % 2] for turn in range(10_000 // spaced)]
    text = "a" + "".join(parts)
    model = _latch(text)
    whole = record(model, model.vocabulary.encode(text))
    streams = _reader(model, text).streams()
    assert len(streams) > 20
    assert np.unique(np.sign(whole["1/hidden"][streams.starts - 1, 0])).tolist() == [-1, 1]
    _check_streams(streams, whole, 0, len(text))


@pytest.mark.parametrize("most", [2, 3, 4])
def test_few_streams_of_a_network_that_never_forgets_are_known_after_as_many_rounds(most: int) -> None:
    """The state before every stream differs from the guess: the letter before it was read long ago."""
    stretch = "".join(random.Random(5).choices("c, \n", k=_LENGTH // most - 1))
    text = "".join("ba"[turn % 2] + stretch for turn in range(most))
    model = _latch(text)
    whole = record(model, model.vocabulary.encode(text))
    streams = _reader(model, text).streams(most=most)
    assert len(streams) == most
    _check_streams(streams, whole, 0, len(text))


def test_the_first_steps_of_every_stream_can_be_read_alone() -> None:
    streams = _reader(_forgetful("lstm")).streams(most=4)
    seen = np.concatenate([batch.positions for batch in streams.batches(40)])
    assert np.array_equal(seen, streams.starts + np.arange(40)[:, None])
    with pytest.raises(Cancelled):
        list(streams.batches(progress=Progress(is_cancelled=lambda: True)))


def test_a_short_text_is_one_stream() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT[:190]))
    streams = _reader(model, _TEXT[:190]).streams()
    assert len(streams) == 1
    _check_streams(streams, whole, 0, 190)


# -- a trace at hand ---------------------------------------------------------------------------------------


def test_a_trace_is_read_like_a_text() -> None:
    model = _network()
    trace = record(model, model.vocabulary.encode(_TEXT))
    reader = TextReader.of_trace(trace)
    assert reader.model is None
    assert (reader.length(), reader.read(5, 9)) == (_LENGTH, _TEXT[5:9])
    assert np.array_equal(reader.ids(5, 9), trace.ids[5:9])
    assert np.array_equal(reader.trace(5, 9)["1/cell"], trace["1/cell"][5:9])
    assert reader.page(5, 9).is_exact
    assert sum(len(part) for part in reader.traces(10, 300)) == 290
    with pytest.raises(OptionError, match="needs a model"):
        reader.state(5)


# -- keyframes ---------------------------------------------------------------------------------------------


def test_keyframes_are_bounded_and_evenly_spaced() -> None:
    model = _network("lstm", 2)
    bytes_of_a_state = 2 * 2 * 12 * 4
    keyframes = Keyframes(model, memory_bytes=10 * bytes_of_a_state, stride=32)
    state = model.initial_state(1)
    for position in range(32, 32 * 101, 32):
        keyframes.move_head(position, state)
        assert len(keyframes) <= 10
        for wanted in range(0, position, 7):
            at, _ = keyframes.before(wanted)
            assert at <= wanted < at + keyframes.spacing
    assert keyframes.spacing == 32 * 16  # 100 strides of 32 with at most 10 kept


def test_a_kept_state_does_not_change_when_the_kernel_reuses_its_memory() -> None:
    model = _network()
    keyframes = Keyframes(model, stride=32)
    state = advance(model, model.vocabulary.encode(_TEXT[:32]))
    kept = [part.clone() for layer in state for part in layer]
    keyframes.move_head(32, state)
    keyframes.move_head(64, advance(model, model.vocabulary.encode(_TEXT[32:64]), state))
    for layer in state:
        for part in layer:
            part.zero_()
    found = keyframes.before(40)[1]
    assert found is not None
    assert all(torch.equal(a, b) for a, b in zip(kept, (p for layer in found for p in layer), strict=True))


def test_a_sample_model_is_as_exact_as_the_documentation_says() -> None:
    model = load_model(sample_models()["archive-lstm"])
    text = archive_text(12_000, 5)[:12_000]
    whole = record(model, model.vocabulary.encode(text))
    for start in (3000, 7777, 11_000):
        page = TextReader(model, text).page(start, start + 800)
        assert page.is_exact
        part = slice(start, start + 800)
        log_probabilities = whole.log_probabilities[part]
        assert np.abs(page.trace.log_probabilities - log_probabilities).max() <= 1e-4
        for name, values in whole.activations.items():
            difference = np.abs(page.trace[name] - values[part])
            assert (difference / np.maximum(1, np.abs(values[part]))).max() <= 1e-5
