"""Saliency against finite differences of the cells' equations, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.saliency import Saliency, connectivity
from rnnscope.errors import OptionError
from rnnscope.network.cells import CELLS
from rnnscope.session import Session
from rnnscope.tracing.record import record

_STEP = 1e-5


def log_probability(network, inputs: list[Tensor], reference, following: int) -> float:
    """ln p of a symbol after `inputs`, each (V,), by the cells' equations, a step at a time."""
    architecture = network.architecture
    states = [tuple(part.clone() for part in layer) for layer in network.initial_state(1)]
    for x in inputs:
        values = x[None] if network.embedding is None else x[None] @ network.embedding.weight
        for layer, cell in enumerate(network.layers):
            _, states[layer] = reference(
                architecture.cell, cell.tensors(), values[None], states[layer], architecture.activation
            )
            values = states[layer][0]
    return float(functional.log_softmax(network.readout(values), dim=-1)[0, following])


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("embedding", [0, 3])
def test_connectivity_is_the_norm_of_finite_differences(
    cell, embedding, make_network, ids, reference
) -> None:
    network = make_network(cell, 4, 2, embedding=embedding, dtype=torch.float64)
    norms, found = connectivity(network, ids[:10])
    inputs = list(functional.one_hot(torch.from_numpy(ids[:9].astype(np.int64)), 7).double())
    following = int(ids[9])
    with torch.no_grad():
        assert found == pytest.approx(log_probability(network, inputs, reference, following), abs=1e-10)
        for t in range(9):
            slopes = []
            for symbol in range(7):
                ends = []
                for sign in (1, -1):
                    nudged = [x.clone() for x in inputs]
                    nudged[t][symbol] += sign * _STEP
                    ends.append(log_probability(network, nudged, reference, following))
                slopes.append((ends[0] - ends[1]) / (2 * _STEP))
            assert norms[t] == pytest.approx(math.hypot(*slopes), rel=1e-5, abs=1e-8)


@pytest.fixture(scope="module")
def text() -> str:
    return "".join(np.random.default_rng(7).choice(list("abcdefg"), 60))


def test_a_window_starts_in_the_state_that_the_network_has_there(make_network, text) -> None:
    network = make_network(dtype=torch.float64)
    session = Session(network, text)
    for position in (1, 7, 40, 59):
        whole = session.ask(Saliency(position))
        assert (whole.position, whole.start, whole.text) == (position, 0, text[: position + 1])
        found = session.ask(Saliency(position, window=10))
        assert len(found.norms) == min(10, position)
        assert found.text == text[found.start : position + 1]
        np.testing.assert_allclose(found.norms, whole.norms[found.start :], rtol=1e-5)
        assert found.log_probability == pytest.approx(whole.log_probability, abs=1e-6)
        assert found.connectivity.max() == 1.0
        np.testing.assert_allclose(found.connectivity * found.norms.max(), found.norms)
    trace = record(network, network.vocabulary.encode(text))
    expected = trace.log_probabilities[39, trace.ids[40]]
    assert session.ask(Saliency(40)).log_probability == pytest.approx(float(expected), abs=1e-5)


def test_the_one_character_that_a_prediction_depends_on_is_found(make_network) -> None:
    """An LSTM whose input gate opens for an `a` alone, and whose forget gate is always open."""
    network = make_network("lstm", 1, 1)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.zero_()
        tensors = network.layers[0].tensors()
        tensors["weight_ih"][0, 0], tensors["bias_ih"][:4] = 20.0, torch.tensor([-10.0, 10.0, 0.0, 10.0])
        tensors["weight_ih"][2] = 0.5
        network.readout.weight[2, 0] = 2.0
    found = Session(network, "ccaccccc").ask(Saliency(7))
    assert found.connectivity[2] == 1.0
    assert np.delete(found.connectivity, 2).max() < 0.01
    assert "one-hot input" in found.method


def test_the_models_parameters_get_no_gradient(make_network, ids) -> None:
    network = make_network()
    network.requires_grad_(False)
    frozen, _ = connectivity(network, ids[:20])
    network.requires_grad_(True)
    np.testing.assert_array_equal(connectivity(network, ids[:20])[0], frozen)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Saliency(0), "--position is 0"),
        (Saliency(60), "the text has 60 characters; position 60 is beyond its end"),
        (Saliency(5, window=0), "--window is 0"),
    ],
)
def test_a_position_without_a_prediction_is_an_option_error(query, why, make_network, text) -> None:
    with pytest.raises(OptionError, match=why):
        Session(make_network(), text).ask(query)


def test_a_trace_alone_has_no_gradients(make_network, ids) -> None:
    with pytest.raises(OptionError, match="needs a model"):
        Session.of_trace(record(make_network(), ids)).ask(Saliency(5))
