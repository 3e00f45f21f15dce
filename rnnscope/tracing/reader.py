"""The activations of any part of a text, in bounded memory, with a flag for exactness.

    text       |========read========>·····················|
    page 1         keyframe ──▶ [page]                            exact
    page 2                             forgotten ──▶ [page]       exact
    page 3                                  zero ──▶ [page]       at_once only, and is_exact is False

Up to where the text has been read in order, states are kept at intervals (keyframes.py), and a page is traced
from the nearest one. Beyond, a page starts where the network has forgotten what came before it
(forgetting.py); a network that does not forget must read the text up to the page. Where a document begins
the state is zero, so that nothing before it has to be read.

A start counts as forgotten if runs from states far apart agree within 1e-5 (`forgetting.SAME`). With the
sample LSTM, activations of exact pages differ by at most 4e-5 from those of one run over the whole text, and
log-probabilities by 4e-5 nats, as much as kernels differ that add in another order
(`benchmarks/keyframes.py` measures both).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import OptionError
from rnnscope.network.model import CharRNN, State
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.documents import NO_DOCUMENTS, Documents, Starts
from rnnscope.text.long import LongText
from rnnscope.text.vocabulary import Vocabulary, code_points, symbols_of
from rnnscope.tracing.forgetting import WARM_UP, remembered
from rnnscope.tracing.keyframes import STRIDE, Keyframes, advance
from rnnscope.tracing.record import record_from
from rnnscope.tracing.streams import STREAMS, Streams
from rnnscope.tracing.trace import Trace

_WARM_UPS = (1, 4, 16)
"""Numbers of warm-ups after which forgetting is tested."""
_STRETCH_BYTES = 64 << 20
_LONGEST, _SHORTEST = 16_384, 128
"""The stretches of `traces`: as many characters as fit in about 64 MB, within these limits."""


@dataclass(frozen=True, eq=False)
class Page:
    """Some characters of a long text, traced.

    start: the position of the first character in the text.
    text: the original characters; `trace.ids` has substitutes for those missing from the vocabulary.
    is_exact: whether the states are those of a run over the whole text from its start.
    unknown: (K,) the indices of characters of the page that are missing from the vocabulary.
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


class TextReader:
    """A text of any length, read by a network; thread-safe.

    A character missing from the vocabulary is read as the unknown symbol; if the vocabulary has none, as a
    space, or else as its first symbol.
    """

    def __init__(
        self,
        model: CharRNN,
        text: LongText | str,
        *,
        memory_bytes: int = 64 << 20,
        stride: int = STRIDE,
        warm_up: int = WARM_UP,
        document_separator: str | None = None,
    ) -> None:
        """memory_bytes: the maximum size of the kept states. stride: their initial interval in characters.

        warm_up: characters after which the network is expected to have forgotten, at least as many as
        `stride`. document_separator: a regular expression after whose matches the state is reset; None takes
        the one that the model was trained with, if any. Raises ValueError for a text of characters where the
        model reads bytes, and the reverse.
        """
        text = LongText.of(text, kind=model.vocabulary.kind) if isinstance(text, str) else text
        if text.kind != model.vocabulary.kind:
            raise ValueError(f"a text of {text.kind} for a model of {model.vocabulary.kind}")
        self._model = model
        self.text = text
        """The characters."""
        self.unknown_characters = 0
        """The number of characters missing from the vocabulary, in the part of the text read in order."""
        self._keyframes = Keyframes(model, memory_bytes, stride)
        self._stride, self._warm_up = stride, warm_up
        self._vocabulary = substituting(model.vocabulary)
        self._codes = np.array([ord(symbol) for symbol in model.vocabulary.symbols], np.uint32)
        self._reading_on = threading.Lock()
        self.document_separator = document_separator or model.document_separator
        """The regular expression after whose matches the state is reset."""
        self._documents = (
            None if self.document_separator is None else Documents(self._as_searched, self.document_separator)
        )

    @staticmethod
    def of_trace(trace: Trace) -> TextReader:
        """A reader of the text of one trace, without a model and states."""
        return TraceReader(trace)

    @property
    def model(self) -> CharRNN | None:
        """The network; None for a trace without a model."""
        return self._model

    @property
    def stand_in(self) -> str:
        """The symbol that is read in place of characters missing from the vocabulary."""
        return self._vocabulary.symbols[self._vocabulary.unknown or 0]

    @property
    def read_until(self) -> int:
        """The position up to which the text was read in order; pages before it are exact."""
        return self._keyframes.head[0]

    def length(self, progress: Progress = NO_PROGRESS) -> int:
        """The number of characters of the text. Raises TextError, Cancelled."""
        return self.text.count(progress=progress)

    def read(self, start: int, stop: int) -> str:
        """The characters start .. stop−1, or as many of them as there are. Raises TextError."""
        return self.text.read(start, stop)

    def ids(self, start: int, stop: int) -> NDArray[np.int32]:
        """(n,) int32, the ids under which the characters start .. stop−1 are read. Raises TextError."""
        return self._read(start, stop)[1]

    def document_starts(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Starts:
        """The positions from `start` to `stop` − 1 at which a document begins and the state is reset.

        Raises TextError, OptionError, Cancelled.
        """
        if self._documents is None:
            return NO_DOCUMENTS
        return self._documents.between(start, stop, progress)

    def read_on(self, until: int | None = None, progress: Progress = NO_PROGRESS) -> None:
        """Read the text in order, up to the character `until` or to the end, and keep states on the way.

        A cancelled call keeps what it read; the next call continues there. Raises TextError, Cancelled.
        """
        length = self.text.count(until, Progress(is_cancelled=progress.is_cancelled))
        end = length if until is None else min(until, length)
        while self.read_until < end:
            progress.check()
            with self._reading_on:
                self._read_next(end, progress)
            progress.on_progress(self.read_until / end)

    def state(self, position: int, progress: Progress = NO_PROGRESS) -> State:
        """The exact state before the character at `position`, each part (1, H).

        Where a document begins the state is zero. Where the network has not been there and does not forget,
        this reads all of the document before it. Raises TextError, Cancelled.
        """
        known = self._nearby(position, max(self._warm_up, self._keyframes.spacing), progress)
        if known is None:
            known = self._forgotten(position, _WARM_UPS, progress)
        if known is None and self._document_start(position, progress):
            known = self._nearby(position, position, progress)
        if known is None:
            self.read_on(position, progress)
            known = self._nearby(position, self._keyframes.spacing, progress)
        assert known is not None, "the text was read up to here"
        return known

    def trace(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Trace:
        """The exact trace of the characters start .. stop−1, or of as many as there are.

        Raises TextError, Cancelled.
        """
        return self.page(start, stop, progress).trace

    def page(self, start: int, stop: int, progress: Progress = NO_PROGRESS, *, at_once: bool = False) -> Page:
        """The characters start .. stop−1, or as many as there are, traced. Raises TextError, Cancelled.

        at_once: do not read far, for a responsive screen: start from zero some characters before the page,
        and set `is_exact` to False.
        """
        start = max(0, min(start, self.text.count(start)))
        state = self._state_at_once(start, progress) if at_once else self.state(start, progress)
        is_exact = state is not None
        if state is None:
            state = advance(self._model, self.ids(start - self._warm_up, start))
        text, ids, unknown = self._read(start, stop)
        documents = self.document_starts(start, start + len(ids), progress) - start
        trace, end = record_from(self._model, ids, state, documents=documents, progress=progress)
        if is_exact:
            self._keyframes.remember(start + len(ids), end)  # where the next page often begins
        return Page(start, text, replace(trace, written=text) if len(unknown) else trace, is_exact, unknown)

    def traces(
        self,
        start: int = 0,
        stop: int | None = None,
        progress: Progress = NO_PROGRESS,
        *,
        stretch: int | None = None,
    ) -> Iterator[Trace]:
        """Exact traces of consecutive stretches of the characters start .. stop−1, or of all from `start` on.

        stretch: characters traced at once; None chooses as many as fit in about 64 MB. Raises TextError,
        Cancelled.
        """
        length = self.length(progress)
        stop = length if stop is None else min(stop, length)
        size = stretch or min(
            _LONGEST, max(_SHORTEST, _STRETCH_BYTES // self._model.architecture.traced_bytes)
        )
        state = self.state(start, progress)
        for first in range(start, stop, size):
            text, ids, unknown = self._read(first, min(first + size, stop))
            documents = self.document_starts(first, first + len(ids), progress) - first
            trace, state = record_from(self._model, ids, state, documents=documents, progress=progress)
            yield replace(trace, written=text) if len(unknown) else trace
            progress((first + len(ids) - start) / (stop - start))

    def streams(
        self,
        start: int = 0,
        stop: int | None = None,
        progress: Progress = NO_PROGRESS,
        *,
        most: int = STREAMS,
    ) -> Streams:
        """The characters start .. stop−1 as streams that are read in parallel, for analyses of a whole text.

        most: how many streams; fewer of a short text. Raises TextError, Cancelled.
        """
        length = self.length(progress)
        stop = length if stop is None else min(stop, length)
        initial = self.state(start, progress)
        return Streams.over(
            self._model,
            self.ids,
            start,
            stop,
            initial,
            warm_up=self._warm_up,
            most=most,
            documents=self.document_starts(start, stop, progress),
            progress=progress,
        )

    def _nearby(self, position: int, farthest: int, progress: Progress) -> State | None:
        """The state before a character within `farthest` characters of a known state, else None."""
        at, state = self._keyframes.before(position)
        start = self._document_start(position, progress)
        if start >= at:
            at, state = start, None
        if position - at > farthest:
            return None
        while at < position:
            progress.check()
            stop = min(position, at - at % self._stride + self._stride)
            state = advance(self._model, self.ids(at, stop), state)
            at = stop
            if at % self._stride == 0:
                self._keyframes.remember(at, state)
        return self._model.initial_state(1) if state is None else state

    def _forgotten(self, position: int, warm_ups: tuple[int, ...], progress: Progress) -> State | None:
        """The state before a character if the network forgets within the warm-ups, else None."""
        start = self._document_start(position, progress)
        for times in warm_ups:
            characters = times * self._warm_up
            if characters >= position - start:
                return None
            state, is_forgotten = remembered(self._model, self.ids, [position], characters, progress)
            if is_forgotten[0]:
                self._keyframes.remember(position, state)
                return state
        return None

    def _state_at_once(self, position: int, progress: Progress) -> State | None:
        known = self._nearby(position, self._warm_up, progress)
        return self._forgotten(position, _WARM_UPS[:1], progress) if known is None else known

    def _document_start(self, position: int, progress: Progress) -> int:
        """The beginning of the document that a position is in."""
        return 0 if self._documents is None else self._documents.last(position, progress)

    def _read_next(self, end: int, progress: Progress) -> None:
        position, state = self._keyframes.head
        stop = min(end, position - position % self._stride + self._stride)
        if position < stop:
            _, ids, unknown = self._read(position, stop)
            documents = self.document_starts(position, stop, progress) - position
            self.unknown_characters += len(unknown)
            self._keyframes.move_head(stop, advance(self._model, ids, state, documents))

    def _as_searched(self, start: int, stop: int) -> str:
        """The characters as the network reads them, in which separators are looked for, as in training."""
        return symbols_of(self._model.vocabulary, self.ids(start, stop))

    def _read(self, start: int, stop: int) -> tuple[str, NDArray[np.int32], NDArray[np.intp]]:
        """Characters, their ids, and the indices of those missing from the vocabulary."""
        text = self.text.read(start, stop)
        codes = code_points(text)
        ids = self._vocabulary.encode_code_points(codes, start)
        return text, ids, np.flatnonzero(self._codes[ids] != codes)


class TraceReader(TextReader):
    """The text of one trace, for analyses that need its activations alone."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        # One character per byte, too, so that positions are those of the trace.
        self.text = LongText.of("".join(trace.characters))
        self.unknown_characters = 0
        self.document_separator = None

    @property
    def model(self) -> CharRNN | None:
        return None

    @property
    def read_until(self) -> int:
        return len(self._trace)

    def length(self, progress: Progress = NO_PROGRESS) -> int:
        return len(self._trace)

    def ids(self, start: int, stop: int) -> NDArray[np.int32]:
        return self._trace.ids[start:stop]

    def document_starts(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Starts:
        return NO_DOCUMENTS

    def trace(self, start: int, stop: int, progress: Progress = NO_PROGRESS) -> Trace:
        return self._trace.until(stop).since(start)

    def traces(
        self,
        start: int = 0,
        stop: int | None = None,
        progress: Progress = NO_PROGRESS,
        *,
        stretch: int | None = None,
    ) -> Iterator[Trace]:
        yield self._trace.until(len(self._trace) if stop is None else stop).since(start)
        progress(1.0)

    def page(self, start: int, stop: int, progress: Progress = NO_PROGRESS, *, at_once: bool = False) -> Page:
        trace = self.trace(start, stop)
        return Page(start, trace.text, trace, True, np.empty(0, np.intp))

    def state(self, position: int, progress: Progress = NO_PROGRESS) -> State:
        raise self._no_model()

    def read_on(self, until: int | None = None, progress: Progress = NO_PROGRESS) -> None:
        raise self._no_model()

    def streams(
        self,
        start: int = 0,
        stop: int | None = None,
        progress: Progress = NO_PROGRESS,
        *,
        most: int = STREAMS,
    ) -> Streams:
        raise self._no_model()

    @property
    def stand_in(self) -> str:
        raise self._no_model()

    def _no_model(self) -> OptionError:
        return OptionError("this analysis needs a model, but only a trace is available")


def substituting(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with an unknown symbol: its own, else the space, else its first symbol."""
    if vocabulary.kind == "bytes" or vocabulary.unknown is not None:
        return vocabulary
    return replace(vocabulary, unknown=vocabulary.symbols.index(" ") if " " in vocabulary.symbols else 0)
