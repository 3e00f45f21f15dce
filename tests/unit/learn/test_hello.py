"""The numbers of the chapter hello against torch's autograd and against a script without it, in float64."""

from __future__ import annotations

import numpy as np
import torch

from rnnscope.learn import hello
from rnnscope.learn.hello import MATRICES, Weight

FIGURE_HIDDEN = [[0.3, -0.1, 0.9], [1.0, 0.3, 0.1], [0.1, -0.5, -0.3], [-0.3, 0.9, 0.7]]
FIGURE_LOGITS = [[1.0, 2.2, -3.0, 4.1], [0.5, 0.3, -1.0, 1.2], [0.1, 0.5, 1.9, -1.1]]


def autograd(network: hello.Network) -> tuple[float, dict[str, np.ndarray]]:
    """Loss and gradients by torch."""
    weights = {name: torch.tensor(network.matrix(name), requires_grad=True) for name in MATRICES}
    state = torch.zeros(3, dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    for letter, target in zip("hell", "ello", strict=True):
        x = torch.nn.functional.one_hot(torch.tensor("helo".index(letter)), 4).double()
        state = torch.tanh(weights["W_xh"] @ x + weights["W_hh"] @ state)
        y = weights["W_hy"] @ state
        loss = loss + torch.nn.functional.cross_entropy(y[None], torch.tensor(["helo".index(target)]))
    loss.backward()
    return loss.item(), {name: weight.grad.numpy() for name, weight in weights.items()}


def script(steps: int, rate: float, W: list[list[float]], U: list[list[float]], V: list[list[float]]) -> list:
    """Gradient descent in plain Python: the loss before each step, then the weights."""
    told = []
    for _ in range(steps):
        hs, ps = [[0.0] * 3], []
        for x in (0, 1, 2, 2):
            hs.append([np.tanh(W[i][x] + sum(U[i][j] * hs[-1][j] for j in range(3))) for i in range(3)])
            ys = [sum(V[k][i] * hs[-1][i] for i in range(3)) for k in range(4)]
            total = sum(np.exp(y) for y in ys)
            ps.append([np.exp(y) / total for y in ys])
        told.append(-sum(np.log(ps[t][k]) for t, k in enumerate((1, 2, 2, 3))))
        dW, dU, dV = ([[0.0] * len(row) for row in M] for M in (W, U, V))
        carried = [0.0] * 3
        for t, (x, target) in reversed([*enumerate(zip((0, 1, 2, 2), (1, 2, 2, 3), strict=True))]):
            dy = [p - (k == target) for k, p in enumerate(ps[t])]
            h, before = hs[t + 1], hs[t]
            dz = [(sum(dy[k] * V[k][i] for k in range(4)) + carried[i]) * (1 - h[i] * h[i]) for i in range(3)]
            for i in range(3):
                dW[i][x] += dz[i]
                for k in range(4):
                    dV[k][i] += dy[k] * h[i]
                for j in range(3):
                    dU[i][j] += dz[i] * before[j]
            carried = [sum(U[i][j] * dz[i] for i in range(3)) for j in range(3)]
        W, U, V = (
            [[w - rate * d for w, d in zip(*rows, strict=True)] for rows in zip(M, dM, strict=True)]
            for M, dM in ((W, dW), (U, dU), (V, dV))
        )
    return [told, W, U, V]


def test_it_begins_with_the_numbers_of_the_essay() -> None:
    run = hello.forward(hello.start())
    np.testing.assert_allclose(run.hidden, FIGURE_HIDDEN, atol=0.05)
    np.testing.assert_allclose(run.logits[:3], FIGURE_LOGITS, atol=0.05)


def test_50_steps_are_those_of_a_script_and_the_gradients_those_of_autograd() -> None:
    network = hello.start()
    losses, *weights = script(50, network.learning_rate, *(network.matrix(m).tolist() for m in MATRICES))
    for expected in losses:
        loss, slopes = autograd(network)
        assert abs(hello.forward(network).loss - expected) < 1e-12
        assert abs(loss - expected) < 1e-12
        for name, slope in hello.gradients(network).items():
            np.testing.assert_allclose(slope, slopes[name], rtol=1e-10, atol=1e-13)
        network = hello.step(network)
    for name, expected in zip(MATRICES, weights, strict=True):
        np.testing.assert_allclose(network.matrix(name), expected, rtol=1e-10)
    assert network.steps == 50


def test_it_spells_hello_after_a_few_steps_and_not_before() -> None:
    network, words = hello.start(), []
    for _ in range(60):
        words.append(hello.spell(network))
        network = hello.step(network)
    assert words[0] != "hello"
    assert words.index("hello") == 13
    assert set(words[13:]) == {"hello"}


def test_a_nudge_of_the_recurrent_matrix_changes_the_later_columns_only() -> None:
    before = hello.start()
    after = hello.nudge(before, Weight("W_hh", 1, 2), 0.3)
    changed = hello.forward(after).hidden != hello.forward(before).hidden
    assert not changed[0].any()
    assert changed[1].tolist() == [False, True, False]
    assert changed[2:].all()
    assert after.value(Weight("W_hh", 1, 2)) == before.value(Weight("W_hh", 1, 2)) + 0.3
    assert after.W_xh is before.W_xh
