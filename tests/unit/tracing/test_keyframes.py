"""Pages of a long text: what one run over all of it gives, wherever one lands."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.text.long import LongText
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing import keyframes as module
from rnnscope.tracing import pages as pages_module
from rnnscope.tracing.keyframes import Keyframes, advance
from rnnscope.tracing.pages import Page, Pages, substituting
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

_LENGTH = 3000
_TEXT = "".join(random.Random(0).choices("abc, \né漢", k=_LENGTH))
_EXACT = 1e-5


@pytest.fixture(autouse=True)
def _small_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (module, pages_module):
        monkeypatch.setattr(where, "STRIDE", 32)
    monkeypatch.setattr(pages_module, "WARM", 50)


def _network(cell: CellName = "lstm", layers: int = 2, text: str = _TEXT, **others: int) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    architecture = Architecture(cell, len(vocabulary), 12, layers, **others)
    return CharRNN(architecture, vocabulary, generator=torch.Generator().manual_seed(3)).eval()


def _of(page: Page | None) -> Page:
    assert page is not None
    return page


def _difference(page: Page, whole: Trace) -> float:
    """The largest difference of any value of a page from the same in a run over everything."""
    part = slice(page.start, page.stop)
    assert np.array_equal(page.trace.ids, whole.ids[part])
    pairs = [(page.trace.log_probabilities, whole.log_probabilities[part])]
    pairs += [(page.trace[name], values[part]) for name, values in whole.activations.items()]
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"])
@pytest.mark.parametrize("memory_bytes", [64 << 20, 6 * 4 * 12 * 4])
def test_a_page_is_part_of_one_run_over_everything(cell: CellName, memory_bytes: int) -> None:
    model = _network(cell)
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT), memory_bytes=memory_bytes)
    assert pages.lay()
    assert pages.laid == _LENGTH
    choose = random.Random(1)
    starts = [0, 1, 31, 32, 33, _LENGTH - 1, *(choose.randrange(_LENGTH) for _ in range(10))]
    for start in starts:  # forth and back, by way of footholds too
        page = _of(pages.page(start, start + 40))
        assert page.is_exact
        assert page.text == _TEXT[start : start + 40]
        assert _difference(page, whole) < _EXACT


@pytest.mark.parametrize("others", [{"embedding_size": 5}, {"embedding_size": 12, "tied": True}])
def test_pages_of_embedded_characters_in_double_precision(others: dict[str, int]) -> None:
    model = _network(**others).double()
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT))
    pages.lay()
    assert _difference(_of(pages.page(2011, 2050)), whole) < 1e-7


def test_keyframes_are_bounded_and_evenly_spaced() -> None:
    model = _network("lstm", 2)
    bytes_of_a_state = 2 * 2 * 12 * 4
    keyframes = Keyframes(model, memory_bytes=10 * bytes_of_a_state)
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
    keyframes = Keyframes(model)
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


def test_a_page_beyond_the_keyframes_is_warm_first_and_exact_later() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT))
    assert pages.lay(1000)
    assert pages.laid == 1000
    warm = _of(pages.page(2000, 2100, at_once=True))
    assert not warm.is_exact
    cold = record(model, model.vocabulary.encode(_TEXT[1950:2100]))
    assert np.array_equal(warm.trace["2/hidden"], cold["2/hidden"][50:])
    assert _difference(warm, whole) > 0
    assert _of(pages.page(1040, 1100)).is_exact  # a little beyond what is laid
    assert pages.lay()
    exact = _of(pages.page(2000, 2100, at_once=True))
    assert exact.is_exact
    assert _difference(exact, whole) < _EXACT


def test_a_page_is_warm_at_once_where_its_keyframe_is_far() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT), memory_bytes=1)
    pages.lay()
    far = pages.keyframes.spacing - 33
    assert not _of(pages.page(far, far + 30, at_once=True)).is_exact
    exact = _of(pages.page(far, far + 30))
    assert exact.is_exact
    assert _difference(exact, whole) < _EXACT
    again = _of(pages.page(far + 5, far + 35, at_once=True))  # the way there is remembered
    assert again.is_exact
    assert _difference(again, whole) < _EXACT


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"])
def test_a_network_that_forgets_is_exact_wherever_one_lands(cell: CellName) -> None:
    model = _network(cell)
    with torch.no_grad():
        for layer in model.layers:
            layer.tensors()["weight_hh"].mul_(0.3)
            layer.forget_bias_(-2.0)
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT))
    for start in (700, 2000, 2900):
        page = _of(pages.page(start, start + 90, at_once=True))
        assert page.is_exact
        assert _difference(page, whole) < _EXACT
    assert pages.laid == 0


@pytest.mark.parametrize("opened", [0, 1])
def test_a_unit_that_waits_for_a_closing_quote_is_known_from_the_beginning_alone(opened: int) -> None:
    """It latches at `a` and opens at `b`, of which the last stands a thousand characters before."""
    text = "".join(random.Random(1).choices("c, \n", k=1000))
    text = "ba"[opened] + text + "ab"[opened] + text
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
    whole = record(model, model.vocabulary.encode(text))
    pages = Pages(model, LongText.of(text))
    for at_once in (True, False):
        assert not _of(pages.page(1900, 1950, at_once=at_once)).is_exact
    assert pages.lay()
    page = _of(pages.page(1900, 1950))
    assert page.is_exact
    assert _difference(page, whole) < _EXACT
    assert np.sign(page.trace["1/hidden"][:, 0]).tolist() == [1 - 2 * opened] * 50


def test_laying_and_paging_can_be_stopped_and_go_on() -> None:
    model = _network()
    pages = Pages(model, LongText.of(_TEXT))
    shares: list[float] = []
    assert not pages.lay(told=shares.append, should_stop=lambda: len(shares) == 5)
    assert pages.laid == 5 * 32
    assert shares == pytest.approx([32 * n / _LENGTH for n in range(1, 6)])
    assert pages.page(2000, 2100, should_stop=lambda: True) is None
    assert pages.lay(should_stop=lambda: False)
    assert pages.laid == _LENGTH


def test_pages_are_exact_while_another_thread_lays() -> None:
    model = _network()
    whole = record(model, model.vocabulary.encode(_TEXT))
    pages = Pages(model, LongText.of(_TEXT), memory_bytes=2000)
    worker = threading.Thread(target=pages.lay)
    worker.start()
    choose = random.Random(2)
    exact = 0
    while exact < 20:
        page = _of(pages.page(start := choose.randrange(_LENGTH), start + 30, at_once=True))
        if page.is_exact:
            exact += 1
            assert _difference(page, whole) < _EXACT
    worker.join()
    assert pages.laid == _LENGTH


def test_what_the_vocabulary_lacks_is_read_as_a_stand_in_and_told() -> None:
    model = _network(text="ab é\n")
    strange = "ab漢é ab ß\n" * 20
    pages = Pages(model, LongText.of(strange))
    pages.lay()
    assert pages.unknown_characters == 40
    page = _of(pages.page(10, 20))
    assert page.text == "ab漢é ab ß\n"
    assert page.trace.text == page.trace.until(10).text == "ab漢é ab ß\n"  # what is seen is what is written
    np.testing.assert_array_equal(page.trace.ids, model.vocabulary.encode("ab é ab  \n"))
    assert page.unknown.tolist() == [2, 8]
    as_read = record(model, model.vocabulary.encode(strange.replace("漢", " ").replace("ß", " ")))
    assert _difference(page, as_read) < _EXACT


def test_the_stand_in_is_the_unknown_symbol_or_a_space_or_the_first() -> None:
    assert substituting(Vocabulary.of("aab", minimum_count=2)).unknown == 1
    assert substituting(Vocabulary.of("ab c")).unknown == 0
    assert substituting(Vocabulary.of("\nb c")).unknown == 1
    assert substituting(Vocabulary.of("abc")).unknown == 0
    assert substituting(Vocabulary.of_bytes()).unknown is None


def test_any_file_is_paged_as_bytes(tmp_path: Path) -> None:
    content = bytes(random.Random(4).choices(range(256), k=900))
    path = tmp_path / "any"
    path.write_bytes(content)
    model = CharRNN(Architecture("gru", 256, 8), Vocabulary.of_bytes()).eval()
    whole = record(model, model.vocabulary.encode(content))
    pages = Pages.open(model, path)
    pages.lay()
    page = _of(pages.page(700, 2000))
    assert page.stop == 900
    assert pages.unknown_characters == len(page.unknown) == 0
    assert _difference(page, whole) < _EXACT
    with pytest.raises(TextError, match="cannot be read as text"):
        Pages.open(_network(), path)
    with pytest.raises(ValueError, match="a text of characters for a model of bytes"):
        Pages(model, LongText.of("abc"))


def test_an_empty_page_and_one_past_the_end() -> None:
    pages = Pages(_network(), LongText.of(_TEXT))
    pages.lay()
    past = _of(pages.page(_LENGTH + 5, _LENGTH + 10))
    assert (past.start, past.text, len(past.trace)) == (_LENGTH, "", 0)
