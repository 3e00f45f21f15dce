"""Neurons of a trained model that detect something, and one prompt at several temperatures.

The essay's examples (Karpathy, *The Unreasonable Effectiveness of Recurrent Neural Networks*): a neuron that
is on inside quotations, one that counts along the line, one for the indentation, one for `if` statements.
Each is the best single unit of a search, selected on one half of the text and scored on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.find import Find
from rnnscope.analysis.targets import of_feature, of_pattern
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.network.model import CharRNN
    from rnnscope.session import Session

FEATURES: tuple[tuple[str, str], ...] = (
    ("quotes", "inside quotation marks"),
    ("column", "the position in the line"),
    ("indentation", "the depth of the indentation"),
    ("if", "the condition of an if statement"),
)
"""Name and description of what is searched; `if` is a pattern, the others are features."""
IF_PATTERN = r"(?<=if )\([^)\n]*\)"
TEMPERATURES = (0.2, 0.5, 0.8, 1.1, 1.5)
_SEARCHED = 12_000
_SHOWN = 700


@dataclass(frozen=True, eq=False)
class Neuron:
    """A unit, and a passage in which what it detects varies.

    score: on the held-out half; AUC, or Spearman's correlation for a number. text: T characters. values: (T,)
    of the quantity, within −1..1 as displayed. is_on: (T,) what it detects, 0..1.
    """

    feature: str
    layer: int
    unit: int
    quantity: str
    metric: str
    score: float
    direction: int
    text: str
    values: NDArray[np.float32]
    is_on: NDArray[np.float32]

    @property
    def name(self) -> str:
        return f"{self.layer}/{self.unit}"


def query_of(feature: str) -> Find:
    """The search for a feature of `FEATURES`."""
    if feature == "if":
        return Find(pattern=IF_PATTERN, limit=1, characters=_SEARCHED)
    return Find(feature=feature, limit=1, characters=_SEARCHED)


def neuron(session: Session, feature: str, progress: Progress = NO_PROGRESS) -> Neuron:
    """The unit that detects a feature best. Raises TextError if the text lacks the feature, Cancelled."""
    found = session.ask(query_of(feature), progress).results[0]
    target = of_pattern(IF_PATTERN, "inside") if feature == "if" else of_feature(feature)
    values = target.values(session.reader.read, _SEARCHED, progress.part(1.0, 1.0))
    start = _liveliest(np.nan_to_num(values), _SHOWN)
    stop = min(_SEARCHED, start + _SHOWN)
    trace = session.reader.trace(start, stop, progress.part(1.0, 1.0))
    is_on = np.nan_to_num(values[start:stop])
    return Neuron(
        feature,
        found.layer,
        found.unit,
        found.quantity,
        found.metric,
        found.held_out,
        found.direction,
        trace.text,
        trace.shown(found.layer, found.quantity, found.unit),
        (is_on / max(1.0, float(is_on.max()))).astype(np.float32),
    )


def samples(network: CharRNN, prompt: str, length: int, seed: int) -> tuple[str, ...]:
    """What the model writes after a prompt at each of `TEMPERATURES`, from one seed.

    Characters of the prompt that the vocabulary lacks are left out.
    """
    from rnnscope.network.sampling import Sampler

    vocabulary = network.vocabulary
    ids = [vocabulary.symbols.index(symbol) for symbol in prompt if symbol in vocabulary.symbols]
    written = []
    for temperature in TEMPERATURES:
        sampler = Sampler(network)
        sampler.feed(ids or [vocabulary.opening])
        stream = sampler.stream(length, temperature=temperature, seed=seed)
        written.append(vocabulary.decode([symbol for symbol, _ in stream]))
    return tuple(written)


def _liveliest(values: NDArray[np.floating], size: int) -> int:
    """The start of the stretch in which values vary most."""
    if len(values) <= size:
        return 0
    totals = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    squares = np.concatenate([[0.0], np.cumsum(values.astype(np.float64) ** 2)])
    means = (totals[size:] - totals[:-size]) / size
    return int(((squares[size:] - squares[:-size]) / size - means**2).argmax())
