"""Sampling from a model, one character at a time.

Calling a fused kernel for a single character costs many times its arithmetic. Here a layer is one product of
its recurrent matrix with a vector, one of its input matrix, and a few vector operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import OptionError, RnnscopeError
from rnnscope.network.cells.step import Matrix, Stepper
from rnnscope.network.model import CharRNN
from rnnscope.text.documents import Continued

Float = NDArray[np.float32]


class Sampler:
    """Samples from a copy of a model's weights; training the model does not change it.

    Where the model's document separator matches what was read or written, the state is reset, as in
    training.
    """

    def __init__(self, model: CharRNN) -> None:
        weights = {name: tensor.detach().float().cpu().numpy() for name, tensor in model.tensors().items()}
        architecture = model.architecture
        self._unknown = model.vocabulary.unknown
        self._embedding = weights["embedding.weight"].copy() if architecture.embedding_size else None
        self._layers = [
            Stepper(
                architecture.cell,
                _of_layer(weights, number),
                tuple(part[0].detach().float().cpu().numpy() for part in beginning),
                one_hot=number == 1 and self._embedding is None,
                activation=architecture.activation,
            )
            for number, beginning in enumerate(model.initial_state(1), start=1)
        ]
        separator = model.document_separator
        self._documents = None if separator is None else Continued(separator)
        self._symbols = model.vocabulary.symbols
        self._readout = Matrix(weights["readout.weight"])
        self._readout_bias = weights["readout.bias"].copy()

    def reset(self) -> None:
        """Reset to the initial state."""
        if self._documents is not None:
            self._documents.clear()
        self._reset_state()

    def _reset_state(self) -> None:
        for layer in self._layers:
            layer.reset()

    def feed(self, ids: Iterable[int]) -> None:
        """Read characters."""
        with np.errstate(over="ignore", invalid="ignore"):  # from huge weights; see stream
            for i in ids:
                if self._documents is not None and self._documents.begins_with(self._symbols[i]):
                    self._reset_state()
                x: int | Float = int(i) if self._embedding is None else self._embedding[i]
                for layer in self._layers:
                    x = layer.step(x)

    @property
    def log_probabilities(self) -> Float:
        """(V,) natural logarithms of the next character's probabilities, also before the first character."""
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self._readout @ self._layers[-1].hidden + self._readout_bias
            logits -= logits.max()
            result: Float = logits - np.log(np.exp(logits).sum())
        return result

    def stream(
        self,
        length: int | None,
        *,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[tuple[int, float]]:
        """Sample `length` characters, or without end: the id of each and its probability before temperature.

        temperature: divides the logits; 0 is greedy.
        top_k: sample from the k most probable characters; 0 from all.
        top_p: nucleus sampling, from the smallest set with this total probability.
        The unknown symbol is never sampled. Raises OptionError; RnnscopeError where weights have diverged.
        """
        if not 0.0 <= temperature < np.inf:
            raise OptionError(f"temperature {temperature} is not zero or a positive number")
        if top_k < 0:
            raise OptionError(f"top-k {top_k} is negative; 0 chooses among all")
        if not 0.0 < top_p <= 1.0:
            raise OptionError(f"top-p {top_p} is not a probability above 0")
        return self._write(length, temperature, top_k, top_p, np.random.default_rng(seed))

    def _write(
        self, length: int | None, temperature: float, top_k: int, top_p: float, random: np.random.Generator
    ) -> Iterator[tuple[int, float]]:
        written = 0
        while length is None or written < length:
            expected = self.log_probabilities
            if np.isnan(expected).any():
                raise RnnscopeError("the model outputs NaN: its weights have diverged")
            chances = expected.astype(np.float64)
            if self._unknown is not None:
                chances[self._unknown] = -np.inf
            chosen = choose(chances, temperature, top_k, top_p, random)
            self.feed((chosen,))
            written += 1
            yield chosen, float(np.exp(expected[chosen]))


def choose(
    log_probabilities: NDArray[np.float64],
    temperature: float,
    top_k: int,
    top_p: float,
    random: np.random.Generator,
) -> int:
    """Draw an id; `top_k` and `top_p` look at the probabilities after temperature."""
    if temperature == 0.0:
        return int(np.argmax(log_probabilities))
    with np.errstate(over="ignore"):  # a tiny temperature gives −infinity, and a weight of 0
        weights = np.exp((log_probabilities - log_probabilities.max()) / temperature)
    if 0 < top_k < len(weights):
        weights[np.argpartition(weights, -top_k)[:-top_k]] = 0.0
    if top_p < 1.0:
        order = np.argsort(-weights, kind="stable")
        before = np.cumsum(weights[order]) - weights[order]
        weights[order[before >= top_p * weights.sum()]] = 0.0  # the most probable has nothing before it
    reached = np.cumsum(weights)
    drawn = np.searchsorted(reached, random.random() * reached[-1], side="right")
    return int(min(drawn, np.flatnonzero(weights)[-1]))


def _of_layer(weights: dict[str, Float], layer: int) -> dict[str, Float]:
    prefix = f"layers.{layer}."
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
