"""The network: characters in, a stack of recurrent cells, and logits of the next character.

ids (T, B) ──embedding or one-hot──▶ cell 1 ──dropout──▶ … cell N ──dropout──▶ read-out ──▶ logits (T, B, V)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.cells.cell import Cell, LayerState
from rnnscope.network.cells.layer import Layer, xavier_
from rnnscope.text.vocabulary import Vocabulary

State = tuple[LayerState, ...]
"""Per layer (hidden,) or (hidden, cell), each (B, H)."""
Rows = NDArray[np.bool_]
"""(T, B), or of one step (B,): the rows of a batch in which a document begins."""


class Observer(Protocol):
    """Is called for each layer and stretch of text."""

    @property
    def needs_cell_states(self) -> bool:
        """Whether `states` must have the cell states, which a fused LSTM kernel does not return."""

    def observe(self, before: LayerState, states: LayerState) -> None:
        """before: the state (B, H) before the stretch. states: (T, B, H); only hidden if that is enough."""


class CharRNN(nn.Module):
    """A character-level recurrent language model.

    Dropout acts between layers and before the read-out, in training mode only. The caller carries the
    state from one call to the next, and detaches it where gradients should stop. `document_separator` is for
    those who read a text with the model: they reset the state where a document begins.
    """

    def __init__(
        self,
        architecture: Architecture,
        vocabulary: Vocabulary,
        *,
        dropout: float = 0.0,
        forget_bias: float = 1.0,
        generator: torch.Generator | None = None,
        document_separator: str | None = None,
    ) -> None:
        """Draw new weights.

        document_separator: the regular expression after whose matches documents begin, which the model reads
        from a zero state. Raises OptionError where the architecture contradicts itself.
        """
        super().__init__()
        check(architecture, vocabulary, dropout)
        self.architecture = architecture
        self.vocabulary = vocabulary
        self.document_separator = document_separator
        size, symbols = architecture.hidden_size, architecture.vocabulary_size
        with torch.random.fork_rng(devices=[]):  # torch's modules also draw weights, which are not used
            self.embedding = (
                nn.Embedding(symbols, architecture.embedding_size) if architecture.embedding_size else None
            )
            layers = [
                Layer(
                    architecture.cell,
                    size if number else architecture.input_size,
                    size,
                    architecture.activation,
                )
                for number in range(architecture.layers)
            ]
            self.cells = nn.ModuleList(layers)
            self.readout = nn.Linear(size, symbols)
        self.dropout = nn.Dropout(dropout)
        if architecture.tied:
            assert self.embedding is not None, "checked above"
            self.readout.weight = self.embedding.weight
        with torch.no_grad():
            if self.embedding is not None:
                self.embedding.weight.normal_(generator=generator)
            for layer in layers:
                layer.reset(forget_bias, generator)
            xavier_(self.readout.weight, generator)  # for a tied network this draws the embedding again
            self.readout.bias.zero_()

    @property
    def layers(self) -> tuple[Cell, ...]:
        """The cells, the first layer first."""
        return tuple(cell for cell in self.cells if isinstance(cell, Cell))

    @property
    def parameter_count(self) -> int:
        """The number of parameters; tied weights count once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        return self.readout.weight.device

    def tensors(self) -> dict[str, Tensor]:
        """The parameters under their names in a model file; of a tied network one of them appears twice."""
        named: dict[str, Tensor] = {}
        if self.embedding is not None:
            named["embedding.weight"] = self.embedding.weight
        for number, cell in enumerate(self.layers, start=1):
            named |= {f"layers.{number}.{name}": tensor for name, tensor in cell.tensors().items()}
        return named | {"readout.weight": self.readout.weight, "readout.bias": self.readout.bias}

    def initial_state(self, batch_size: int) -> State:
        """The zero state."""
        return tuple(cell.initial_state(batch_size) for cell in self.layers)

    def embed(self, ids: Tensor) -> Tensor:
        """The input of the first layer: vectors (T, B, E), or the ids for one-hot input."""
        return ids if self.embedding is None else functional.embedding(ids, self.embedding.weight)

    def forward(
        self,
        ids: Tensor,
        state: State | None = None,
        begins: Rows | None = None,
        observer: Observer | None = None,
    ) -> tuple[Tensor, State]:
        """Logits (T, B, V) for the character after each of `ids` (T, B) int64, and the last state.

        begins: (T, B), where a document begins, which is read from a zero state. observer: gets the states
        of all steps.
        """
        if state is None:
            state = self.initial_state(ids.shape[1])
        if begins is None or not begins.any():
            return self._run(ids, state, observer)
        logits = []
        for start, stop, rows in stretches(begins):
            values, state = self._run(ids[start:stop], reset(state, rows), observer)
            logits.append(values)
        return torch.cat(logits), state

    def _run(self, ids: Tensor, state: State, observer: Observer | None) -> tuple[Tensor, State]:
        values, last = self.embed(ids), []
        for cell, before in zip(self.layers, state, strict=True):
            if observer is not None and observer.needs_cell_states:
                states = cell.states(values, before)
                after = tuple(part[-1] for part in states)
            else:
                hidden, after = cell(values, before)
                states = (hidden,)
            if observer is not None:
                observer.observe(before, states)
            values = self.dropout(states[0])
            last.append(after)
        return self.readout(values), tuple(last)


def stretches(begins: Rows) -> Iterator[tuple[int, int, Rows]]:
    """Cut T steps where a document begins in any row of `begins` (T, B).

    Yields the steps start .. stop−1, and (B,) the rows in which a document begins at the first of them.
    """
    resets = np.flatnonzero(begins.any(axis=1))
    for start, stop in pairwise(np.unique([0, *resets, len(begins)]).tolist()):
        yield start, stop, begins[start]


def reset(state: State, rows: Rows) -> State:
    """The state, parts (B, H), with zeros in the rows (B,) in which a document begins."""
    if not rows.any():
        return state
    at = torch.from_numpy(rows[:, None]).to(state[0][0].device)
    return tuple(tuple(part.masked_fill(at, 0.0) for part in layer) for layer in state)


def check(architecture: Architecture, vocabulary: Vocabulary, dropout: float = 0.0) -> None:
    """Raise OptionError for an invalid architecture, vocabulary or dropout."""
    size, embedding = architecture.hidden_size, architecture.embedding_size
    if len(vocabulary) != architecture.vocabulary_size or not len(vocabulary):
        raise OptionError(
            f"a network for {architecture.vocabulary_size} symbols has a vocabulary of {len(vocabulary)}"
        )
    if size < 1 or architecture.layers < 1:
        raise OptionError(f"a network needs at least one layer of one unit, not {architecture.layers}×{size}")
    if embedding < 0:
        raise OptionError(f"the embedding size is {embedding}; 0 is one-hot input, or give a positive number")
    if architecture.tied and embedding != size:
        raise OptionError(
            f"a tied read-out needs an embedding as wide as the hidden layer: {embedding} is not {size}"
        )
    if not 0.0 <= dropout < 1.0:
        raise OptionError(f"dropout is a probability from 0 up to, not including, 1; {dropout} is not")
