"""A trace: every recorded quantity of every unit along a text, with what the network expected next.

It is plain NumPy, so that a screen or a notebook can hold one without torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.files import write_atomically
from rnnscope.network.architecture import GATES, QUANTITIES, UNBOUNDED, Architecture

Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trace:
    """Values of a network along T characters.

    symbols: V strings, what each id stands for (of a byte vocabulary: one string a byte).
    ids: (T,) int32, the characters read.
    log_probabilities: (T, V) float32, natural logarithms; row t is the prediction of character t+1.
    activations: "LAYER/QUANTITY" -> (T, H) float32, layers counted from 1; gates 0..1, candidate and hidden
        −1..1, cell the raw state c (shown as tanh c).
    """

    architecture: Architecture
    symbols: tuple[str, ...]
    ids: NDArray[np.int32]
    log_probabilities: Float
    activations: Mapping[str, Float]
    step: int = 0
    """The training step whose weights these are; 0 where there is no training."""
    written: str | None = None
    """The T characters of the text, where the vocabulary lacks some and the network read stand-ins."""

    def __getitem__(self, key: str) -> Float:
        """The (T, H) values of `LAYER/QUANTITY`, such as `trace["1/cell"]`. Raises KeyError."""
        if key not in self.activations:
            raise KeyError(f"{key}: there are {', '.join(self.activations)}")
        return self.activations[key]

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """The T symbols read, or what stands in the text where they stand in for it."""
        if self.written is not None:
            return tuple(self.written)
        return tuple(self.symbols[i] for i in self.ids.tolist())

    @cached_property
    def drawn(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Symbols, and (T,) int32 which of them to draw: what was read, or what it stands in for."""
        if self.written is None:
            return self.symbols, self.ids
        place = {symbol: i for i, symbol in enumerate(self.symbols)}
        ids = np.array([place.setdefault(each, len(place)) for each in self.written], np.int32)
        return tuple(place), ids

    @cached_property
    def text(self) -> str:
        """The text read."""
        return "".join(self.characters)

    def until(self, stop: int) -> Trace:
        """The trace of the first `stop` characters; nothing is copied."""
        return replace(
            self,
            ids=self.ids[:stop],
            log_probabilities=self.log_probabilities[:stop],
            activations={name: values[:stop] for name, values in self.activations.items()},
            written=None if self.written is None else self.written[:stop],
        )

    def since(self, start: int) -> Trace:
        """The trace of the characters from `start` on; nothing is copied."""
        return replace(
            self,
            ids=self.ids[start:],
            log_probabilities=self.log_probabilities[start:],
            activations={name: values[start:] for name, values in self.activations.items()},
            written=None if self.written is None else self.written[start:],
        )

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of what is recorded of each unit, in display order."""
        return QUANTITIES[self.architecture.cell]

    def shown(self, layer: int, quantity: str, units: int | slice = slice(None)) -> Float:
        """(T, H) float32 values as they are colored: gates within 0..1, all others within −1..1.

        `cell` and `factor` pass through the network's activation, tanh or softsign. For one unit the shape is
        (T,).
        """
        values = self.activations[f"{layer}/{quantity}"][:, units]
        if quantity not in UNBOUNDED:
            return values
        if self.architecture.activation == "softsign":
            squashed: Float = values / (1 + np.abs(values))
            return squashed
        return np.tanh(values)

    @cached_property
    def surprise_bits(self) -> Float:
        """(T−1,) float32: −log2 of the probability given to each character after the first."""
        rows = np.arange(len(self) - 1)
        return -self.log_probabilities[rows, self.ids[1:]] / np.float32(np.log(2.0))

    def save(self, path: Path) -> None:
        """Write a `.npz` with `text`, `ids`, `log_probabilities` and one array a quantity. Raises OSError."""
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


def is_gate(quantity: str) -> bool:
    """Whether the quantity runs 0..1 rather than −1..1."""
    return quantity in GATES
