"""One character through one layer, in NumPy: a cell's equations on single vectors, for sampling.

A stepper has a copy of the weights and its own state, so that the network may be trained further. NumPy's
product of a matrix and a vector is as fast as PyTorch's and is called in half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.cells import CELLS, Activation, CellName
from rnnscope.network.cells.equations import Equations, Frame

Float = NDArray[np.float32]


class Stepper:
    """A layer that reads one vector, or one character's id, at a time."""

    def __init__(
        self,
        cell: CellName,
        weights: Mapping[str, Float],
        beginning: tuple[Float, ...],
        *,
        one_hot: bool,
        activation: Activation,
    ) -> None:
        """weights: the layer's tensors without the prefix `layers.N.`; beginning: its first state, (H,) each.

        one_hot: it reads ids, not vectors.
        """
        self._cell = CELLS[cell]
        projections = [
            _Projection(weights[name], [weights[bias] for bias in biases], one_hot)
            for name, biases in self._cell.projections.items()
        ]
        self._weights: dict[str, Any] = {
            name: Matrix(weights[name]) if name.startswith("weight") else weights[name].copy()
            for name in self._cell.recurrent
        }
        self._arithmetic = _NumpyArithmetic(_tanh if activation == "tanh" else _softsign)
        self._beginning = beginning
        self._frame, self._next = _frames(self._cell, [each.rows for each in projections], len(beginning[0]))
        self._projections = list(zip(projections, (self._frame.gates, *self._frame.inputs), strict=True))
        self.reset()

    @property
    def hidden(self) -> Float:
        """h (H,) after the last step, which the step after the next overwrites."""
        hidden: Float = self._frame.hidden
        return hidden

    def reset(self) -> None:
        """Return to the first state."""
        for part, value in zip((self._frame.hidden, self._frame.cell), self._beginning, strict=False):
            part[:] = value

    def step(self, x: int | Float) -> Float:
        """Read an id or a vector. Returns `hidden`."""
        t = self._next
        for projection, out in self._projections:
            projection.into(x, out)
        self._cell.recall(t, self._weights, self._arithmetic)
        self._cell.activate(t, self._weights, self._arithmetic)
        self._cell.update(t, self._weights, self._arithmetic)
        self._frame, self._next = t, self._frame
        hidden: Float = t.hidden
        return hidden


def _frames(cell: Equations, rows: list[int], size: int) -> tuple[Frame, Frame]:
    """Two frames that take turns: the state that one writes is the state that the other starts from."""
    gates, *inputs = (np.empty(n, np.float32) for n in rows)
    parts = cell.split(gates.reshape(-1, size))
    saved = tuple(np.empty(size, np.float32) for _ in cell.saved)
    hidden, memory = np.empty((2, size), np.float32), np.empty((2, size), np.float32)
    first, second = (
        Frame(gates, parts, hidden[old], memory[old], hidden[new], memory[new], tuple(inputs), saved)
        for old, new in ((0, 1), (1, 0))
    )
    return first, second


class _Projection:
    """W x + b, where a one-hot x selects a column."""

    def __init__(self, weight: Float, biases: list[Float], one_hot: bool) -> None:
        self.rows = len(weight)
        self._bias = np.sum(biases, axis=0) if biases else np.zeros(self.rows, np.float32)
        self._columns = weight.T + self._bias if one_hot else None
        self._matrix = None if one_hot else Matrix(weight)

    def into(self, x: int | Float, out: Float) -> None:
        if self._matrix is None:
            assert self._columns is not None
            out[:] = self._columns[x]
        else:
            assert not isinstance(x, int), "a matrix multiplies vectors"
            np.add(self._matrix @ x, self._bias, out=out)


class Matrix:
    """A copy of a matrix that multiplies vectors without waking the other threads of NumPy's linear algebra.

    OpenBLAS divides larger products among threads that wait for each other by spinning; on a machine that is
    busy training, that takes 100 times as long. Products of a few hundred rows it computes on one thread.
    """

    _ELEMENTS = 1 << 18

    def __init__(self, matrix: Float) -> None:
        rows, columns = matrix.shape
        height = max(1, self._ELEMENTS // columns)
        self._product = np.empty(rows, np.float32)
        self._parts = [
            (matrix[at : at + height].copy(), self._product[at : at + height])
            for at in range(0, rows, height)
        ]

    def __matmul__(self, vector: Float) -> Float:
        """The product, which the next one overwrites."""
        for part, out in self._parts:
            np.dot(part, vector, out=out)
        return self._product


class _NumpyArithmetic:
    """`Arithmetic` on vectors; matrices are of the class `Matrix`."""

    def __init__(self, phi: Callable[[Float, Float], None]) -> None:
        """phi(x, out)."""
        self._phi = phi

    def product(self, matrix: Matrix, x: Float) -> Float:
        return matrix @ x

    def add_product(self, base: Float, matrix: Matrix, x: Float, out: Float) -> None:
        np.add(base, matrix @ x, out=out)

    def sigmoid_(self, x: Float) -> None:
        """By tanh, which cannot overflow: σ(x) = (1 + tanh(x/2)) / 2."""
        x *= 0.5
        np.tanh(x, out=x)
        x += 1
        x *= 0.5

    def squash(self, x: Float, out: Float) -> None:
        self._phi(x, out)

    def multiply(self, a: Float, b: Float, out: Float) -> None:
        np.multiply(a, b, out=out)

    def add_multiplied_(self, base: Float, a: Float, b: Float) -> None:
        base += a * b

    def interpolate(self, a: Float, b: Float, weight: Float, out: Float) -> None:
        np.subtract(b, a, out=out)
        out *= weight
        out += a


def _tanh(x: Float, out: Float) -> None:
    np.tanh(x, out=out)


def _softsign(x: Float, out: Float) -> None:
    np.divide(x, np.abs(x) + 1, out=out)
