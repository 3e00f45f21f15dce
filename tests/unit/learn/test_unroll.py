"""The terms of a gradient add up to torch's, whole and truncated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rnnscope.learn import unroll


def autograd(state: unroll.State) -> np.ndarray:
    """The gradient of W_hh where the state is detached after every `truncation` letters."""
    W, U, V = (torch.tensor(getattr(state.network, name)) for name in ("W_xh", "W_hh", "W_hy"))
    U.requires_grad_(True)
    hidden = torch.zeros(3, dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    for t, (letter, target) in enumerate(zip("hellohell", "ellohello", strict=True)):
        if t % state.truncation == 0:
            hidden = hidden.detach()
        hidden = torch.tanh(W[:, "helo".index(letter)] + U @ hidden)
        loss = loss - torch.log_softmax(V @ hidden, 0)["helo".index(target)]
    loss.backward()
    return U.grad.numpy()


@pytest.mark.parametrize("truncation", [1, 2, 4, 5, 9])
def test_the_kept_terms_add_up_to_the_truncated_gradient(truncation: int) -> None:
    state = unroll.State(truncation=truncation)
    expected, whole = autograd(state), autograd(replace(state, truncation=9))
    for row in range(3):
        for column in range(3):
            found = unroll.gradient(replace(state, row=row, column=column))
            assert found.truncated == pytest.approx(expected[row, column], abs=1e-12)
            assert found.whole == pytest.approx(whole[row, column], abs=1e-12)
    cosine = (expected * whole).sum() / np.linalg.norm(expected) / np.linalg.norm(whole)
    assert found.cosine == pytest.approx(cosine)


def test_a_length_of_one_keeps_the_diagonal_and_the_whole_length_everything() -> None:
    assert unroll.gradient(unroll.State(truncation=1)).kept.sum() == 8
    assert unroll.gradient(unroll.State(truncation=9)).cut == 0
    assert unroll.gradient(unroll.State(truncation=4)).cut == 36 - (1 + 2 + 3) - (1 + 2 + 3 + 4) - 1
    state = unroll.truncate(unroll.State(), -100)
    assert state.truncation == 1
    assert unroll.truncate(state, 100).truncation == 9


def test_a_nudge_and_a_step_change_the_network() -> None:
    state = unroll.State(row=1, column=0)
    assert unroll.nudge(state, 0.5).network.W_hh[1, 0] == state.network.W_hh[1, 0] + 0.5
    assert unroll.step(state).network.steps == 1
