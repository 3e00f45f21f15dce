"""What a screen wants done. A newer request of a kind takes the place of an older one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.features import FEATURES
from rnnscope.tracing.trace import Trace

Lane: TypeAlias = Literal["quick", "long", "background"]
THREAD = "rnnscope "
"""What the names of the lanes' threads begin with."""
LANES: tuple[Lane, ...] = ("quick", "long", "background")


@dataclass(frozen=True)
class Request:
    """Something the screen wants done."""

    lane: ClassVar[Lane] = "long"
    doing: ClassVar[str] = ""
    """What the header calls it while it goes on, such as `finding`; empty for what is done at once."""


@dataclass(frozen=True)
class ReadPage(Request):
    """The characters start .. stop−1 of the text, traced."""

    lane: ClassVar[Lane] = "quick"
    start: int
    stop: int
    cursor: int
    """Where in the text the reader wants to be."""


@dataclass(frozen=True)
class TypeText(Request):
    """Another text in place of the present one."""

    lane: ClassVar[Lane] = "quick"
    text: str
    cursor: int


@dataclass(frozen=True)
class PutBack(Request):
    """The text that was opened, in place of one that was typed or written."""

    lane: ClassVar[Lane] = "quick"
    start: int
    stop: int
    cursor: int


@dataclass(frozen=True)
class NameNeurons(Request):
    """For every neuron the built-in feature that it knows best; then, of each feature, what all add."""

    lane: ClassVar[Lane] = "background"
    doing: ClassVar[str] = "naming neurons"


@dataclass(frozen=True)
class Find(Request):
    """Which neurons know a feature."""

    doing: ClassVar[str] = "finding"
    kind: Literal["feature", "inside", "before", "after", "marks"]
    """A built-in one by its name, a regular expression's match or what is beside it, or stretches by hand."""
    asked: str
    marks: tuple[tuple[int, int, bool], ...] = ()
    """Stretches [start, stop) of the text, and whether they are on."""
    whole: bool = field(default=False, kw_only=True)
    """Whether the whole text is searched, and not only its first part."""


@dataclass(frozen=True)
class FindContexts(Request):
    """Where one quantity of a neuron is highest, lowest, and in between."""

    doing: ClassVar[str] = "reading contexts"
    layer: int
    unit: int
    quantity: str
    whole: bool = field(default=False, kw_only=True)


def as_asked(told: str) -> Find:
    """A built-in feature by its name, `before:` or `after:` a regular expression, or one to be inside of.

    One quote or many: the feature is meant. `(quote)` is the pattern of those letters.
    """
    name = told.lower().replace(" ", "-")
    for meant in (name, f"{name}s", name.removesuffix("s")):
        if meant in FEATURES:
            return Find("feature", meant)
    where, _, pattern = told.partition(":")
    if pattern and where in ("before", "after"):
        return Find("before" if where == "before" else "after", pattern)
    return Find("inside", told)


@dataclass(frozen=True, eq=False)
class FindInTrace(Find):
    """Which neurons know a feature of a trace that is at hand."""

    trace: Trace = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class FindContextsInTrace(FindContexts):
    """The same of a neuron along a trace that is at hand."""

    trace: Trace = field(kw_only=True)


@dataclass(frozen=True)
class FindSaturation(Request):
    """How often each gate stands open or shut."""

    doing: ClassVar[str] = "reading gates"
    whole: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class FindMatches(Request):
    """Where else the neurons are on together that are on over exactly [start, stop)."""

    doing: ClassVar[str] = "matching"
    layer: int
    start: int
    stop: int
    threshold: float
    whole: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class FindAblation(Request):
    """The change in loss on a page, and in what the model writes, with some units clamped."""

    doing: ClassVar[str] = "ablating"
    query: Ablate


@dataclass(frozen=True)
class FindOrigin(Request):
    """Which characters the prediction of the one at `position` came from."""

    doing: ClassVar[str] = "tracing back"
    position: int


@dataclass(frozen=True)
class FindErrors(Request):
    """Where the model errs, and what would have helped."""

    doing: ClassVar[str] = "sorting errors"


@dataclass(frozen=True)
class FindGradients(Request):
    """How far back a loss is felt, in this network and in another."""

    doing: ClassVar[str] = "going back through time"
    beside: str | None = None
    """The other: a file, a run directory, a sample model's name; None leaves the choice to the worker."""


@dataclass(frozen=True)
class FindNgrams(Request):
    """What the network loses beside n-grams of orders 1 to 9, and where the two differ most."""

    doing: ClassVar[str] = "counting n-grams"


@dataclass(frozen=True)
class ComparePage(Request):
    """The network beside the best n-gram on the characters start .. stop−1."""

    doing: ClassVar[str] = "comparing the page"
    start: int
    stop: int


@dataclass(frozen=True)
class FindDistances(Request):
    """The losses at closing characters, by how far back they were opened."""

    doing: ClassVar[str] = "matching brackets"


@dataclass(frozen=True)
class FindFactors(Request):
    """The neurons of a layer as a few factors, and how strong each of them is on a page."""

    doing: ClassVar[str] = "factorizing"
    layer: int
    start: int
    stop: int


@dataclass(frozen=True)
class FindText(Request):
    """The next place at which some text, or a regular expression, matches."""

    lane: ClassVar[Lane] = "quick"
    pattern: str
    position: int
    forward: bool = True


@dataclass(frozen=True)
class FindOn(Request):
    """The next place where what was searched for is on: at `position` or after it, or else from the first."""

    lane: ClassVar[Lane] = "quick"
    search: Find
    position: int
    begins: bool = False
    """Whether it must begin there, and not only go on."""


@dataclass(frozen=True)
class FindShare(Request):
    """The character that has so much of the text before it, 0..1; who asks need not know how long it is."""

    lane: ClassVar[Lane] = "quick"
    share: float


@dataclass(frozen=True)
class WriteOn(Request):
    """What the model writes after the character at `position`, with the state that it has there.

    It takes the place of what follows, page after page as it grows.
    """

    doing: ClassVar[str] = "writing"
    position: int
    seed: int
