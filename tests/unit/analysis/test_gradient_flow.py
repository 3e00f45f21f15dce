"""Gradients against finite differences of the cells' equations, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.gradient_flow import gradient_flow, spread
from rnnscope.network.cells import CELLS

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
def test_gradient_flow_is_the_norm_of_finite_differences(cell, make_network, ids, reference) -> None:
    network = make_network(cell, 3, 2, dtype=torch.float64)
    positions, distance = [7, 12], 5
    found = gradient_flow(network, ids, positions, distance=distance)
    expected = np.zeros((2, distance))
    with torch.no_grad():
        for position in positions:
            inputs = one_hot(ids[:position])
            for layer in range(2):
                for back in range(distance):
                    slopes = []
                    for unit in range(3):
                        ends = []
                        for sign in (1, -1):
                            nudge = torch.zeros(1, 3, dtype=torch.float64)
                            nudge[0, unit] = sign * _STEP
                            at = {(position - 1 - back, layer): nudge}
                            ends.append(float(stepwise(network, inputs, reference, at)[ids[position]]))
                        slopes.append((ends[0] - ends[1]) / (2 * _STEP))
                    expected[layer, back] += math.hypot(*slopes) / len(positions)
    assert (found.title, found.positions) == (network.architecture.title, 2)
    np.testing.assert_allclose(found.norms, expected, rtol=1e-5, atol=1e-9)


def test_gradients_vanish_in_a_plain_network_and_last_where_nothing_is_forgotten(make_network) -> None:
    ids = np.random.default_rng(0).integers(0, 7, 300)
    plain, remembering = make_network("rnn", 8, 1, spread=0.2), make_network("lstm", 8, 1, spread=0.2)
    with torch.no_grad():
        bias = remembering.layers[0].tensors()["bias_ih"]
        bias[:8], bias[8:16], bias[16:24] = -3.0, 7.0, 0.0  # little is written, all is kept
    flows = [
        gradient_flow(network, ids, spread(300, 40, 60), distance=60) for network in (plain, remembering)
    ]
    of_plain, of_remembering = (flow.norms[0, 59] / flow.norms[0, 1] for flow in flows)
    assert of_plain < 1e-9
    assert of_remembering > 0.005


def test_long_work_tells_how_far_it_is_and_ends_when_asked(make_network, ids) -> None:
    network, told = make_network(), []
    long = np.tile(ids, 4)
    flow = gradient_flow(network, long, range(20, 120), distance=20, told=told.append)
    assert (told[-1], len(told), flow.positions) == (1.0, 4, 100)
    asked = iter([False, True])
    part = gradient_flow(network, long, range(20, 120), distance=20, should_stop=lambda: next(asked))
    assert part.positions == 32
    first = gradient_flow(network, long, range(20, 52), distance=20)
    np.testing.assert_allclose(part.norms, first.norms, rtol=1e-6)


@pytest.mark.parametrize("positions", [[0], [60], [-1, 4]])
def test_positions_without_a_prediction_are_refused(positions, make_network, ids) -> None:
    with pytest.raises(ValueError, match="from 30 to 59"):
        gradient_flow(make_network(), ids, positions, distance=30)


def test_positions_are_spread_over_a_text() -> None:
    assert spread(11, 3, 0) == [0, 5, 10]
    assert spread(4, 100, 2) == [2, 3]
    assert spread(4, 100, 4) == []


def test_nothing_is_left_on_the_models_parameters(make_network, ids) -> None:
    network = make_network()
    network.requires_grad_(False)
    frozen = gradient_flow(network, ids, [50], distance=9).norms
    network.requires_grad_(True)
    np.testing.assert_array_equal(gradient_flow(network, ids, [50], distance=9).norms, frozen)
    assert all(parameter.grad is None for parameter in network.parameters())
