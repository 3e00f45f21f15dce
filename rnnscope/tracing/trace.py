"""A trace: every recorded quantity of every unit along a text, with the network's predictions.

Traces are plain NumPy, so that screens and notebooks can use them without torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.files import write_atomically
from rnnscope.network.architecture import GATES, QUANTITIES, UNBOUNDED, Architecture
from rnnscope.text.display import counted

Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """The activations of a network along T characters. A notebook displays the text colored by surprise.

    symbols: V strings, the character of each id (for a byte vocabulary: one string per byte).
    ids: (T,) int32, the characters read.
    log_probabilities: (T, V) float32, natural logarithms; row t is the prediction of character t+1.
    activations: "LAYER/QUANTITY" -> (T, H) float32, layers counted from 1; gates are within 0..1, candidate
        and hidden within −1..1, cell and factor without bounds.

    Example::

        >>> import rnnscope
        >>> trace = rnnscope.load("archive-gru").trace("one, two")
        >>> trace
        <trace of 8 characters, GRU 1×256: 1/reset, 1/update, 1/candidate, 1/hidden>
        >>> trace["1/update"].shape, trace.surprise_bits.shape
        ((8, 256), (7,))
        >>> trace.since(5).text
        'two'
    """

    architecture: Architecture
    symbols: tuple[str, ...]
    ids: NDArray[np.int32]
    log_probabilities: Float
    activations: Mapping[str, Float]
    step: int = 0
    """The training step of the weights; 0 outside training."""
    written: str | None = None
    """The T original characters if some are missing from the vocabulary, so that `ids` has substitutes."""

    def __getitem__(self, key: str) -> Float:
        """(T, H) float32, the values of `LAYER/QUANTITY` such as `trace["1/cell"]`. Raises KeyError."""
        if key not in self.activations:
            raise KeyError(f"{key}; use one of {', '.join(self.activations)}")
        return self.activations[key]

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def __repr__(self) -> str:
        title = self.architecture.title
        return f"<trace of {counted(len(self), 'character')}, {title}: {', '.join(self.activations)}>"

    def _repr_html_(self) -> str:
        # `rnnscope.export` depends on traces; imported by name, the dependency stays one-way.
        html: str = importlib.import_module("rnnscope.export.colored").trace_html(self)
        return html

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """The T characters of the text."""
        if self.written is not None:
            return tuple(self.written)
        return tuple(self.symbols[i] for i in self.ids.tolist())

    @cached_property
    def drawn(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """The symbols of the characters as written, and (T,) int32, the index of each character's symbol."""
        if self.written is None:
            return self.symbols, self.ids
        place = {symbol: i for i, symbol in enumerate(self.symbols)}
        ids = np.array([place.setdefault(each, len(place)) for each in self.written], np.int32)
        return tuple(place), ids

    @cached_property
    def text(self) -> str:
        """The text."""
        return "".join(self.characters)

    def until(self, stop: int) -> Trace:
        """The trace of the first `stop` characters, without copying."""
        return replace(
            self,
            ids=self.ids[:stop],
            log_probabilities=self.log_probabilities[:stop],
            activations={name: values[:stop] for name, values in self.activations.items()},
            written=None if self.written is None else self.written[:stop],
        )

    def since(self, start: int) -> Trace:
        """The trace of the characters from `start` on, without copying."""
        return replace(
            self,
            ids=self.ids[start:],
            log_probabilities=self.log_probabilities[start:],
            activations={name: values[start:] for name, values in self.activations.items()},
            written=None if self.written is None else self.written[start:],
        )

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of the recorded quantities, in display order."""
        return QUANTITIES[self.architecture.cell]

    def shown(self, layer: int, quantity: str, units: int | slice = slice(None)) -> Float:
        """(T, H) float32 values as displayed: gates within 0..1, all others within −1..1.

        `cell` and `factor` pass through the network's activation, tanh or softsign. For one unit the shape is
        (T,).
        """
        return as_shown(self.activations[f"{layer}/{quantity}"][:, units], quantity, self.architecture)

    @cached_property
    def surprise_bits(self) -> Float:
        """(T−1,) float32, the surprisal of each character after the first: −log2 of its probability."""
        rows = np.arange(len(self) - 1)
        nats = np.abs(self.log_probabilities[rows, self.ids[1:]])  # avoids −0.0 for a probability of 1
        return (nats / np.float32(np.log(2.0))).astype(np.float32, copy=False)

    def save(self, path: Path) -> None:
        """Write a .npz with `text`, `ids`, `log_probabilities` and an array per quantity. Raises OSError."""
        arrays: dict[str, Any] = dict(self.activations)
        write_atomically(
            path,
            lambda file: np.savez_compressed(
                file,
                text=np.array(self.text),
                ids=self.ids,
                log_probabilities=self.log_probabilities,
                **arrays,
            ),
        )


def as_shown(values: Float, quantity: str, architecture: Architecture) -> Float:
    """Values of a quantity as displayed: `cell` and `factor` through the network's activation."""
    if quantity not in UNBOUNDED:
        return values
    if architecture.activation == "softsign":
        squashed: Float = values / (1 + np.abs(values))
        return squashed
    return np.tanh(values)


def is_gate(quantity: str) -> bool:
    """Return True for gates, with values within 0..1."""
    return quantity in GATES
