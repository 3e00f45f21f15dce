"""The activations of any part of a text under a network: exact, and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import OptionError
from rnnscope.network.model import CharRNN, State
from rnnscope.progress import NO_PROGRESS, Cancelled, Progress
from rnnscope.text.long import LongText
from rnnscope.tracing.pages import Page, Pages
from rnnscope.tracing.trace import Trace

_STRETCH = 2048
"""Characters traced at once where a text is read from one end to the other."""


class TextReader:
    """A text of any length under a network; several threads may read it at once.

    A character that the vocabulary lacks is read as the unknown symbol or, where the vocabulary has none, as
    a space.
    """

    def __init__(self, model: CharRNN, text: LongText) -> None:
        self._pages: Pages | None = Pages(model, text)
        self._trace: Trace | None = None

    @classmethod
    def of_trace(cls, trace: Trace) -> TextReader:
        """A reader of the text of one trace; it has no model."""
        reader = cls.__new__(cls)
        reader._pages, reader._trace = None, trace
        return reader

    @property
    def model(self) -> CharRNN | None:
        """The network; None where only a trace is at hand."""
        return None if self._pages is None else self._pages.model

    def length(self, progress: Progress = NO_PROGRESS) -> int:
        """The number of characters of the text. Raises Cancelled."""
        if self._pages is None:
            return len(self._at_hand)
        length = self._pages.text.count(should_stop=progress.is_cancelled)
        progress.check()
        return length

    def read(self, start: int, stop: int) -> str:
        """The characters start .. stop−1, or as many of them as there are."""
        if self._pages is None:
            return "".join(self._at_hand.characters[max(0, start) : stop])
        return self._pages.text.read(start, stop)

    def ids(self, start: int, stop: int) -> NDArray[np.int32]:
        """(n,) int32 the ids under which the characters start .. stop−1 are read."""
        return self._at_hand.ids[start:stop] if self._pages is None else self._pages.ids(start, stop)

    def trace(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Trace:
        """The exact trace of the characters start .. stop−1, or of as many as there are. Raises Cancelled."""
        if self._pages is None:
            return self._at_hand.until(stop).since(start)
        return self.page(start, stop, progress).trace

    def page(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Page:
        """A trace with the text that was read. Raises Cancelled, OptionError for a reader of a trace."""
        if self._pages is None:
            raise OptionError("pages need a model, but only a trace is at hand")
        self._pages.lay(start, should_stop=progress.is_cancelled)
        page = self._pages.page(start, stop, should_stop=progress.is_cancelled)
        if page is None:
            raise Cancelled
        return page

    def traces(
        self, start: int = 0, stop: int | None = None, progress: Progress = NO_PROGRESS
    ) -> Iterator[Trace]:
        """Exact traces of consecutive stretches of the characters start .. stop−1. Raises Cancelled."""
        stop = self.length(progress) if stop is None else min(stop, self.length(progress))
        for first in range(start, stop, _STRETCH):
            yield self.trace(first, min(first + _STRETCH, stop), progress)
            progress(min(1.0, (first + _STRETCH - start) / (stop - start)))

    def state(self, position: int, progress: Progress = NO_PROGRESS) -> State:
        """The exact state before the character at `position`. Raises Cancelled, OptionError."""
        if self._pages is None:
            raise OptionError("a state needs a model, but only a trace is at hand")
        from rnnscope.analysis.walk import state_at

        if position == 0:
            return self._pages.model.initial_state(1)
        return state_at(self.trace(position - 1, position, progress), 0, self._pages.model)

    @property
    def _at_hand(self) -> Trace:
        assert self._trace is not None
        return self._trace
