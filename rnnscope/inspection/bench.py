"""What lies on the worker's bench: the model, and the text that is being looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rnnscope.app.asking.desk import Ticket
from rnnscope.inspection.opening import Opening
from rnnscope.inspection.survey import SHORTEST, Survey, check_length, survey
from rnnscope.model import CharRNN
from rnnscope.text.long import LongText
from rnnscope.tracing.pages import Pages
from rnnscope.tracing.trace import Trace

if TYPE_CHECKING:
    from rnnscope.inspection.judging import Judged


class Subject:
    """A text under the model. Searches keep the one they began with when another is typed."""

    def __init__(self, pages: Pages, source: str, training_text: Callable[[], str | None]) -> None:
        self.pages = pages
        self.source = source
        self.training_text = training_text
        self.judged: Judged | None = None
        """What was set beside n-grams, once it was; the long lane's."""
        self._survey: Survey | None = None
        self._surveying = threading.Lock()

    def survey(self, ticket: Ticket) -> Survey | None:
        """What searches read; None when the ticket is dropped. Raises TextError for a text too short."""
        with self._surveying:
            if self._survey is None:
                check_length(self.pages.text.count(SHORTEST))
                self._survey = survey(self.pages.model, self.pages, ticket)
            return self._survey


class Bench:
    """The model, and the text that is shown; two threads use it."""

    def __init__(self, model: CharRNN, opening: Opening) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._training_text = opening.training_text
        self.opened = Subject(Pages(model, opening.text), opening.source, opening.training_text)
        """The text that was asked for."""
        self.typed: Trace | None = None
        """What was typed last, so that a key reads only what it changed."""
        self._subject = self.opened

    @property
    def subject(self) -> Subject:
        with self._lock:
            return self._subject

    def put(self, text: str, source: str) -> Subject:
        """Look at another text."""
        kind = self.model.vocabulary.kind
        pages = Pages(self.model, LongText.of(text, source, kind))
        with self._lock:
            self._subject = Subject(pages, source, self._training_text)
            return self._subject

    def put_back(self) -> Subject:
        """Look at the text that was opened again."""
        with self._lock:
            self._subject = self.opened
            return self._subject
