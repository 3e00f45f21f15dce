"""A text of any length under a network: any page of it as a trace, exact, and at once.

A worker lays keyframes from the start on (`lay`). Up to where it is, a page is traced from the nearest one,
and is what a run over the whole text would show. Beyond, a page begins where runs from many states, some
thousand characters before it, have met: then a run over the whole text is there too. A network that does not
forget so soon can still be looked at from a warm start, which has read but the little before it:

    text      |=======laid=======>·····················|
    exact        keyframe ──▶ [page]
    met                               many ─▶ one ▶ [page]
    warm                              zero ───────▶ [page]   is_exact is False, until the worker has come by

A character that the vocabulary lacks does not end the looking: it is read as the unknown symbol or, where the
vocabulary has none, as a space (in want of that, as its first symbol), and the page says where.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.model import CharRNN, State
from rnnscope.text.long import LongText, Stop
from rnnscope.text.reading import Told
from rnnscope.text.vocabulary import Vocabulary, code_points
from rnnscope.tracing.keyframes import STRIDE, Keyframes, advance
from rnnscope.tracing.meeting import met
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

WARM = 1024
"""Characters read before a page that is wanted at once; by then trained networks have forgotten where they
began, but for rounding. Not less than STRIDE, so that a page next to a keyframe is exact at once."""

_WARMER = (1, 4, 16)
"""How many times that is read where states have not met by then."""


@dataclass(frozen=True, eq=False)
class Page:
    """Some characters of a long text, traced.

    start: the position of the first in the text.
    text: as it is; `trace.text` has the stand-ins.
    is_exact: whether the states are those of a run over the whole text from its start.
    unknown: (K,) the indices of the page's characters that the vocabulary lacks.
    """

    start: int
    text: str
    trace: Trace
    is_exact: bool
    unknown: NDArray[np.intp]

    @property
    def stop(self) -> int:
        """The position after the last character."""
        return self.start + len(self.text)


class Pages:
    """A model and a long text. One thread may lay keyframes while others ask for pages."""

    def __init__(self, model: CharRNN, text: LongText, *, memory_bytes: int = 64 << 20) -> None:
        """memory_bytes: what keyframes may take. Raises ValueError for characters where bytes are due."""
        if text.kind != model.vocabulary.kind:
            raise ValueError(f"a text of {text.kind} for a model of {model.vocabulary.kind}")
        self.model = model
        self.text = text
        self.keyframes = Keyframes(model, memory_bytes)
        self.unknown_characters = 0
        """How many characters the vocabulary lacks, as far as keyframes are laid."""
        self._vocabulary = substituting(model.vocabulary)
        self._codes = np.array([ord(symbol) for symbol in model.vocabulary.symbols], np.uint32)
        self._laying = threading.Lock()

    @classmethod
    def open(cls, model: CharRNN, path: str | Path, *, memory_bytes: int = 64 << 20) -> Pages:
        """Of a file, or of standard input for `-`. Raises TextError where its beginning is no text."""
        return cls(model, LongText.open(path, model.vocabulary.kind), memory_bytes=memory_bytes)

    @property
    def stand_in(self) -> str:
        """What is read in place of a character that the vocabulary lacks."""
        return self._vocabulary.symbols[self._vocabulary.unknown or 0]

    @property
    def laid(self) -> int:
        """Up to which character pages are exact."""
        return self.keyframes.head[0]

    def lay(
        self, until: int | None = None, *, told: Told | None = None, should_stop: Stop | None = None
    ) -> bool:
        """Lay keyframes on, up to the character `until` or to the end; whether it came there.

        told: hears the share of the text, 0..1. It goes on where it was stopped. Raises TextError.
        """
        length = self.text.count(until, should_stop=should_stop)
        end = length if until is None else min(until, length)
        while self.laid < end:
            if should_stop is not None and should_stop():
                return False
            with self._laying:
                self._lay_next(end)
            if told is not None:
                told(self.laid / end)
        return self.text.is_counted or (until is not None and self.laid >= until)

    def page(
        self, start: int, stop: int, *, at_once: bool = False, should_stop: Stop | None = None
    ) -> Page | None:
        """The characters start .. stop−1, or as many of them as there are; None when it was stopped.

        Behind `laid` and a little beyond it a page is exact, and takes as long as reading from the nearest
        keyframe does. Farther beyond, or with `at_once` where that would take longer, it is exact where the
        network has forgotten all states that it may have been in, else from a warm start. Raises TextError.
        """
        start = max(0, min(start, self.text.count(start)))
        position, state = self.keyframes.before(start)
        is_exact = start - position <= (WARM if at_once else max(WARM, self.keyframes.spacing))
        if not is_exact:
            state = self._met(start, at_once=at_once, should_stop=should_stop)
            is_exact = state is not None
            position = start if is_exact else start - WARM
        while position < start:
            if should_stop is not None and should_stop():
                return None
            end = min(start, position - position % STRIDE + STRIDE)
            state = advance(self.model, self._read(position, end)[1], state)
            position = end
            if is_exact and position % STRIDE == 0:
                self.keyframes.remember(position, state)
        text, ids, unknown = self._read(start, stop)
        trace = record(self.model, ids, state, should_stop=should_stop)
        if len(trace) != len(ids):
            return None
        return Page(start, text, replace(trace, written=text) if len(unknown) else trace, is_exact, unknown)

    def _met(self, start: int, *, at_once: bool, should_stop: Stop | None) -> State | None:
        """The state before the character `start`, where a network forgets soon enough that it is known."""
        for warm in _WARMER[:1] if at_once else _WARMER:
            if warm * WARM >= start:
                return None
            found = met(self.model, self.ids, start - warm * WARM, start, should_stop)
            if found is not None:
                return found
        return None

    def ids(self, start: int, stop: int) -> NDArray[np.int32]:
        """(n,) the ids under which the characters start .. stop−1 are read. Raises TextError."""
        return self._read(start, stop)[1]

    def _lay_next(self, end: int) -> None:
        position, state = self.keyframes.head
        stop = min(end, position - position % STRIDE + STRIDE)
        if position < stop:
            _, ids, unknown = self._read(position, stop)
            self.unknown_characters += len(unknown)
            self.keyframes.move_head(stop, advance(self.model, ids, state))

    def _read(self, start: int, stop: int) -> tuple[str, NDArray[np.int32], NDArray[np.intp]]:
        """Some characters, their ids, and which of them the vocabulary lacks."""
        text = self.text.read(start, stop)
        codes = code_points(text)
        ids = self._vocabulary.encode_code_points(codes, start)
        return text, ids, np.flatnonzero(self._codes[ids] != codes)


def substituting(vocabulary: Vocabulary) -> Vocabulary:
    """The same ids, with a stand-in for what it lacks: its unknown symbol, else the space, else its first."""
    if vocabulary.kind == "bytes" or vocabulary.unknown is not None:
        return vocabulary
    return replace(vocabulary, unknown=vocabulary.symbols.index(" ") if " " in vocabulary.symbols else 0)
