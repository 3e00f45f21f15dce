"""Chapter unroll: backpropagation through time as a sum of terms, and the terms that truncation cuts.

The network of the chapter hello reads "hellohell" and predicts "ellohello". Its recurrent matrix is used once
between each pair of neighboring letters; the gradient of a weight is the sum over losses t and uses k ≤ t:

    dL/dW_hh[i, j] = Σ_t Σ_k  (∂L(t)/∂z(k))[i] · h(k−1)[j]          z(k) = W_xh x(k) + W_hh h(k−1)

Truncated backpropagation with length K splits the text into parts of K letters. A term is kept if its loss
and its use are in the same part; the hidden state is carried from part to part, but no gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rnnscope.learn import hello
from rnnscope.learn.hello import Float, Network

TEXT = "hellohello"
INPUTS = tuple(hello.LETTERS.index(letter) for letter in TEXT[:-1])
TARGETS = tuple(hello.LETTERS.index(letter) for letter in TEXT[1:])
LENGTH = len(INPUTS)
"""T, the number of letters that are read."""


@dataclass(frozen=True, eq=False)
class State:
    """A network, the weight of W_hh whose gradient is shown, and the truncation length."""

    network: Network = field(default_factory=hello.start)
    row: int = 0
    column: int = 2
    truncation: int = LENGTH


@dataclass(frozen=True, eq=False)
class Gradient:
    """The terms of a gradient, and which of them truncation keeps."""

    terms: Float
    """(T, T): term of the loss at t through the use of W_hh at k; 0 for k > t, and for the first letter."""
    kept: NDArray[np.bool_]
    """(T, T), False where a term is cut and where there is none."""
    cosine: float
    """Of the angle between the truncated and the whole gradient of W_hh; 1 is the same direction."""

    @property
    def whole(self) -> float:
        return float(self.terms.sum())

    @property
    def truncated(self) -> float:
        return float(self.terms[self.kept].sum())

    @property
    def cut(self) -> int:
        """How many terms are cut."""
        return LENGTH * (LENGTH - 1) // 2 - int(self.kept.sum())


def gradient(state: State) -> Gradient:
    """The terms of the chosen weight's gradient."""
    run = hello.forward(state.network, INPUTS, TARGETS)
    before = np.vstack([np.zeros(3), run.hidden[:-1]])
    by_sum = _by_sum(state.network, run)
    terms = by_sum[:, :, state.row] * before[None, :, state.column]
    kept = kept_terms(state.truncation)
    whole = np.einsum("tki,kj->ij", by_sum, before)
    truncated = np.einsum("tki,kj->ij", by_sum * kept[:, :, None], before)
    norms = float(np.linalg.norm(whole) * np.linalg.norm(truncated))
    return Gradient(terms, kept, float((whole * truncated).sum()) / norms if norms else 0.0)


def kept_terms(truncation: int) -> NDArray[np.bool_]:
    """(T, T): whether the term of loss t and use k is kept; the first letter has none."""
    part = np.arange(LENGTH) // truncation
    return np.asarray(np.tril(part[:, None] == part[None, :]) & (np.arange(LENGTH) > 0))


def truncate(state: State, by: int) -> State:
    """Change the truncation length, within 1 and the length of the text."""
    return replace(state, truncation=min(max(state.truncation + by, 1), LENGTH))


def nudge(state: State, by: float) -> State:
    """Change the chosen weight."""
    weight = hello.Weight("W_hh", state.row, state.column)
    return replace(state, network=hello.nudge(state.network, weight, by))


def step(state: State) -> State:
    """One step of gradient descent on the four letters of "hell", as in the chapter hello."""
    return replace(state, network=hello.step(state.network))


def _by_sum(network: Network, run: hello.Forward) -> Float:
    """(T, T, 3): the gradient of the loss at t with respect to z(k)."""
    found = np.zeros((LENGTH, LENGTH, 3))
    for t, target in enumerate(TARGETS):
        by_logits = run.probabilities[t].copy()
        by_logits[target] -= 1.0
        by_hidden = network.W_hy.T @ by_logits
        for k in range(t, -1, -1):
            found[t, k] = by_hidden * (1.0 - run.hidden[k] ** 2)
            by_hidden = network.W_hh.T @ found[t, k]
    return found
