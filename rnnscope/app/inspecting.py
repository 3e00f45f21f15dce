"""What the inspect screen asks, and what a worker answers: frozen values over a desk, and no torch.

    screen ──ask──▶ Desk ──take──▶ a worker's lanes: quick (pages, typing), long (searches), background
           ◀─drain─      ◀─post──

A newer request of a kind takes the place of an older one, whether that waits or is being worked at. Answers
wait at the desk until the screen, which is woken once, collects them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from rnnscope.analysis.contexts import TopContexts
from rnnscope.analysis.effects import Ablation, Clamp, Saliency
from rnnscope.analysis.errors import Breakdown
from rnnscope.analysis.matching import Matches
from rnnscope.analysis.saturation import Saturation
from rnnscope.app.ranking import Known, Neuron
from rnnscope.architecture import Architecture
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


@dataclass(frozen=True)
class FindContexts(Request):
    """Where one quantity of a neuron is highest, lowest, and in between."""

    doing: ClassVar[str] = "reading contexts"
    layer: int
    unit: int
    quantity: str


@dataclass(frozen=True)
class FindSaturation(Request):
    """How often each gate stands open or shut."""

    doing: ClassVar[str] = "reading gates"


@dataclass(frozen=True)
class FindMatches(Request):
    """Where else the neurons are on together that are on over exactly [start, stop)."""

    doing: ClassVar[str] = "matching"
    layer: int
    start: int
    stop: int
    threshold: float


@dataclass(frozen=True)
class FindAblation(Request):
    """What the model loses without some neurons, on a page and in what it writes."""

    doing: ClassVar[str] = "ablating"
    clamps: tuple[Clamp, ...]
    start: int
    stop: int
    cursor: int


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
class FindText(Request):
    """The next place at which some text, or a regular expression, matches."""

    lane: ClassVar[Lane] = "quick"
    pattern: str
    position: int
    forward: bool = True


@dataclass(frozen=True)
class WriteOn(Request):
    """What the model writes after the character at `position`, with the state that it has there.

    It takes the place of what follows, page after page as it grows.
    """

    doing: ClassVar[str] = "writing"
    position: int
    seed: int


@dataclass(frozen=True, eq=False)
class Answer:
    """What a worker says; `request` is what it answers, where it was asked."""

    request: Request | None


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


@dataclass(frozen=True, eq=False)
class ContextsFound(Answer):
    """`texts` are those of the contexts, by the position where each begins."""

    contexts: TopContexts
    texts: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class SaturationFound(Answer):
    saturation: Saturation


@dataclass(frozen=True, eq=False)
class MatchesFound(Answer):
    """`texts` are those around each match, from 12 characters before it on where there are so many."""

    matches: Matches
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AblationFound(Answer):
    """On the characters of the text from `start` on; the samples are without and with."""

    ablation: Ablation
    start: int
    text: str
    samples: tuple[str, str]


@dataclass(frozen=True, eq=False)
class OriginFound(Answer):
    saliency: Saliency
    text: str
    """The characters from `saliency.start` to the one predicted."""


@dataclass(frozen=True, eq=False)
class ErrorsFound(Answer):
    """`texts` are those around some positions of each level, from 24 characters before on."""

    breakdown: Breakdown
    texts: Mapping[int, str]


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


@dataclass(eq=False)
class Ticket:
    """A request that is being worked at."""

    request: Request
    _dropped: threading.Event = field(default_factory=threading.Event)

    def drop(self) -> None:
        self._dropped.set()

    def is_dropped(self) -> bool:
        """Whether nobody wants the answer any more; looked at between two pieces of work."""
        return self._dropped.is_set()


class Desk:
    """Any thread asks, takes, posts and drains."""

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        """`wake` is called from a worker's thread when answers have begun to wait."""
        self.wake = wake
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._taken: list[Ticket] = []
        self._answers: list[Answer] = []
        self._is_closed = False

    # -- the screen's side -----------------------------------------------------------------------------------

    def ask(self, request: Request) -> None:
        """Want something; what was wanted of the same kind before is dropped."""
        with self._changed:
            self._drop(type(request))
            self._waiting.append(Ticket(request))
            self._changed.notify_all()

    def cancel(self, *kinds: type[Request]) -> None:
        """Want nothing of these kinds any more."""
        with self._changed:
            for kind in kinds:
                self._drop(kind)

    def close(self) -> None:
        """The screen is left: all is dropped, and the lanes end."""
        with self._changed:
            self._is_closed = True
            for ticket in (*self._waiting, *self._taken):
                ticket.drop()
            self._waiting.clear()
            self._changed.notify_all()

    def drain(self) -> list[Answer]:
        """All answers that wait, oldest first."""
        with self._changed:
            answers, self._answers = self._answers, []
        return answers

    def _drop(self, kind: type[Request]) -> None:
        for ticket in self._taken:
            if type(ticket.request) is kind:
                ticket.drop()
        self._waiting = [ticket for ticket in self._waiting if type(ticket.request) is not kind]

    # -- the worker's side -----------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def take(self, lane: Lane) -> Ticket | None:
        """The oldest request of a lane, as soon as there is one; None once the desk is closed."""
        with self._changed:
            while True:
                if self._is_closed:
                    return None
                for ticket in self._waiting:
                    if ticket.request.lane == lane:
                        self._waiting.remove(ticket)
                        self._taken.append(ticket)
                        return ticket
                self._changed.wait()

    def done(self, ticket: Ticket) -> None:
        """The last that is said of a request."""
        with self._changed:
            self._taken.remove(ticket)
        self.post(Ended(ticket.request))

    def post(self, answer: Answer) -> None:
        """Leave an answer for the screen."""
        with self._changed:
            self._answers.append(answer)
            is_first = len(self._answers) == 1
        if is_first:
            self.wake()
