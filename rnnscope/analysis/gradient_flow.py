"""Gradient flow: the gradient of a loss with respect to the states of earlier steps, in two networks.

    ‖∂ loss_T / ∂ h_t‖₂ and ‖∂ loss_T / ∂ c_t‖₂ of every layer against T − t

loss_T is −ln p of the character after step T. The derivatives are total: h_t is an input of the next layer
and of the next step; c_t, which only LSTMs have, acts through h_t and is an input of the next step. In a
plain RNN the gradient vanishes (Hochreiter 1991; Bengio, Simard & Frasconi 1994); an LSTM preserves it in c.

The mean is over losses at equal distances along the whole text. Each starts from the state of the
network after all of the text before it. A model that was trained on separate documents is reset where one
begins, and no gradient passes that place: this counts as zero, in the other network too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.other_model import open_other, reader_of, unknown_share
from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import RnnscopeError, TextError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.documents import begins_at

if TYPE_CHECKING:
    from torch import Tensor

    from rnnscope.network.architecture import Architecture, CellName
    from rnnscope.network.model import CharRNN, State
    from rnnscope.tracing.reader import TextReader

Double = NDArray[np.float64]

_SHORTEST = 20
"""The minimum length of the text, in characters."""
_AT_ONCE = 32
"""The number of losses computed together."""
_COMPARED = 20_000
"""The number of characters that are looked up in the vocabulary of the other model."""
_KNOWN = 0.99
"""A sample model is chosen only if its vocabulary covers this share of the text."""


@dataclass(frozen=True, eq=False)
class Norms:
    """Norms of gradients over many losses, each (layers, D + 1) float64 for T − t = 0, 1, … D.

    mean, error: the mean, and its standard error. rms: the root mean square, far above the mean if a few
    losses reach back much further than the others.
    """

    mean: Double
    error: Double
    rms: Double


@dataclass(frozen=True, eq=False)
class Flow:
    """The gradients in one network.

    title: such as `LSTM 1×256`. name: of the model; empty for the session's own. losses: how many.
    hidden: of ‖∂ loss_T / ∂ h_t‖₂. cell: of ‖∂ loss_T / ∂ c_t‖₂; None if the network has no c.
    """

    title: str
    name: str
    losses: int
    hidden: Norms
    cell: Norms | None


@dataclass(frozen=True, eq=False)
class GradientFlowResult(Result):
    """Norms of the gradients of a loss with respect to earlier states.

    distance: D, the farthest step back. own: the session's network. other: the one it is compared with.
    unknown_share: the share of the text's first characters that the other's vocabulary lacks, 0..1.
    """

    distance: int
    own: Flow
    other: Flow
    unknown_share: float


@dataclass(frozen=True)
class GradientFlow(Query[GradientFlowResult]):
    """Gradient flow: the gradient of a loss at earlier states.

    The states are the hidden states and, for an LSTM, the cell states; another network is compared.

    Example::

        >>> import rnnscope
        >>> text = "The ledger of the harbor, in order.\\n" * 20
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), text)
        >>> result = session.ask(rnnscope.GradientFlow(distance=20, losses=4))
        >>> result.own.cell.mean.shape, result.other.title, result.other.cell
        ((1, 21), 'RNN 1×256', None)
    """

    name = "gradient-flow"
    activity = "backpropagating"
    example = "--distance 200"

    distance: int = 100
    """The number of steps to go back, at most half of the text."""
    losses: int = 256
    """The number of losses to average over, at equal distances along the whole text."""
    other: str = ""
    """The model to compare with: a file, a run or a sample model; empty for the sample model of the other
    kind (an RNN for an LSTM), or an untrained network if no sample model fits the text."""

    def check(self, architecture: Architecture) -> None:
        check_range("distance", self.distance, 1)
        check_range("losses", self.losses, 2, 1_000_000)

    def run(self, context: Context) -> GradientFlowResult:
        model, reader = context.model, context.reader
        length = reader.length(context.progress.part(0.0, 0.1))
        if length < _SHORTEST:
            raise TextError(f"the text has {length:,} characters; gradient flow needs at least {_SHORTEST}")
        beginning = reader.read(0, _COMPARED)
        if self.other:
            found = open_other(self.other)
            other, name = found.network, found.name
        else:
            other, name = _counterpart(model, beginning)
        unknown = unknown_share(other.vocabulary, beginning, model.vocabulary.kind)
        distance = min(self.distance, length // 2 - 1)
        own_flow = flow(model, reader, distance, self.losses, context.progress.part(0.1, 0.55))
        other_reader = reader_of(context, other)
        other_flow = flow(other, other_reader, distance, self.losses, context.progress.part(0.55, 1.0), name)
        return GradientFlowResult(distance, own_flow, other_flow, unknown)


def flow(
    model: CharRNN,
    reader: TextReader,
    distance: int,
    losses: int,
    progress: Progress = NO_PROGRESS,
    name: str = "",
) -> Flow:
    """The mean norms of the gradients of `losses` losses in one network. Raises RnnscopeError, Cancelled."""
    positions = spread(reader.length(), losses, distance + 1)
    found = []
    for done, norms in _batches(model, reader, positions, distance, progress):
        found.append(norms)
        progress(done / len(positions))
    norms = np.concatenate(found, axis=3)
    if not np.isfinite(norms).all():
        raise RnnscopeError(
            f"the gradients of {model.architecture.title} are not finite: its training diverged"
        )
    hidden, *cell = map(_summarized, norms)
    return Flow(model.architecture.title, name, len(positions), hidden, cell[0] if cell else None)


def _summarized(norms: Double) -> Norms:
    """norms: (layers, D + 1, losses)."""
    error = norms.std(axis=2, ddof=1) / norms.shape[2] ** 0.5
    return Norms(norms.mean(axis=2), error, np.sqrt((norms**2).mean(axis=2)))


def spread(length: int, count: int, first: int) -> list[int]:
    """Up to `count` positions at equal distances from `first` to `length` − 1."""
    return np.unique(np.linspace(first, length - 1, count).astype(int)).tolist() if length > first else []


def _batches(
    model: CharRNN, reader: TextReader, positions: Sequence[int], distance: int, progress: Progress
) -> Iterator[tuple[int, Double]]:
    """Yields the number of processed positions, and the norms of the last B, (1 or 2, layers, D + 1, B)."""
    import torch

    quiet = Progress(is_cancelled=progress.is_cancelled)
    for first in range(0, len(positions), _AT_ONCE):
        batch = positions[first : first + _AT_ONCE]
        starts = [position - distance - 1 for position in batch]
        states = [reader.state(start, quiet) for start in starts]
        windows = [reader.ids(start, position + 1) for start, position in zip(starts, batch, strict=True)]
        ids = torch.from_numpy(np.stack(windows, axis=1).astype(np.int64)).to(model.device)
        state = tuple(
            tuple(torch.cat(parts) for parts in zip(*layers, strict=True))
            for layers in zip(*states, strict=True)
        )
        documents = reader.document_starts(min(starts), max(batch), quiet)
        begins = begins_at(documents, np.array(starts) + np.arange(distance + 1)[:, None])
        yield first + len(batch), gradient_norms(model, ids, state, begins)


def gradient_norms(
    model: CharRNN, ids: Tensor, state: State, begins: NDArray[np.bool_] | None = None
) -> Double:
    """(1 or 2, layers, D + 1, B) norms of the gradients of B losses: of h and, where there is one, of c.

    ids: (D + 2, B): what is read after `state` and, last, what is predicted. begins: (D + 1, B), before which
    of `ids` the state is reset, so that no gradient passes. T − t = 0 comes first.
    """
    import torch
    from torch.nn import functional

    from rnnscope.network.model import reset

    if begins is None:
        begins = np.zeros((len(ids) - 1, ids.shape[1]), np.bool_)
    hidden: list[list[Tensor]] = [[] for _ in model.layers]
    cells: list[list[Tensor]] = [[] for _ in model.layers]
    with torch.enable_grad():
        # Step by step, so that h_t is one tensor in the graph.
        states = [tuple(part.detach().requires_grad_() for part in layer) for layer in state]
        for x, rows in zip(model.embed(ids[:-1]).unsqueeze(1).unbind(0), begins, strict=True):
            states = list(reset(tuple(states), rows))
            for layer, cell in enumerate(model.layers):
                outputs, after = cell(x, states[layer])
                h = outputs[0]
                states[layer], x = (h, *after[1:]), h.unsqueeze(0)
                hidden[layer].append(h)
                cells[layer].extend(after[1:])
        loss = functional.cross_entropy(model.readout(hidden[-1][-1]), ids[-1], reduction="sum")
        tensors = [*itertools.chain(*hidden), *itertools.chain(*cells)]
        gradients = torch.autograd.grad(loss, tensors, allow_unused=True)
    # The last c has no direct gradient: no later step reads it.
    flat = torch.stack(
        [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, gradients, strict=True)]
    )
    parts = flat.view(-1, len(hidden), len(hidden[0]), *flat.shape[1:])
    if len(parts) > 1:
        # A cell returns h_t and c_t as two results; the effect of c_t on h_t is added here.
        parts = torch.stack([parts[0], parts[1] + parts[0] * _hidden_by_cell(model, ids[:-1], state, begins)])
    norms: Double = parts.norm(dim=-1).double().cpu().numpy()[:, :, ::-1]
    return norms


def _hidden_by_cell(model: CharRNN, ids: Tensor, state: State, begins: NDArray[np.bool_]) -> Tensor:
    """(layers, T, B, H) ∂ h_t / ∂ c_t of every unit, with h = o φ(c); a peephole's o depends on c too."""
    import torch

    from rnnscope.network.model import reset, stretches

    found = []
    for start, stop, rows in stretches(begins):
        slopes, state = _slopes(model, ids[start:stop], reset(state, rows))
        found.append(slopes)
    return torch.cat(found, dim=1)


def _slopes(model: CharRNN, ids: Tensor, state: State) -> tuple[Tensor, State]:
    """As `_hidden_by_cell` of one stretch of text, with the last state."""
    import torch

    slopes, after, values = [], [], model.embed(ids)
    with torch.no_grad():
        for cell, before in zip(model.layers, state, strict=True):
            found, last = cell.activations(values, before)
            after.append(last)
            o, c, values = found["output"], found["cell"], found["hidden"]
            is_tanh = model.architecture.activation == "tanh"
            shown = torch.tanh(c) if is_tanh else c / (1 + c.abs())
            slope = o * (1 - shown**2 if is_tanh else (1 - shown.abs()) ** 2)
            if (peephole := cell.tensors().get("peephole")) is not None:
                slope = slope + o * (1 - o) * shown * peephole[2]
            slopes.append(slope)
    return torch.stack(slopes), tuple(after)


# -- the network to compare with -----------------------------------------------------------------------------


def _counterpart(model: CharRNN, text: str) -> tuple[CharRNN, str]:
    """The sample model of the other kind if its vocabulary covers the text, else an untrained network."""
    import torch

    from rnnscope.network.checkpoint import load_model
    from rnnscope.network.formats import read_header
    from rnnscope.network.locate import sample_models
    from rnnscope.network.model import CharRNN

    kind: CellName = "lstm" if model.architecture.cell == "rnn" else "rnn"
    fitting = []
    for name, path in sample_models().items():
        header = read_header(path)
        unknown = unknown_share(header.vocabulary, text, model.vocabulary.kind)
        if header.architecture.cell == kind and unknown <= 1 - _KNOWN:
            size = abs(header.architecture.hidden_size - model.architecture.hidden_size)
            fitting.append((unknown, size, name, path))
    if fitting:
        _, _, name, path = min(fitting)
        return load_model(path).to(model.device), name
    shape = replace(model.architecture, cell=kind, activation="tanh")
    untrained = CharRNN(shape, model.vocabulary, generator=torch.Generator().manual_seed(0))
    return untrained.to(model.device).eval(), "untrained"
