"""One character through one layer, in NumPy: the cells' equations once more, for writing.

Every stepper holds its own copy of the weights and its own state, so that the network may go on learning.
NumPy's product of a matrix and a vector is as fast as torch's and is called in half the time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import Activation, CellName

Float = NDArray[np.float32]
Weights = Mapping[str, Float]
"""The tensors of one layer under their names in a model file, without the `layers.N.` before them."""


class Stepper(ABC):
    """A layer that reads one vector, or one character's id, at a time."""

    def __init__(self, weights: Weights, one_hot: bool, activation: Activation) -> None:
        self._squash_ = _tanh_ if activation == "tanh" else _softsign_
        self._input = _Input(weights["weight_ih"], self._bias(weights), one_hot)
        self._recurrent = Matrix(weights["weight_hh"])
        rows, size = weights["weight_hh"].shape
        self._gates = np.empty(rows, np.float32)
        self.blocks = self._gates.reshape(-1, size)
        self.hidden = np.zeros(size, np.float32)
        self.cell = np.zeros(size, np.float32)

    def reset(self) -> None:
        """Forget all that was read."""
        self.hidden[:] = 0
        self.cell[:] = 0

    @abstractmethod
    def step(self, x: int | Float) -> Float:
        """Read an id or a vector. Returns h (H,), which the next step overwrites."""

    def _bias(self, weights: Weights) -> Float:
        """What is added to W x."""
        return weights["bias_ih"] + weights["bias_hh"]

    def _multiply(self, x: int | Float, recalled: Float) -> None:
        """Fill the blocks with W x + b + U h'."""
        self._recurrent.multiply(recalled, self._gates)
        self._gates += self._input(x)

    def _remember(self, forget: Float, written: Float, output: Float) -> Float:
        """c = f ∘ c' + written, h = o ∘ φ(c); `output` is the gate before σ."""
        self.cell *= forget
        self.cell += written
        np.multiply(_sigmoid_(output), self._squash_(self.cell.copy()), out=self.hidden)
        return self.hidden


class _Input:
    """W x + b, where a one-hot x picks a column."""

    def __init__(self, weight: Float, bias: Float, one_hot: bool) -> None:
        self._weight = weight.T + bias if one_hot else Matrix(weight)
        self._bias = bias

    def __call__(self, x: int | Float) -> Float:
        """W x + b, to be read only."""
        if isinstance(self._weight, Matrix):
            assert not isinstance(x, int), "a matrix multiplies vectors"
            return self._weight @ x + self._bias
        column: Float = self._weight[x]
        return column


class Matrix:
    """A copy of a matrix that multiplies vectors without waking the other threads of NumPy's linear algebra.

    OpenBLAS shares larger products among threads that wait for each other by spinning; on a machine that is
    busy training, that takes 100 times as long. Products of a few hundred rows it leaves to one thread.
    """

    _ELEMENTS = 1 << 18

    def __init__(self, matrix: Float) -> None:
        rows, columns = matrix.shape
        height = max(1, self._ELEMENTS // columns)
        self._rows = rows
        self._parts = [
            (slice(at, at + height), matrix[at : at + height].copy()) for at in range(0, rows, height)
        ]

    def multiply(self, vector: Float, out: Float) -> None:
        """out = the product."""
        for rows, part in self._parts:
            np.dot(part, vector, out=out[rows])

    def __matmul__(self, vector: Float) -> Float:
        out = np.empty(self._rows, np.float32)
        self.multiply(vector, out)
        return out


class _RNN(Stepper):
    def step(self, x: int | Float) -> Float:
        self._multiply(x, self.hidden)
        return np.tanh(self._gates, out=self.hidden)


class _GRU(Stepper):
    def __init__(self, weights: Weights, one_hot: bool, activation: Activation) -> None:
        super().__init__(weights, one_hot, activation)
        self._recurrent_bias = weights["bias_hh"].copy()

    def _bias(self, weights: Weights) -> Float:
        return weights["bias_ih"].copy()  # the other goes with U h', which the reset gate multiplies

    def step(self, x: int | Float) -> Float:
        self._recurrent.multiply(self.hidden, self._gates)
        self._gates += self._recurrent_bias
        of_input = self._input(x).reshape(self.blocks.shape)
        reset, update = _sigmoid_(self.blocks[:2] + of_input[:2])
        candidate = _tanh_(of_input[2] + reset * self.blocks[2])
        self.hidden -= candidate
        self.hidden *= update
        self.hidden += candidate  # (1 − z) ∘ g + z ∘ h'
        return self.hidden


class _LSTM(Stepper):
    def step(self, x: int | Float) -> Float:
        self._multiply(x, self.hidden)
        input_gate, forget = _sigmoid_(self.blocks[:2])
        return self._remember(forget, input_gate * self._squash_(self.blocks[2]), self.blocks[3])


class _Peephole(Stepper):
    def __init__(self, weights: Weights, one_hot: bool, activation: Activation) -> None:
        super().__init__(weights, one_hot, activation)
        self._peephole = weights["peephole"].copy()

    def step(self, x: int | Float) -> Float:
        self._multiply(x, self.hidden)
        input_gate, forget = _sigmoid_(self.blocks[:2] + self._peephole[:2] * self.cell)
        written = input_gate * self._squash_(self.blocks[2])
        new_cell = forget * self.cell + written
        return self._remember(forget, written, self.blocks[3] + self._peephole[2] * new_cell)


class _Coupled(Stepper):
    def step(self, x: int | Float) -> Float:
        self._multiply(x, self.hidden)
        input_gate = _sigmoid_(self.blocks[0])
        return self._remember(1 - input_gate, input_gate * self._squash_(self.blocks[1]), self.blocks[2])


class _Multiplicative(_LSTM):
    def __init__(self, weights: Weights, one_hot: bool, activation: Activation) -> None:
        super().__init__(weights, one_hot, activation)
        size = len(self.hidden)
        self._factor_input = _Input(weights["weight_mx"], np.zeros(size, np.float32), one_hot)
        self._recalling = Matrix(weights["weight_mh"])

    def _multiply(self, x: int | Float, recalled: Float) -> None:
        super()._multiply(x, self._factor_input(x) * (self._recalling @ recalled))


_STEPPERS: dict[CellName, type[Stepper]] = {
    "rnn": _RNN,
    "lstm": _LSTM,
    "gru": _GRU,
    "peephole": _Peephole,
    "coupled": _Coupled,
    "multiplicative": _Multiplicative,
}


def make_stepper(cell: CellName, weights: Weights, *, one_hot: bool, activation: Activation) -> Stepper:
    """A stepper of the named cell. `one_hot`: it reads ids, not vectors."""
    return _STEPPERS[cell](weights, one_hot, activation)


def _sigmoid_(x: Float) -> Float:
    """σ in place, by tanh, which cannot overflow: σ(x) = (1 + tanh(x/2)) / 2."""
    x *= 0.5
    np.tanh(x, out=x)
    x += 1
    x *= 0.5
    return x


def _tanh_(x: Float) -> Float:
    return np.tanh(x, out=x)


def _softsign_(x: Float) -> Float:
    x /= np.abs(x) + 1
    return x
