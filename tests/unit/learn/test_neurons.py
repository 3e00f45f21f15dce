"""Neurons of the course are results of Find; samples are those of the sampler."""

from __future__ import annotations

import numpy as np
import pytest

import rnnscope
from rnnscope.corpora.archive import archive_text
from rnnscope.learn import neurons


@pytest.fixture(scope="module")
def session() -> rnnscope.Session:
    return rnnscope.Session(rnnscope.load("archive-gru"), archive_text(14_000, seed=3))


@pytest.mark.parametrize("feature", ["quotes", "if"])
def test_a_neuron_is_the_best_of_a_search(session: rnnscope.Session, feature: str) -> None:
    found = neurons.neuron(session, feature)
    best = session.ask(neurons.query_of(feature)).results[0]
    assert (found.layer, found.unit, found.quantity) == (best.layer, best.unit, best.quantity)
    assert found.score == best.held_out
    start = session.reader.read(0, 14_000).index(found.text)
    trace = session.reader.trace(start, start + len(found.text))
    np.testing.assert_array_equal(found.values, trace.shown(found.layer, found.quantity, found.unit))
    assert set(np.unique(found.is_on)) == {0.0, 1.0}


def test_samples_differ_by_temperature_alone(session: rnnscope.Session) -> None:
    model = rnnscope.load("archive-gru")
    network = session.reader.model
    assert network is not None
    found = neurons.samples(network, "The ", 30, seed=4)
    for temperature, text in zip(neurons.TEMPERATURES, found, strict=True):
        assert text == model.sample(30, prime="The ", temperature=temperature, seed=4)
