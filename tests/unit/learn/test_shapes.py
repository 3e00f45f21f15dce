"""The read-outs against scikit-learn, and the states against a loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

import rnnscope
from rnnscope.learn import shapes
from rnnscope.network.model import CharRNN


@pytest.fixture(scope="module")
def network() -> CharRNN:
    return rnnscope.load("archive-lstm").network


def test_a_read_out_is_ridge_regression() -> None:
    generator = np.random.default_rng(1)
    states = generator.normal(size=(90, 7)) * generator.uniform(0.5, 3, size=7)
    classes = generator.integers(0, 3, size=90).tolist()
    read_out = shapes.fit(states, classes, 3, 5.0)
    targets = np.where(np.array(classes)[:, None] == np.arange(3), 1.0, -1.0)
    x = (states - states.mean(axis=0)) / states.std(axis=0)
    weights = (30 / np.bincount(classes))[classes]  # 90 states of 3 classes
    expected = Ridge(alpha=5.0).fit(x, targets, sample_weight=weights).predict(x)
    np.testing.assert_allclose(read_out.scores(states), expected, atol=1e-10)
    np.testing.assert_allclose(read_out.shares(states).sum(axis=1), 1)


def test_states_are_those_of_a_loop(network: CharRNN) -> None:
    texts = ["Dear Sir, ", "int main()"]
    found = shapes.states_along(network, texts)
    for row, text in enumerate(texts):
        state = network.initial_state(1)
        for step, symbol in enumerate(text):
            with torch.no_grad():
                _, state = network(torch.tensor([[network.vocabulary.symbols.index(symbol)]]), state)
            hidden, cell = state[0]
            expected = torch.cat([hidden[0], torch.tanh(cell[0])])
            np.testing.assert_allclose(found[step, row], expected, atol=1e-5)


def test_documents_are_of_all_kinds_and_fresh() -> None:
    found = shapes.documents(2, 100, seed=1)
    assert [shapes.KINDS[kind] for kind in found.kinds[::2]] == list(shapes.KINDS)
    assert {len(text) for text in found.texts} == {100}
    other = shapes.documents(2, 100, seed=2)
    assert not set(found.texts) & set(other.texts)
    # The closing mark is outside.
    assert shapes.tags('a "b" c').tolist() == [False, False, True, True, False, False, False]


def test_a_model_tells_documents_and_tags_quotations(network: CharRNN) -> None:
    learned, tested = (shapes.documents(12, 120, seed=seed) for seed in (1, 2))
    read_out = shapes.fit(shapes.states_along(network, learned.texts)[-1], learned.kinds, 5, 100.0)
    guesses = read_out.scores(shapes.states_along(network, tested.texts)[-1]).argmax(axis=1)
    assert (guesses == np.array(tested.kinds)).mean() > 0.5  # chance is 0.2
    belief = shapes.belief(network, read_out, tested.texts[0])
    assert belief.shape == (120, 5)
    assert belief[-1].argmax() == guesses[0]
