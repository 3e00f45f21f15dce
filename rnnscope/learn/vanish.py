"""Chapter vanish: how gradients shrink and grow on their way back through time, and clipping by norm.

    RNN     h(t) = tanh(ρ Q h(t−1) + x(t))      Q orthogonal: all its eigenvalues have modulus 1
    LSTM    the equations of torch.nn.LSTM, uniform weights within ±1/√H, forget-gate bias b_f

A gradient of norm 1 with respect to the last state is propagated back; its norm at each distance is averaged
(geometric mean) over several ends. Without tanh the RNN's norm is exactly ρ^distance.

Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks"; a forget-gate bias
of 1 or more: Gers et al. 2000, Jozefowicz et al. 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.float64]
Knob = Literal["radius", "forget_bias", "clip"]

SIZE = 24
"""H, the number of hidden units of both networks."""
DISTANCES = 60
"""The largest distance, in steps."""
BATCHES = 24
"""How many batches are clipped."""
KNOBS: dict[Knob, tuple[float, float, float]] = {
    "radius": (0.1, 2.0, 0.1),
    "forget_bias": (-3.0, 6.0, 0.5),
    "clip": (0.5, 100.0, 0.5),
}
"""The lowest and highest value of each number that can be changed, and how much one key press changes it."""

_SEED = 7
_LENGTH = 100
ENDS = range(DISTANCES + 4, _LENGTH, 4)
"""The steps at which gradients start."""
_INPUT_SCALE = 0.05
_BATCH_LENGTH = 40
_BATCH_SCALES = (0.03, 0.3)
"""The smallest and largest scale of the loss of a batch: batches differ."""


@dataclass(frozen=True)
class State:
    """The numbers that can be changed."""

    radius: float = 1.0
    """ρ, the spectral radius of the RNN's recurrent matrix."""
    forget_bias: float = 0.0
    """b_f, added to the sum of every forget gate."""
    clip: float = 5.0
    """The largest norm that a gradient keeps."""


@dataclass(frozen=True, eq=False)
class Clipping:
    """The norms of the RNN's gradient, batch by batch; (B,) each."""

    before: Float
    after: Float

    @property
    def clipped(self) -> int:
        """How many batches are scaled down."""
        return int((self.after < self.before).sum())


def nudge(state: State, knob: Knob, by: int) -> State:
    """Change a number by `by` key presses, within its range."""
    low, high, stride = KNOBS[knob]
    value = min(max(getattr(state, knob) + by * stride, low), high)
    return replace(state, **{knob: round(value, 6)})


def rnn_norms(radius: float) -> Float:
    """(D + 1,) the norm of the gradient at distances 0, 1, …, D in the RNN."""
    inputs, rotation = rnn_inputs(), orthogonal()
    hidden = np.zeros((_LENGTH + 1, SIZE))
    for t in range(_LENGTH):
        hidden[t + 1] = np.tanh(radius * rotation @ hidden[t] + inputs[t])
    slopes = 1.0 - hidden[1:] ** 2
    norms = []
    for end, flowing in zip(ENDS, first_gradients(), strict=True):
        norms.append([1.0])
        for t in range(end, end - DISTANCES, -1):
            flowing = radius * rotation.T @ (slopes[t] * flowing)
            norms[-1].append(float(np.linalg.norm(flowing)))
    return _geometric_mean(norms)


def lstm_norms(forget_bias: float) -> Float:
    """(D + 1,) the norm of the gradient of the LSTM's cell state at distances 0, 1, …, D."""
    weight_ih, weight_hh = lstm_weights()
    inputs = lstm_inputs()
    hidden, cell = np.zeros(SIZE), np.zeros(SIZE)
    steps = []
    for t in range(_LENGTH):
        i, f, g, o = np.split(weight_ih @ inputs[t] + weight_hh @ hidden, 4)
        i, f, g, o = _sigmoid(i), _sigmoid(f + forget_bias), np.tanh(g), _sigmoid(o)
        previous, cell = cell, f * cell + i * g
        hidden = o * np.tanh(cell)
        steps.append((i, f, g, o, previous, np.tanh(cell)))
    norms = []
    for end, by_cell in zip(ENDS, first_gradients(), strict=True):
        norms.append([1.0])
        by_hidden = np.zeros(SIZE)
        for t in range(end, end - DISTANCES, -1):
            i, f, g, o, previous, shown = steps[t]
            by_cell = by_cell + by_hidden * o * (1.0 - shown**2)
            by_sums = np.concatenate(
                [
                    by_cell * g * i * (1 - i),
                    by_cell * previous * f * (1 - f),
                    by_cell * i * (1 - g**2),
                    by_hidden * shown * o * (1 - o),
                ]
            )
            by_hidden, by_cell = weight_hh.T @ by_sums, by_cell * f
            # The gradient with respect to c(t−1) has a second way, through h(t−1).
            through = by_hidden * steps[t - 1][3] * (1.0 - steps[t - 1][5] ** 2)
            norms[-1].append(float(np.linalg.norm(by_cell + through)))
    return _geometric_mean(norms)


def clipping(state: State) -> Clipping:
    """The norm of the gradient of the RNN's recurrent matrix in each of B batches, before and after clipping.

    The loss of a batch is linear in the hidden states; clipped is g · min(1, clip / ‖g‖).
    """
    random = np.random.default_rng(_SEED + 1)
    inputs = _INPUT_SCALE * random.normal(size=(_BATCH_LENGTH, BATCHES, SIZE))
    scales = np.geomspace(*_BATCH_SCALES, BATCHES)[random.permutation(BATCHES)]
    losses = scales[:, None] * random.normal(size=(_BATCH_LENGTH, BATCHES, SIZE)) / np.sqrt(SIZE)
    matrix = state.radius * orthogonal()
    hidden = np.zeros((_BATCH_LENGTH + 1, BATCHES, SIZE))
    for t in range(_BATCH_LENGTH):
        hidden[t + 1] = np.tanh(hidden[t] @ matrix.T + inputs[t])
    total, flowing = np.zeros((BATCHES, SIZE, SIZE)), np.zeros((BATCHES, SIZE))
    for t in range(_BATCH_LENGTH, 0, -1):
        by_sum = (losses[t - 1] + flowing) * (1.0 - hidden[t] ** 2)
        total += np.einsum("bi,bj->bij", by_sum, hidden[t - 1])
        flowing = by_sum @ matrix
    norms: Float = np.linalg.norm(total, axis=(1, 2))
    return Clipping(norms, np.minimum(norms, state.clip))


def lstm_weights() -> tuple[Float, Float]:
    """The LSTM's input and recurrent weights, (4H, H) each, in the order input, forget, candidate, output."""
    random = np.random.default_rng(_SEED + 2)
    limit = 1.0 / np.sqrt(SIZE)
    return random.uniform(-limit, limit, (4 * SIZE, SIZE)), random.uniform(-limit, limit, (4 * SIZE, SIZE))


def orthogonal() -> Float:
    """(H, H): Q, the RNN's recurrent matrix at the spectral radius 1."""
    return np.asarray(np.linalg.qr(np.random.default_rng(_SEED).normal(size=(SIZE, SIZE)))[0])


def rnn_inputs() -> Float:
    """(T, H): x(t), added to the sums of the RNN."""
    return _INPUT_SCALE * np.random.default_rng(_SEED + 3).normal(size=(_LENGTH, SIZE))


def lstm_inputs() -> Float:
    """(T, H): the input vectors of the LSTM."""
    return np.random.default_rng(_SEED + 4).normal(size=(_LENGTH, SIZE))


def first_gradients() -> Float:
    """(ends, H): random directions of norm 1."""
    directions = np.random.default_rng(_SEED + 5).normal(size=(len(ENDS), SIZE))
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def _geometric_mean(norms: list[list[float]]) -> Float:
    return np.asarray(np.exp(np.log(np.maximum(norms, 1e-300)).mean(axis=0)))


def _sigmoid(values: Float) -> Float:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))
