"""The linear probe: what it can know, what it must not, and whether it is a minimum."""

from __future__ import annotations

import numpy as np
import torch

from rnnscope.analysis.probe import _fista, _gradient, probe


def states(n: int, units: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, units)).astype(np.float32)


def test_a_boolean_that_is_the_sum_of_two_units_is_known_by_two() -> None:
    x = states(3000, 40)
    on = (x[:, 3] - x[:, 17] > 0.5).astype(np.float32)
    found = probe(x[:2000], on[:2000], x[2000:], on[2000:], "boolean", 40)
    assert found.held_out > 0.995
    assert found.units_used <= 4


def test_a_number_is_known_by_ridge() -> None:
    x = states(3000, 40)
    numbers = (x[:, 3] - x[:, 17] + 0.1 * x[:, 5]).astype(np.float32)
    assert probe(x[:2000], numbers[:2000], x[2000:], numbers[2000:], "number", 40).held_out > 0.99


def test_what_nobody_knows_stays_at_chance_where_it_was_not_fitted() -> None:
    x = states(1600, 200)
    on = (np.random.default_rng(1).random(1600) < 0.3).astype(np.float32)
    assert abs(probe(x[:800], on[:800], x[800:], on[800:], "boolean", 200).held_out - 0.5) < 0.1


def test_two_numbers_of_a_unit_are_one_unit() -> None:
    x = states(1000, 3)
    on = (x[:, 1] > 0).astype(np.float32)
    both = np.concatenate([x, x], axis=1)
    assert probe(both[:800], on[:800], both[800:], on[800:], "boolean", 3).units_used == 1


def test_constant_units_and_answers_do_no_harm() -> None:
    x = np.ones((100, 4), np.float32)
    on = np.zeros(100, np.float32)
    on[:3] = 1  # none in the quarter that chooses the penalty
    assert probe(x, on, x, on, "boolean", 4).held_out == 0.5


def test_the_penalised_loss_is_at_its_minimum() -> None:
    """At the minimum the gradient is −λ sign(w) where w is not 0, and at most λ where it is."""
    x = torch.from_numpy(states(600, 12))
    y = torch.where(x[:, 0] + x[:, 1] + 0.7 * torch.from_numpy(states(600, 13))[:, 12] > 0, 1.0, -1.0)
    weights, intercept, penalty = torch.zeros(12), 0.0, 0.05
    for _ in range(20):
        weights, intercept = _fista(x, y, weights, intercept, penalty)
    gradient = _gradient(x, y, weights, intercept)
    used = weights != 0
    assert 0 < int(used.sum()) < 12
    assert torch.allclose(gradient[used], -penalty * weights[used].sign(), atol=2e-3)
    assert float(gradient[~used].abs().max()) <= penalty + 2e-3
    smooth = torch.log1p(torch.exp(-y * (x @ weights + intercept))).mean()
    moved = weights + 1e-2 * torch.from_numpy(states(12, 1))[:, 0]
    other = torch.log1p(torch.exp(-y * (x @ moved + intercept))).mean()
    assert float(smooth + penalty * weights.abs().sum()) <= float(other + penalty * moved.abs().sum()) + 1e-6
