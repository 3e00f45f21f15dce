"""A session: a model, a text, and the results computed for them.

    session = Session.open("archive-lstm", "input.txt")
    result = session.ask(Saturation())
    result.to_dict()

The command line, the screens, `--json` and a notebook all get their results from `Session.ask`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rnnscope.analysis.query import Context, Query, Result
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.network.model import CharRNN
    from rnnscope.text.long import LongText
    from rnnscope.tracing.reader import TextReader
    from rnnscope.tracing.trace import Trace

R = TypeVar("R", bound=Result)

_MOST_RESULTS = 64
"""Results kept in memory; those asked for longest ago go first."""


class HasNetwork(Protocol):
    """A model of the public API, which `rnnscope.load` returns."""

    @property
    def network(self) -> CharRNN: ...


class Session:
    """A model and a text, about which queries are asked. Several threads may ask at once.

    Example::

        >>> import rnnscope
        >>> model = rnnscope.load("archive-lstm")
        >>> session = rnnscope.Session(model, "The ledger of the harbor, in order.\\n" * 8)
        >>> session.ask(rnnscope.Saturation()).positions
        288
    """

    def __init__(
        self,
        model: CharRNN | HasNetwork,
        text: str | bytes | LongText,
        *,
        name: str = "text",
        training_text: Callable[[], str | None] = lambda: None,
    ) -> None:
        """text: the text itself; `Session.open` takes the name of a file. name: what the text is called.

        training_text: gives the text that the model was trained on, for comparisons with n-gram models.
        """
        from rnnscope.network.model import CharRNN
        from rnnscope.text.long import LongText
        from rnnscope.tracing.reader import TextReader

        network = model if isinstance(model, CharRNN) else model.network
        if isinstance(text, str | bytes):
            text = LongText.of(text, name, network.vocabulary.kind)
        self._set(TextReader(network, text), name, training_text)

    @classmethod
    def open(cls, model: str, text: str | None = None) -> Session:
        """A session on a model and a text that are named as on the command line.

        model: a path, a run directory (its best weights), or a sample model's name. text: a file; None opens
        the model's validation text where it is at hand, else a text that the model writes. Raises
        CheckpointError, TextError.
        """
        from rnnscope.network.checkpoint import load_model
        from rnnscope.network.header import read_header
        from rnnscope.network.locate import resolve_model
        from rnnscope.opening import open_text

        path = resolve_model(model)
        network = load_model(path)
        opening = open_text(network, read_header(path), path, text)
        return cls(network, opening.text, name=opening.source, training_text=opening.training_text)

    @classmethod
    def of_trace(cls, trace: Trace) -> Session:
        """A session on one trace. Queries that need the network raise OptionError."""
        from rnnscope.tracing.reader import TextReader

        session = cls.__new__(cls)
        session._set(TextReader.of_trace(trace), "trace", lambda: None)
        session._architecture = trace.architecture
        return session

    def _set(self, reader: TextReader, name: str, training_text: Callable[[], str | None]) -> None:
        self.reader = reader
        """The text under the network: characters, states, and the activations of any part."""
        self.name = name
        """Where the text comes from, such as `input.txt`."""
        self.training_text = training_text
        self._results: OrderedDict[Query[Any], Result] = OrderedDict()
        self._lock = threading.Lock()
        if reader.model is not None:
            self._architecture = reader.model.architecture

    @property
    def architecture(self) -> Architecture:
        """The network's architecture."""
        return self._architecture

    def ask(self, query: Query[R], progress: Progress = NO_PROGRESS) -> R:
        """The answer to a query; one that was computed before is returned as it was.

        Raises OptionError for a query that does not fit the network, TextError for a text that is too short
        for it, and Cancelled where `progress` is cancelled.
        """
        with self._lock:
            if query in self._results:
                self._results.move_to_end(query)
                known: R = self._results[query]  # type: ignore[assignment]
                return known
        query.check(self._architecture)
        result = query.run(Context(self.reader, self._architecture, progress, self.ask, self.training_text))
        with self._lock:
            self._results[query] = result
            if len(self._results) > _MOST_RESULTS:
                self._results.popitem(last=False)
        return result
