"""Chapter hello: the network of Karpathy's essay that spells "hello", and its gradient descent.

    x(t)  one-hot input of a letter             the letters h e l o are 0 1 2 3
    h(t) = tanh(W_xh x(t) + W_hh h(t−1))        h(0) = 0
    y(t) = W_hy h(t)                            logits of the next letter
    L    = −Σ_t log softmax(y(t))[target(t)]    summed over the four letters of "hell"

The start is the essay's figure, as far as three hidden units can be: all hidden values, and the logits of the
first three letters, to one decimal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.float64]
Matrix = Literal["W_xh", "W_hh", "W_hy"]

LETTERS = "helo"
INPUTS = (0, 1, 2, 2)
"""The letters of "hell"."""
TARGETS = (1, 2, 2, 3)
"""The letters of "ello"."""
MATRICES: tuple[Matrix, ...] = ("W_xh", "W_hh", "W_hy")
LEARNING_RATE = 0.05


@dataclass(frozen=True)
class Weight:
    """One weight: its matrix, its row and its column."""

    matrix: Matrix
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Network:
    """The weights, and the number of steps of gradient descent that led to them."""

    W_xh: Float
    """(3, 4): from letter to hidden unit."""
    W_hh: Float
    """(3, 3): from hidden unit to hidden unit, one step later."""
    W_hy: Float
    """(4, 3): from hidden unit to logit."""
    learning_rate: float = LEARNING_RATE
    steps: int = 0

    def matrix(self, name: Matrix) -> Float:
        """The matrix of a name."""
        matrix: Float = getattr(self, name)
        return matrix

    def value(self, weight: Weight) -> float:
        return float(self.matrix(weight.matrix)[weight.row, weight.column])


@dataclass(frozen=True, eq=False)
class Forward:
    """What a network computes from letters; T letters, by default the four of "hell"."""

    hidden: Float
    """(T, 3)."""
    logits: Float
    """(T, 4)."""
    probabilities: Float
    """(T, 4), their softmax."""
    losses: Float
    """(T,), −log of the probability of each target, in nats."""

    @property
    def loss(self) -> float:
        return float(self.losses.sum())


def start() -> Network:
    """The network before training."""
    return Network(
        W_xh=np.array([[0.31, 1.04, -0.13, 0.20], [-0.10, 0.61, 0.75, -0.40], [1.47, 0.31, 0.45, 0.10]]),
        W_hh=np.array([[0.19, -0.15, 0.92], [-0.87, -1.49, -0.20], [-0.50, -0.85, -0.16]]),
        W_hy=np.array([[0.61, -0.58, 0.84], [0.74, -2.03, 1.97], [-0.14, -1.74, -3.48], [0.86, -0.18, 4.25]]),
    )


def forward(
    network: Network, inputs: tuple[int, ...] = INPUTS, targets: tuple[int, ...] = TARGETS
) -> Forward:
    """Read letters from a zero state."""
    state = np.zeros(3)
    hidden = np.zeros((len(inputs), 3))
    for t, letter in enumerate(inputs):
        hidden[t] = state = np.tanh(network.W_xh[:, letter] + network.W_hh @ state)
    logits = hidden @ network.W_hy.T
    log_probabilities = logits - _log_sum_exp(logits)
    losses = -log_probabilities[np.arange(len(targets)), list(targets)]
    return Forward(hidden, logits, np.exp(log_probabilities), losses)


def gradients(network: Network) -> dict[Matrix, Float]:
    """The gradient of the loss with respect to each matrix, by backpropagation through time."""
    run = forward(network)
    by_logits = run.probabilities.copy()
    by_logits[np.arange(len(TARGETS)), list(TARGETS)] -= 1.0
    found: dict[Matrix, Float] = {name: np.zeros_like(network.matrix(name)) for name in MATRICES}
    from_later = np.zeros(3)
    for t in reversed(range(len(INPUTS))):
        by_hidden = network.W_hy.T @ by_logits[t] + from_later
        by_sum = by_hidden * (1.0 - run.hidden[t] ** 2)
        found["W_hy"] += np.outer(by_logits[t], run.hidden[t])
        found["W_xh"][:, INPUTS[t]] += by_sum
        if t:
            found["W_hh"] += np.outer(by_sum, run.hidden[t - 1])
        from_later = network.W_hh.T @ by_sum
    return found


def step(network: Network) -> Network:
    """One step of gradient descent: every weight minus learning rate × gradient."""
    slopes = gradients(network)
    rate = network.learning_rate
    return replace(
        network,
        W_xh=network.W_xh - rate * slopes["W_xh"],
        W_hh=network.W_hh - rate * slopes["W_hh"],
        W_hy=network.W_hy - rate * slopes["W_hy"],
        steps=network.steps + 1,
    )


def nudge(network: Network, weight: Weight, by: float) -> Network:
    """Change one weight."""
    matrix = network.matrix(weight.matrix).copy()
    matrix[weight.row, weight.column] += by
    return replace(network, **{weight.matrix: matrix})  # type: ignore[arg-type]


def spell(network: Network, letters: int = 4) -> str:
    """`h`, and the most probable letters after it; each is the next input."""
    state, letter, word = np.zeros(3), 0, LETTERS[0]
    for _ in range(letters):
        state = np.tanh(network.W_xh[:, letter] + network.W_hh @ state)
        letter = int(np.argmax(network.W_hy @ state))
        word += LETTERS[letter]
    return word


def _log_sum_exp(logits: Float) -> Float:
    highest = logits.max(axis=1, keepdims=True)
    total: Float = highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    return total
