"""What lies on the worker's bench: the model, and the text that is being looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from rnnscope.analysis.query import Context, Query, Result
from rnnscope.app.asking.answers import Extent, SaturationFound
from rnnscope.app.asking.desk import Ticket
from rnnscope.inspection.kept import Kept
from rnnscope.inspection.survey import SHORTEST, Survey, check_length, survey, surveyed
from rnnscope.inspection.whole import Whole, digest_of, read_whole
from rnnscope.network.model import CharRNN
from rnnscope.opening import Opening
from rnnscope.progress import Progress
from rnnscope.text.long import LongText
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.trace import Trace

if TYPE_CHECKING:
    from rnnscope.inspection.judging import Judged

R = TypeVar("R", bound=Result)

_LOOK_SECONDS = 0.05


class Subject:
    """A text under the model. Searches keep the one they began with when another is typed."""

    def __init__(self, pages: TextReader, source: str, training_text: Callable[[], str | None]) -> None:
        self.pages = pages
        assert pages.model is not None
        self.model = pages.model
        self.source = source
        self.training_text = training_text
        self.judged: Judged | None = None
        """What was set beside n-grams, once it was; the long lane's."""
        self.saturation: dict[bool, SaturationFound] = {}
        """What was counted of the gates, over the whole text and over its first part."""
        self.is_lacking_told = False
        """Whether it was said that the model does not know all of the text's characters."""
        self._answers: dict[Query[Any], Result] = {}
        """Answers to queries that other queries asked."""
        self._survey: Survey | None = None
        self._whole: Whole | None = None
        self._reading = threading.Lock()

    def survey(self, ticket: Ticket) -> Survey:
        """What searches read. Raises Cancelled, TextError for a text too short."""
        with self._read_by(ticket):
            if self._survey is None:
                check_length(self.pages.text.count(SHORTEST))
                self._survey = survey(self.model, self.pages, ticket)
            return self._survey

    def whole(self, ticket: Ticket) -> Whole:
        """What searches of the whole text read. Raises Cancelled, TextError."""
        with self._read_by(ticket):
            if self._whole is None:
                self._whole = read_whole(self.pages, ticket)
            return self._whole

    def answer(self, query: Query[R], ticket: Ticket) -> R:
        """The answer to a query about the text. Raises Cancelled, OptionError, TextError."""
        architecture = self.model.architecture
        progress = Progress(ticket.told, ticket.is_dropped)
        query.check(architecture)

        def ask(other: Query[Any], progress: Progress) -> Any:
            if other not in self._answers:
                self._answers[other] = self.answer(other, ticket)
            return self._answers[other]

        return query.run(Context(self.pages, architecture, progress, ask, self.training_text))

    def extent(self, read: int) -> Extent:
        """How much of the text so many characters are."""
        return Extent(read, self.pages.text.known, self.pages.text.is_counted)

    @cached_property
    def digest(self) -> str:
        """Of the characters that a survey reads."""
        return digest_of(self.pages.text.read(0, surveyed(self.model.architecture)))

    @contextmanager
    def _read_by(self, ticket: Ticket) -> Iterator[None]:
        """One thread at a time; who is dropped waits no longer. Raises Cancelled."""
        while not self._reading.acquire(timeout=_LOOK_SECONDS):
            Progress(is_cancelled=ticket.is_dropped).check()
        try:
            Progress(is_cancelled=ticket.is_dropped).check()
            yield
        finally:
            self._reading.release()


class Bench:
    """The model, and the text that is shown; two threads use it."""

    def __init__(self, model: CharRNN, opening: Opening, kept: Kept | None = None) -> None:
        """kept: what was found out about the model before, on this text or others."""
        self.model = model
        self._kept = kept
        self._lock = threading.Lock()
        self._training_text = opening.training_text
        self.opened = Subject(TextReader(model, opening.text), opening.source, opening.training_text)
        """The text that was asked for."""
        self.typed: Trace | None = None
        """What was typed last, so that a key reads only what it changed."""
        self._subject = self.opened
        self.has_shown = threading.Event()
        """Whether there is something to look at; neurons are named after that."""

    def kept(self, subject: Subject) -> Kept | None:
        """What is kept of a text: of one that was opened, not of what is typed."""
        return self._kept if subject is self.opened else None

    @property
    def subject(self) -> Subject:
        with self._lock:
            return self._subject

    def put(self, text: str, source: str) -> Subject:
        """Look at another text."""
        kind = self.model.vocabulary.kind
        pages = TextReader(self.model, LongText.of(text, source, kind))
        with self._lock:
            self._subject = Subject(pages, source, self._training_text)
            return self._subject

    def put_back(self) -> Subject:
        """Look at the text that was opened again."""
        with self._lock:
            self._subject = self.opened
            return self._subject
