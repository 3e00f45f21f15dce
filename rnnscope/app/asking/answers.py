"""What a worker says of what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.ablation import AblateResult
from rnnscope.analysis.compare import Breakdown, Comparison, MatchDistances
from rnnscope.analysis.contexts import ContextsResult
from rnnscope.analysis.effects import GradientFlow
from rnnscope.analysis.factors import Factorization
from rnnscope.analysis.matching import MatchResult
from rnnscope.analysis.saliency import SaliencyResult
from rnnscope.analysis.saturation import SaturationResult
from rnnscope.app.asking.requests import Request
from rnnscope.app.ranking import Known, Neuron
from rnnscope.network.architecture import Architecture
from rnnscope.tracing.trace import Trace


@dataclass(frozen=True, eq=False)
class Answer:
    """What a worker says; `request` is what it answers, where it was asked."""

    request: Request | None


@dataclass(frozen=True)
class Extent:
    """How much of a text a search has read."""

    read: int
    characters: int
    """How long the text is, as far as is known."""
    is_counted: bool
    """Whether that is all of it."""

    @property
    def is_part(self) -> bool:
        return self.read < self.characters or not self.is_counted


@dataclass(frozen=True, eq=False)
class Noted(Answer):
    """Something that the reader should know, in a line."""

    message: str


@dataclass(frozen=True, eq=False)
class Opened(Answer):
    """The model is loaded."""

    name: str
    architecture: Architecture
    held_out_nats: float | None
    """The loss that it reached on its held-out text, where its file says so."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PageRead(Answer):
    """A part of the text, traced. `start` is the position of its first character in the text."""

    start: int
    trace: Trace
    cursor: int
    """The index in the page of the position that was asked for."""
    characters: int
    """How long the text is, as far as is known."""
    is_whole: bool
    """Whether that is all of it."""
    is_exact: bool
    """False while the states before the page are only nearly those of the whole text."""
    source: str
    """Where the text is from, such as `input.txt, held out`."""
    is_original: bool = True
    """Whether it is the text that was opened."""


@dataclass(frozen=True, eq=False)
class Named(Answer):
    """The names found, for the neurons for which there is one."""

    known: Mapping[Neuron, Known]


@dataclass(frozen=True, eq=False)
class Found(Answer):
    """Who knows the feature that was asked about; results are best first."""

    feature: str
    metric: str
    """`AUC` or `ρ`."""
    results: tuple[tuple[Neuron, Known], ...]
    null: float
    probe: float
    units_used: int
    verdict: str
    positions: int
    positives: int | None
    extent: Extent | None = None


@dataclass(frozen=True, eq=False)
class ContextsFound(Answer):
    contexts: ContextsResult
    extent: Extent | None = None


@dataclass(frozen=True, eq=False)
class SaturationFound(Answer):
    saturation: SaturationResult
    extent: Extent | None = None


@dataclass(frozen=True, eq=False)
class MatchesFound(Answer):
    matches: MatchResult
    extent: Extent | None = None


@dataclass(frozen=True, eq=False)
class AblationFound(Answer):
    ablation: AblateResult


@dataclass(frozen=True, eq=False)
class OriginFound(Answer):
    saliency: SaliencyResult


@dataclass(frozen=True, eq=False)
class ErrorsFound(Answer):
    """Of the characters of the text from `start` on, where the breakdown's positions begin at 0."""

    breakdown: Breakdown
    start: int
    text: str
    learned: str
    """What the n-grams and the words were learned from."""


@dataclass(frozen=True, eq=False)
class GradientsFound(Answer):
    """How far back a loss is felt, in the network and in another."""

    own: GradientFlow
    other: GradientFlow
    name: str
    """Of the other model; empty for one that was only drawn."""
    unknown_share: float
    """Of the text's characters, those that the other reads as a stand-in."""


@dataclass(frozen=True, eq=False)
class NgramsFound(Answer):
    """The network beside n-grams, on the characters of the text from `start` on."""

    comparison: Comparison
    start: int
    text: str
    learned: str
    """What the n-grams learned from."""


@dataclass(frozen=True, eq=False)
class PageCompared(Answer):
    """(T,) nats by which the network expected each character of a page more than the best n-gram."""

    start: int
    order: int
    nats: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DistancesFound(Answer):
    """Losses by distance, on the characters of the text from `start` on, where their positions begin at 0."""

    distances: tuple[MatchDistances, ...]
    order: int
    start: int
    text: str
    learned: str


@dataclass(frozen=True, eq=False)
class FactorsFound(Answer):
    """Of a layer; `factors.along` is along the page that begins at `start`."""

    factors: Factorization
    start: int


@dataclass(frozen=True, eq=False)
class TextFound(Answer):
    """Where the text was found; None where it was not."""

    span: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Told(Answer):
    """How much of a request is done, 0..1."""

    share: float


@dataclass(frozen=True, eq=False)
class Ended(Answer):
    """A request is done, or was dropped; always the last that is said of it."""


@dataclass(frozen=True, eq=False)
class Refused(Answer):
    """A request that cannot be done, and why, in a line."""

    message: str
