"""Writing agrees with the network, and draws what its options say."""

from __future__ import annotations

import warnings
from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from rnnscope.errors import OptionError, RnnscopeError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler, choose
from rnnscope.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of("abcdefgh\n")
CELLS = [(cell, activation) for cell in QUANTITIES for activation in ("tanh", "softsign")]


def make(vocabulary: Vocabulary = LETTERS, **changes: Any) -> CharRNN:
    sizes = {"vocabulary_size": len(vocabulary), "hidden_size": 24, "layers": 2}
    model = CharRNN(Architecture(**{**sizes, **changes}), vocabulary)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=0.25, generator=torch.Generator().manual_seed(tensor.numel()))
    return model.eval()


@pytest.mark.parametrize(("cell", "activation"), CELLS)
@pytest.mark.parametrize("embedding", [{}, {"embedding_size": 5}, {"embedding_size": 24, "tied": True}])
def test_expectations_are_the_networks_own(cell: Any, activation: Any, embedding: dict[str, Any]) -> None:
    model = make(cell=cell, activation=activation, **embedding)
    ids = torch.randint(9, (60,), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(ids.unsqueeze(1))[0].squeeze(1).log_softmax(-1).numpy()
    sampler = Sampler(model)
    for again in range(2):
        for i, row in zip(ids.tolist(), expected, strict=True):
            sampler.feed([i])
            np.testing.assert_allclose(sampler.log_probabilities, row, atol=1e-5, err_msg=f"pass {again}")
        sampler.reset()


def test_each_symbol_comes_with_its_probability_before_temperature() -> None:
    model = make()
    prime = [0, 3, 5]
    sampler = Sampler(model)
    sampler.feed(prime)
    written = list(sampler.stream(40, temperature=0.5, seed=2))
    ids = torch.tensor([*prime, *(i for i, _ in written)])
    with torch.no_grad():
        probabilities = model(ids.unsqueeze(1))[0].squeeze(1).softmax(-1)
    for position, (i, probability) in enumerate(written, start=len(prime) - 1):
        assert probability == pytest.approx(float(probabilities[position, i]), abs=1e-5)


def test_a_seed_repeats_a_text_and_another_does_not() -> None:
    def write(seed: int) -> list[tuple[int, float]]:
        return list(Sampler(make()).stream(50, temperature=1.0, seed=seed))

    assert write(1) == write(1)
    assert write(1) != write(2)


@pytest.mark.parametrize("temperature", [5e-324, 1e-320, 1e-10, 1e308])
def test_any_temperature_samples_without_a_warning(temperature: float) -> None:
    expected = Counter(choose(P, 0.0, 0, 1.0, np.random.default_rng(0)) for _ in range(9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Counter(choose(P, temperature, 0, 1.0, np.random.default_rng(0)) for _ in range(9))
    assert found == expected or temperature > 1


def test_zero_temperature_always_takes_the_likeliest() -> None:
    sampler = Sampler(make())
    stream = sampler.stream(None, temperature=0.0)
    for _ in range(30):
        likeliest = int(sampler.log_probabilities.argmax())
        assert next(stream)[0] == likeliest


@pytest.mark.parametrize("cell", QUANTITIES)
def test_training_on_does_not_change_a_sampler(cell: Any) -> None:
    model = make(cell=cell, embedding_size=24, tied=True)
    sampler, untouched = Sampler(model), Sampler(model)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.zero_()
    assert list(sampler.stream(20, seed=1)) == list(untouched.stream(20, seed=1))
    assert np.ptp(sampler.log_probabilities) > 0.05  # zeroed weights would expect all alike


def test_the_unknown_symbol_is_never_written() -> None:
    vocabulary = Vocabulary.of("aaabbbccc\u0001", minimum_count=2)
    model = make(vocabulary)
    model.readout.bias.data[vocabulary.unknown] = 50.0
    for temperature in (0.0, 1.0):
        written = {i for i, _ in islice(Sampler(model).stream(None, temperature=temperature, seed=1), 100)}
        assert vocabulary.unknown not in written


P = np.log(np.array([0.05, 0.4, 0.25, 0.2, 0.1]))


def frequencies(temperature: float, top_k: int = 0, top_p: float = 1.0) -> list[float]:
    random = np.random.default_rng(0)
    count = 20_000
    drawn = Counter(choose(P, temperature, top_k, top_p, random) for _ in range(count))
    return [drawn[i] / count for i in range(5)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"temperature": 1.0}, [0.05, 0.4, 0.25, 0.2, 0.1]),
        ({"temperature": 0.5}, np.array([0.0025, 0.16, 0.0625, 0.04, 0.01]) / 0.275),
        ({"temperature": 1.0, "top_k": 2}, np.array([0, 0.4, 0.25, 0, 0]) / 0.65),
        ({"temperature": 1.0, "top_k": 9}, [0.05, 0.4, 0.25, 0.2, 0.1]),
        ({"temperature": 1.0, "top_p": 0.6}, np.array([0, 0.4, 0.25, 0, 0]) / 0.65),
        ({"temperature": 1.0, "top_p": 0.7}, np.array([0, 0.4, 0.25, 0.2, 0]) / 0.85),
        ({"temperature": 1.0, "top_p": 1e-9}, [0, 1, 0, 0, 0]),
        ({"temperature": 1.0, "top_k": 3, "top_p": 0.5}, np.array([0, 0.4, 0.25, 0, 0]) / 0.65),
        ({"temperature": 1e-3}, [0, 1, 0, 0, 0]),
    ],
)
def test_draws_have_the_frequencies_that_the_options_say(options: dict[str, Any], expected: Any) -> None:
    np.testing.assert_allclose(frequencies(**options), expected, atol=0.015)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"top_k": -1}, "top-k"),
        ({"top_p": 0.0}, "top-p"),
        ({"top_p": 1.1}, "top-p"),
        ({"top_p": float("nan")}, "top-p"),
    ],
)
def test_options_out_of_range_are_refused_at_once(options: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        Sampler(make()).stream(5, **options)


def test_diverged_weights_are_told() -> None:
    model = make()
    model.readout.bias.data[0] = torch.nan
    with pytest.raises(RnnscopeError, match="diverged"):
        next(Sampler(model).stream(5))
