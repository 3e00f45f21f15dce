"""Gradients against finite differences of the cells' equations, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.attribution import saliencies, saliency
from rnnscope.network.cells import CELLS
from rnnscope.tracing.record import record, state_at

_STEP = 1e-5


def stepwise(
    network, inputs: list[Tensor], reference, nudges: dict[tuple[int, int], Tensor], start=None
) -> Tensor:
    """ln p of all symbols after `inputs`, each (V,), by the equations, a step at a time.

    nudges: (step, layer) -> what is added to h there, before it is passed up and on.
    """
    architecture = network.architecture
    states = [tuple(part.clone() for part in layer) for layer in (start or network.initial_state(1))]
    for step, x in enumerate(inputs):
        values = x[None] if network.embedding is None else x[None] @ network.embedding.weight
        for layer, cell in enumerate(network.layers):
            _, after = reference(
                architecture.cell, cell.tensors(), values[None], states[layer], architecture.activation
            )
            hidden = after[0] + nudges.get((step, layer), torch.zeros_like(after[0]))
            states[layer] = (hidden, *after[1:])
            values = hidden
    return functional.log_softmax(network.readout(values), dim=-1)[0]


def one_hot(ids: np.ndarray) -> list[Tensor]:
    return list(functional.one_hot(torch.from_numpy(ids.astype(np.int64)), 7).double())


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("embedding", [0, 3])
def test_connectivity_is_the_norm_of_finite_differences(
    cell, embedding, make_network, ids, reference
) -> None:
    network = make_network(cell, 4, 2, embedding=embedding, dtype=torch.float64)
    found = saliency(network, ids, 9)
    assert (found.position, found.start, found.norms.shape) == (9, 0, (9,))
    inputs = one_hot(ids[:9])
    with torch.no_grad():
        assert found.log_probability == pytest.approx(
            float(stepwise(network, inputs, reference, {})[ids[9]]), abs=1e-10
        )
        for t in range(9):
            slopes = []
            for symbol in range(7):
                ends = []
                for sign in (1, -1):
                    nudged = [x.clone() for x in inputs]
                    nudged[t][symbol] += sign * _STEP
                    ends.append(float(stepwise(network, nudged, reference, {})[ids[9]]))
                slopes.append((ends[0] - ends[1]) / (2 * _STEP))
            assert found.norms[t] == pytest.approx(math.hypot(*slopes), rel=1e-5, abs=1e-8)
    assert found.connectivity.max() == 1.0
    np.testing.assert_allclose(found.connectivity * found.norms.max(), found.norms)


def test_a_window_begins_at_the_state_that_the_network_has_there(make_network, ids) -> None:
    network = make_network(dtype=torch.float64)
    whole = {found.position: found for found in saliencies(network, ids, range(1, 60), window=100)}
    assert list(whole) == list(range(1, 60))
    for found in saliencies(network, ids, [3, 40, 12, 59], window=10):
        expected = whole[found.position]
        assert len(found.norms) == min(10, found.position)
        np.testing.assert_allclose(found.norms, expected.norms[found.start :], rtol=1e-9)
        assert found.log_probability == pytest.approx(expected.log_probability, abs=1e-10)
    single = make_network()
    state = state_at(record(single, ids[:30]), 29, single)
    later, expected = saliency(single, ids[30:], 20, state), saliency(single, ids, 50)
    np.testing.assert_allclose(later.norms, expected.norms[-20:], rtol=1e-3, atol=1e-7)


def test_saliencies_end_when_asked(make_network, ids) -> None:
    assert list(saliencies(make_network(), ids, [5, 6], should_stop=lambda: True)) == []


@pytest.mark.parametrize("positions", [[0], [60], [-1, 4]])
def test_positions_without_a_prediction_are_refused(positions, make_network, ids) -> None:
    with pytest.raises(ValueError, match="from 1 to 59"):
        list(saliencies(make_network(), ids, positions))


def test_nothing_is_left_on_the_models_parameters(make_network, ids) -> None:
    network = make_network()
    saliency(network, ids, 20)
    assert all(parameter.grad is None for parameter in network.parameters())
