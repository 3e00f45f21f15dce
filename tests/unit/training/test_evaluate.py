"""Losses against a loop that reads one character at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.evaluate import Evaluation, estimate_loss, evaluate

SYMBOLS = 6
Ids = NDArray[np.uint8]


def model(cell: CellName = "lstm", layers: int = 1, dropout: float = 0.0) -> CharRNN:
    architecture = Architecture(cell, SYMBOLS, hidden_size=7, layers=layers)
    generator = torch.Generator().manual_seed(5)
    network = CharRNN(architecture, Vocabulary.of("abcdef"), dropout=dropout, generator=generator)
    with torch.no_grad():
        for parameter in network.parameters():  # strong enough for the state to matter
            parameter.mul_(3.0)
    return network


def text(length: int) -> Ids:
    return np.random.default_rng(length).integers(0, SYMBOLS, length).astype(np.uint8)


def one_at_a_time(network: CharRNN, ids: Ids, starts_anew: set[int]) -> float:
    """The mean of −ln p, a character a call; the state is forgotten before the positions in `starts_anew`."""
    losses = []
    state = None
    for t, (now, following) in enumerate(pairwise(ids)):
        if t in starts_anew:
            state = None
        with torch.no_grad():
            logits, state = network(torch.tensor([[int(now)]]), state)
        losses.append(-torch.log_softmax(logits[0, 0].double(), 0)[int(following)].item())
    return math.fsum(losses) / len(losses)


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("gru", 2), ("peephole", 1)])
def test_the_carried_loss_is_that_of_reading_the_text_once(cell: CellName, layers: int) -> None:
    network, ids = model(cell, layers).eval(), text(2201)  # longer than what is read at once
    result = evaluate(network, ids)
    assert result.loss_nats == pytest.approx(one_at_a_time(network, ids, set()), abs=1e-6)
    assert (result.characters, result.window) == (2200, None)


@pytest.mark.parametrize("window", [1, 7, 50, 100, 1000])
def test_windows_start_from_zero_and_cover_every_character(window: int) -> None:
    network, ids = model().eval(), text(101)
    expected = one_at_a_time(network, ids, set(range(0, 100, window)))
    result = evaluate(network, ids, window=window)
    assert result.loss_nats == pytest.approx(expected, abs=1e-6)
    assert (result.characters, result.window) == (100, window)


@pytest.mark.parametrize(
    ("length", "streams", "warm_up"), [(101, 4, 10), (102, 4, 10), (50, 64, 128), (99, 1, 9)]
)
def test_streams_are_warmed_up_by_the_text_before_them(length: int, streams: int, warm_up: int) -> None:
    network, ids = model().eval(), text(length)
    count = length - 1
    stretch = -(-count // streams)
    warm_up = min(warm_up, stretch)
    total = 0.0
    for start in range(0, count, stretch):
        before = max(0, start - warm_up)
        counted = min(stretch, count - start)
        through = one_at_a_time(network, ids[before : start + counted + 1], set()) * (
            start - before + counted
        )
        if start:
            through -= one_at_a_time(network, ids[before : start + 1], set()) * (start - before)
        total += through
    result = estimate_loss(network, ids, streams=streams, warm_up=warm_up)
    assert result.loss_nats == pytest.approx(total / count, abs=1e-6)
    assert result.characters == count


def test_fewer_characters_are_spread_evenly_over_the_whole_text() -> None:
    network, ids = model().eval(), text(401)
    result = estimate_loss(network, ids, characters=40, streams=8, warm_up=5)  # 8 streams of 5, 50 apart
    total = 0.0
    for start in range(0, 400, 50):
        before = max(0, start - 5)
        total += one_at_a_time(network, ids[before : start + 6], set()) * (start + 5 - before)
        if start:
            total -= one_at_a_time(network, ids[before : start + 1], set()) * 5
    assert result.characters == 40
    assert result.loss_nats == pytest.approx(total / 40, abs=1e-6)


def test_judging_leaves_the_model_and_the_random_numbers_alone() -> None:
    network = model(dropout=0.5).train()
    before, state = network.state_dict(), torch.get_rng_state()
    kept = {name: value.clone() for name, value in before.items()}
    same = {evaluate(network, text(60)).loss_nats for _ in range(2)}
    estimate_loss(network, text(60))
    assert len(same) == 1, "without dropout there is no chance in it"
    assert network.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(kept[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_documents_are_read_from_a_zero_state() -> None:
    network, ids = model().eval(), text(300)
    starts = np.array([7, 50, 51, 200])
    expected = one_at_a_time(network, ids, {0, *starts.tolist()})
    assert evaluate(network, ids, document_starts=starts).loss_nats == pytest.approx(expected, abs=1e-6)
    of_windows = one_at_a_time(network, ids, {*range(0, 299, 30), *starts.tolist()})
    found = evaluate(network, ids, window=30, document_starts=starts)
    assert found.loss_nats == pytest.approx(of_windows, abs=1e-6)
    streams = estimate_loss(network, ids, streams=3, warm_up=90, document_starts=starts)
    assert streams.loss_nats == pytest.approx(expected, abs=1e-4)
    assert abs(expected - one_at_a_time(network, ids, {0})) > 1e-3, "or there would be nothing to see"


@pytest.mark.parametrize("window", [513, 1100])
def test_long_windows_are_read_in_chunks(window: int) -> None:
    network, ids = model().eval(), text(1201)
    expected = one_at_a_time(network, ids, set(range(0, 1200, window)))
    assert evaluate(network, ids, window=window).loss_nats == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [evaluate, partial(evaluate, window=7), estimate_loss],
    ids=["carried", "windows", "streams"],
)
def test_a_cancelled_evaluation_has_no_result(loss: Callable[..., Evaluation]) -> None:
    network, ids = model(), text(30_000)
    shares: list[float] = []
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        loss(network, ids, progress=Progress(shares.append, lambda: next(asked, True)))
    assert 1 <= len(shares) <= 2
    assert network.training, "the model is as it was"


@pytest.mark.parametrize("loss", [evaluate, partial(evaluate, window=7), estimate_loss])
def test_progress_rises_to_one(loss: Callable[..., Evaluation]) -> None:
    shares: list[float] = []
    loss(model(), text(9000), progress=Progress(shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_nothing_to_predict_is_an_error() -> None:
    with pytest.raises(TextError, match="too short"):
        evaluate(model(), text(1))


def test_one_loss_in_three_units() -> None:
    result = Evaluation(math.log(8), 10)
    assert result.bits_per_character == pytest.approx(3.0)
    assert result.perplexity == pytest.approx(8.0)
    assert math.isfinite(Evaluation(1e9, 10).perplexity)
