"""Gradient norms against torch's autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnscope.learn import vanish
from rnnscope.learn.vanish import DISTANCES, SIZE, State


def norms_by_autograd(step, inputs, starts, ends) -> np.ndarray:
    """The norms of ∂(v · state) / ∂ earlier states, geometric mean; the state is the last of a tuple."""
    states = [(torch.zeros(SIZE, dtype=torch.float64),) * 2]
    states[0] = tuple(part.clone().requires_grad_(True) for part in states[0])
    for x in inputs:
        states.append(step(x, *states[-1]))
        states[-1][-1].retain_grad()
    logs = []
    for end, direction in zip(ends, starts, strict=True):
        wanted = [states[end + 1 - d][-1] for d in range(DISTANCES + 1)]
        found = torch.autograd.grad(states[end + 1][-1] @ direction, wanted, retain_graph=True)
        logs.append([each.norm().log().item() for each in found])
    return np.exp(np.mean(logs, axis=0))


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_the_norms_of_the_rnn(radius: float) -> None:
    matrix = radius * torch.tensor(vanish.orthogonal())
    assert np.abs(np.linalg.eigvals(matrix)) == pytest.approx(radius)

    def step(x: torch.Tensor, _: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        new = torch.tanh(matrix @ h + x)
        return new, new

    expected = norms_by_autograd(
        step, torch.tensor(vanish.rnn_inputs()), torch.tensor(vanish.first_gradients()), vanish.ENDS
    )
    np.testing.assert_allclose(vanish.rnn_norms(radius), expected, rtol=1e-9)


@pytest.mark.parametrize("bias", [-1.0, 3.0])
def test_the_norms_of_the_lstm_are_those_of_the_cell_state(bias: float) -> None:
    weight_ih, weight_hh = map(torch.tensor, vanish.lstm_weights())

    def step(x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        i, f, g, o = (weight_ih @ x + weight_hh @ h).chunk(4)
        c = torch.sigmoid(f + bias) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    expected = norms_by_autograd(
        step, torch.tensor(vanish.lstm_inputs()), torch.tensor(vanish.first_gradients()), vanish.ENDS
    )
    np.testing.assert_allclose(vanish.lstm_norms(bias), expected, rtol=1e-8)


def test_small_radii_vanish_large_ones_explode_and_the_forget_bias_keeps() -> None:
    vanishing, steady, exploding = (vanish.rnn_norms(radius)[-1] for radius in (0.5, 1.0, 1.5))
    assert vanishing < 1e-15 < 1e-2 < steady < 1 < 10 < exploding < 1.5**DISTANCES
    assert vanish.lstm_norms(0.0)[-1] < 1e-10 < 1e-3 < vanish.lstm_norms(2.0)[-1]


def test_clipping_leaves_small_gradients_and_bounds_large_ones() -> None:
    found = vanish.clipping(State(radius=1.5, clip=5.0))
    np.testing.assert_array_equal(found.after, np.minimum(found.before, 5.0))
    assert 0 < found.clipped < vanish.BATCHES
    assert vanish.clipping(State(radius=0.5)).clipped == 0


def test_numbers_stay_within_their_ranges() -> None:
    state = State()
    assert vanish.nudge(state, "radius", 5).radius == 1.5
    assert vanish.nudge(state, "radius", 100).radius == 2.0
    assert vanish.nudge(state, "forget_bias", -100).forget_bias == -3.0
    assert vanish.nudge(state, "clip", -1).clip == 4.5
