"""A session: a model, a text, and the results computed for them.

    session = Session.open("archive-lstm", "input.txt")
    result = session.ask(Saturation())
    result.to_dict()

The command line, the screens, `--json` and a notebook all get their results from `Session.ask`.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from rnnscope.analysis.query import Context, Query, Result
from rnnscope.errors import OptionError
from rnnscope.progress import NO_PROGRESS, Progress

if TYPE_CHECKING:
    from rnnscope.cache import Cache
    from rnnscope.network.architecture import Architecture
    from rnnscope.network.model import CharRNN
    from rnnscope.text.long import LongText
    from rnnscope.tracing.reader import TextReader
    from rnnscope.tracing.trace import Trace

R = TypeVar("R", bound=Result)

_DIGESTED_AT_ONCE = 1 << 16
_MOST_RESULTS = 64
"""The number of results kept in memory; the least recently used are dropped first."""


class HasNetwork(Protocol):
    """A model of the public API, which `rnnscope.load` returns."""

    @property
    def network(self) -> CharRNN: ...


class Session:
    """A model and a text for queries. Thread-safe.

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
        cache: Cache | None = None,
        model_name: str = "model",
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """text: the text itself; `Session.open` takes the name of a file. name: what the text is called.

        training_text: gives the text that the model was trained on, for comparisons with n-gram models.
        cache: where results are kept on disk; without one they are kept in memory. model_name: the name of
        the model in titles. options: the training options that its file records.
        """
        from rnnscope.network.model import CharRNN
        from rnnscope.text.long import LongText
        from rnnscope.tracing.reader import TextReader

        network = model if isinstance(model, CharRNN) else model.network
        if isinstance(text, str | bytes):
            text = LongText.of(text, name, network.vocabulary.kind)
        self._set(TextReader(network, text), name, training_text, cache)
        self._model_name = model_name
        self._options = options

    @classmethod
    def open(
        cls,
        model: str,
        text: str | None = None,
        *,
        allow_nonfinite: bool = False,
        keep: bool = False,
        progress: Progress = NO_PROGRESS,
    ) -> Session:
        """A session on a model and a text that are named as on the command line.

        model: a path, a run directory (its best weights), a sample model's name, or another program's
        checkpoint. text: a file; None opens the model's validation text if it is available, else a text that
        the model writes. allow_nonfinite: accept weights that are NaN or infinite. keep: keep results in a
        file next to the model. progress: checked while a pipe has nothing to read. Raises CheckpointError,
        TextError, Cancelled.
        """
        from rnnscope.cache import Cache, digest_of
        from rnnscope.network.checkpoint import load_model
        from rnnscope.network.formats import files_of, read_header
        from rnnscope.network.locate import model_name, resolve_model, sidecar
        from rnnscope.opening import open_text

        path = resolve_model(model)
        network, header = load_model(path, allow_nonfinite=allow_nonfinite), read_header(path)
        opening = open_text(network, header, path, text, progress)
        cache = Cache(sidecar(path, ".findings.json"), digest_of(files_of(path))) if keep else None
        options = header.training.get("options")
        return cls(
            network,
            opening.text,
            name=opening.source,
            training_text=opening.training_text,
            cache=cache,
            model_name=model_name(path),
            options=options if isinstance(options, dict) else {},
        )

    @classmethod
    def of_trace(cls, trace: Trace) -> Session:
        """A session on one trace. Queries that need the network raise OptionError."""
        from rnnscope.tracing.reader import TextReader

        session = cls.__new__(cls)
        session._set(TextReader.of_trace(trace), "trace", lambda: None, None)
        session._model_name, session._options = "trace", {}
        session._architecture = trace.architecture
        return session

    def _set(
        self, reader: TextReader, name: str, training_text: Callable[[], str | None], cache: Cache | None
    ) -> None:
        self.reader = reader
        """The text under the network: characters, states, and the activations of any part."""
        self.name = name
        """The source of the text, such as `input.txt`."""
        self.training_text = training_text
        self.cache = cache
        self._results: OrderedDict[Query[Any], Result] = OrderedDict()
        self._digests: dict[int | None, str] = {}
        self._lock = threading.Lock()
        if reader.model is not None:
            self._architecture = reader.model.architecture

    def on(self, text: str, name: str, *, model: CharRNN | None = None) -> Session:
        """A session on another text with the same model, or another one with its vocabulary.

        Raises OptionError for a trace without a model.
        """
        model = model or self.reader.model
        if model is None:
            raise OptionError("another text needs a model, but only a trace is available")
        return Session(
            model,
            text,
            name=name,
            training_text=self.training_text,
            model_name=self._model_name,
            options=self._options,
        )

    @property
    def architecture(self) -> Architecture:
        """The network's architecture."""
        return self._architecture

    def ask(self, query: Query[R], progress: Progress = NO_PROGRESS) -> R:
        """The result of a query, cached if it was computed before.

        Raises OptionError for a query that does not fit the network, TextError for a text that is too short
        for it, and Cancelled where `progress` is cancelled.
        """
        with self._lock:
            if query in self._results:
                self._results.move_to_end(query)
                known: R = self._results[query]  # type: ignore[assignment]
                return known
        query.check(self._architecture)
        result = self._kept(query, progress)
        if result is None:
            result = query.run(
                Context(
                    self.reader,
                    self._architecture,
                    progress,
                    self.ask,
                    self.training_text,
                    self._model_name,
                    self._options,
                )
            )
            if self.cache is not None and query.kept_as is not None:
                self.cache.put(query, self._digest(query, progress), result)
        with self._lock:
            self._results[query] = result
            if len(self._results) > _MOST_RESULTS:
                self._results.popitem(last=False)
        return result

    def known(self, query: Query[R], progress: Progress = NO_PROGRESS) -> R | None:
        """The result of a query if it is in memory or in the cache, without computing it; else None."""
        with self._lock:
            if query in self._results:
                return cast("R", self._results[query])
        return self._kept(query, progress)

    def _kept(self, query: Query[R], progress: Progress) -> R | None:
        """The cached result on disk, for queries that are cached."""
        if self.cache is None or query.kept_as is None:
            return None
        kept = cast("R | None", self.cache.get(query, self._digest(query, progress), query.kept_as))
        return kept if kept is not None and query.accepts(kept, self._architecture) else None

    def _digest(self, query: Query[Any], progress: Progress) -> str:
        """The digest of the characters that a query reads."""
        return self.text_digest(getattr(query, "characters", 0) or None, progress)

    def text_digest(self, characters: int | None = None, progress: Progress = NO_PROGRESS) -> str:
        """The SHA-256 of the text's first characters, or of all, and of what separates its documents.

        Raises TextError, Cancelled.
        """
        if characters not in self._digests:
            digest = hashlib.sha256((self.reader.document_separator or "").encode("utf-8", "surrogatepass"))
            start, stop = 0, sys.maxsize if characters is None else characters
            while part := self.reader.read(start, min(start + _DIGESTED_AT_ONCE, stop)):
                progress.check()
                digest.update(part.encode("utf-8", "surrogatepass"))
                start += len(part)
            self._digests[characters] = digest.hexdigest()
        return self._digests[characters]
