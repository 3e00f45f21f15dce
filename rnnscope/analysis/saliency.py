"""Saliency: which earlier characters one prediction depends on.

Madsen, "Visualizing memorization in RNNs" (Distill 2019), calls it connectivity: of the prediction of the
character x_T+1 to each earlier character x_t,

    ‖∂ ln p(x_T+1 | x_1 … x_T) / ∂ x_t‖₂        x_t the one-hot input

scaled by its maximum. It is exact (backpropagation through the network), over a window of characters before
the prediction. The window starts from the state of the network after all of the text before it; gradients
stop at that state. Where the state is reset for a new document, what is before it has no influence: 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.query import Context, Query, Result, check_range
from rnnscope.errors import OptionError, RnnscopeError
from rnnscope.text.display import counted

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.network.model import CharRNN, State

METHOD = "gradient norm with respect to the one-hot input"
WINDOW = 200
"""Default number of characters before a prediction."""


@dataclass(frozen=True, eq=False)
class SaliencyResult(Result):
    """How much one prediction depends on each of the n characters before it.

    position: of the predicted character. start: of the first character of the window. text: (n + 1)
    characters, the window and the predicted one. log_probability: ln p of the predicted character.
    norms: (n,) float64, ‖∂ ln p / ∂ x_t‖₂. connectivity: (n,) the norms divided by the largest, 0..1.
    method: a description of the measure.
    """

    position: int
    start: int
    text: str
    log_probability: float
    norms: NDArray[np.float64]
    connectivity: NDArray[np.float64]
    method: str = METHOD


@dataclass(frozen=True)
class Saliency(Query[SaliencyResult]):
    """Saliency: which earlier characters one prediction depends on.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 20)
        >>> result = session.ask(rnnscope.Saliency(position=100, window=40))
        >>> result.text[-3:], result.norms.shape, float(result.connectivity.max())
        ('e, ', (40,), 1.0)
    """

    name = "saliency"
    activity = "backpropagating"
    example = "--position 500"

    position: int
    """The predicted character; positions count from 0, and the first character is not predicted."""
    window: int = WINDOW
    """The number of characters before it to attribute the prediction to."""

    def check(self, architecture: Architecture) -> None:
        check_range("position", self.position, 1)
        check_range("window", self.window, 1, 10_000)

    def run(self, context: Context) -> SaliencyResult:
        model, reader = context.model, context.reader
        start = max(0, self.position - self.window)
        ids = reader.ids(start, self.position + 1)
        if len(ids) <= self.position - start:
            length = reader.length(context.progress)
            raise OptionError(
                f"the text has {counted(length, 'character')}; position {self.position:,} is beyond its end"
            )
        # Nothing passes the beginning of a document: characters before it have a gradient of zero.
        begins = reader.document_starts(start + 1, self.position, context.progress)
        first = int(begins[-1]) if len(begins) else start
        norms, log_probability = connectivity(
            model, ids[first - start :], reader.state(first, context.progress)
        )
        norms = np.concatenate((np.zeros(first - start), norms))
        if not np.isfinite(norms).all():
            raise RnnscopeError("the gradient is not finite: training diverged; use an earlier snapshot")
        text = reader.read(start, self.position + 1)
        scaled = norms / max(norms.max(), np.finfo(norms.dtype).tiny)
        return SaliencyResult(self.position, start, text, log_probability, norms, scaled)


def connectivity(
    model: CharRNN, ids: NDArray[Any], state: State | None = None
) -> tuple[NDArray[np.float64], float]:
    """The norms (n,) for each of the first n of `ids` (n + 1,), and ln p of the last.

    state: before the first of them, each part (1, H); None is the initial state.
    """
    import torch
    from torch.nn import functional

    weight = model.readout.weight
    read = torch.from_numpy(np.asarray(ids, np.int64)).to(model.device)
    with torch.enable_grad():
        one_hot = functional.one_hot(read[:-1, None], model.architecture.vocabulary_size).to(weight.dtype)
        one_hot.requires_grad_()
        values = one_hot if model.embedding is None else one_hot @ model.embedding.weight
        initial = model.initial_state(1) if state is None else state
        for cell, before in zip(model.layers, initial, strict=True):
            values, _ = cell(values, before)
        log_probability = functional.log_softmax(model.readout(values[-1, 0]), dim=-1)[read[-1]]
        (gradient,) = torch.autograd.grad(log_probability, [one_hot])
    norms: NDArray[np.float64] = gradient[:, 0].norm(dim=1).double().cpu().numpy()
    return norms, log_probability.item()
