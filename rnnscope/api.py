"""The public API: load or train a model, trace and color a text, search for features, sample text.

In a notebook a trace, a colored text and a result display themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from rnnscope.analysis.find import Find, FindResult
from rnnscope.analysis.targets import Labels, Where
from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText, Facts
from rnnscope.export.read import read_colored
from rnnscope.export.subject import Subject, model_facts
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.session import Session
from rnnscope.text.display import counted
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from rnnscope.training import launch
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Started
from rnnscope.training.options import TrainOptions


class Model:
    """A trained character-level network.

    Example::

        >>> import rnnscope
        >>> model = rnnscope.load("archive-lstm")
        >>> model.architecture.title
        'LSTM 1×256'
        >>> trace = model.trace("Dear Sir, ")
        >>> trace["1/cell"].shape, trace.log_probabilities.shape == (10, len(model.vocabulary))
        ((10, 256), True)
        >>> len(model.sample(20, prime="Dear ", seed=1))
        20
    """

    def __init__(self, network: CharRNN, facts: Facts = ()) -> None:
        """network: the network. facts: short statements about it, such as its name and its losses."""
        self.network = network
        """The torch module."""
        self.facts = facts or (network.architecture.title,)
        """Short statements about the model, for titles."""

    def __repr__(self) -> str:
        return f"<model: {', '.join(self.facts)}>"

    @property
    def architecture(self) -> Architecture:
        """Cell type, sizes and number of layers."""
        return self.network.architecture

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that the network reads and predicts."""
        return self.network.vocabulary

    def trace(self, text: str | bytes) -> Trace:
        """Every recorded quantity of every unit along `text`, with the network's predictions.

        text: T characters, all in the vocabulary; bytes for a model of bytes. `trace["1/cell"]` is
        (T, H) float32, `trace.log_probabilities` (T, V). Raises TextError for a character that the vocabulary
        lacks.
        """
        return record(self.network, self.vocabulary.encode(text))

    def color(self, text: str | bytes, unit: str = "", quantity: str = "") -> ColoredText:
        """`text` colored by one quantity of one unit.

        unit: LAYER/UNIT such as "1/37"; layers count from 1, units from 0. quantity: by default "cell", or
        "hidden" where the cell type has no cell state; "surprise" needs no unit. Raises OptionError for a
        unit or a quantity that the network does not have, and TextError as `trace`.
        """
        Subject.of(unit, quantity, self.architecture)  # an error in an argument precedes the computation
        return color(self.trace(text), unit, quantity, facts=self.facts)

    def sample(
        self,
        length: int,
        *,
        prime: str = "",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> str:
        """Sample `length` characters that continue `prime`, which is not part of the result.

        Without a prime they follow a line break, or the vocabulary's first symbol where it has none.

        temperature: divides the logits; 0 is greedy. top_k: sample from the K most probable characters; 0
        from all. top_p: nucleus sampling, from the smallest set with total probability P. seed: None draws
        another text on every call. Raises TextError for a character of `prime` that the vocabulary lacks, and
        OptionError for a value out of range.
        """
        sampler = Sampler(self.network)
        sampler.feed(self.vocabulary.encode(prime).tolist() if prime else [self.vocabulary.opening])
        sampled = sampler.stream(length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return self.vocabulary.decode([i for i, _ in sampled])


def load(model: str | Path, device: str = "cpu", *, allow_nonfinite: bool = False) -> Model:
    """Load a model.

    model: a model file, a run directory (its best weights), the name of a sample model, or another program's
    checkpoint. device: such as "cpu" or "cuda". allow_nonfinite: accept weights that are NaN or infinite.
    Raises CheckpointError for a file that is missing or not a model.

    Example::

        >>> import rnnscope
        >>> rnnscope.load("archive-gru").architecture.title
        'GRU 1×256'
    """
    path = resolve_model(str(model))
    return Model(
        load_model(path, device, allow_nonfinite=allow_nonfinite), model_facts(path, read_header(path))
    )


def trace(model: Model | str | Path, text: str | bytes) -> Trace:
    """`load(model).trace(text)`. Raises CheckpointError, TextError.

    Example::

        >>> import rnnscope
        >>> trace = rnnscope.trace("archive-lstm", "to be")
        >>> trace.text, trace["1/forget"].shape
        ('to be', (5, 256))
    """
    return (model if isinstance(model, Model) else load(model)).trace(text)


def color(
    source: Trace | Session,
    unit: str = "",
    quantity: str = "",
    *,
    start: int = 0,
    length: int | None = None,
    facts: Facts = (),
    progress: Progress = NO_PROGRESS,
    stretch: int | None = None,
) -> ColoredText:
    """The text of a trace or of a session, colored by one quantity of one unit.

    unit, quantity: as in `Model.color`. start, length: the part of the text; None takes all from `start` on.
    facts: short statements for the page's heading. stretch: characters of a session that are traced at once;
    None chooses as many as fit in some 64 MB. Raises OptionError for a unit or a quantity that the network
    does not have and for a `start` beyond the text, TextError, and Cancelled.

    Example::

        >>> import rnnscope
        >>> model = rnnscope.load("archive-lstm")
        >>> colored = rnnscope.color(model.trace("Dear Sir, "), "1/37", "forget")
        >>> colored
        <10 characters colored by neuron 1/37, forget>
        >>> colored.save("page.html")
        >>> session = rnnscope.Session(model, "one, two, three\\n" * 100)
        >>> rnnscope.color(session, quantity="surprise", start=800, length=20)
        <20 characters colored by surprise of each character>
    """
    reader = TextReader.of_trace(source) if isinstance(source, Trace) else source.reader
    subject = Subject.of(unit, quantity, source.architecture)
    total = reader.length(Progress(is_cancelled=progress.is_cancelled))
    if not 0 <= start < max(1, total):
        raise OptionError(f"the start is {start:,}, but the text has {counted(total, 'character')}")
    stop = total if length is None else min(total, start + length)
    return read_colored(reader, subject, start, stop, facts=facts, progress=progress, stretch=stretch)


def train(
    text: str | Path,
    *,
    run: str | Path | None = None,
    on_event: Callable[[Event], object] | None = None,
    **options: Any,
) -> Model:
    """Train a model on a text file, as `rnnscope train` does, and return the run's best model.

    text: the path of the file. run: the run directory; by default a new one in `runs`. on_event: called with
    every event, such as `Progress` and `Evaluated`. options: the fields of `TrainOptions`, such as
    `hidden_size=512`; one of `steps`, `minutes` and `epochs` is required. Raises OptionError, TextError,
    RunError, DeviceError.

    Example::

        >>> import pathlib, rnnscope
        >>> _ = pathlib.Path("hello.txt").write_text("hello, hello\\n" * 50)
        >>> sizes = {"hidden_size": 16, "batch_size": 4, "sequence_length": 16}
        >>> model = rnnscope.train("hello.txt", run="hello", cell="gru", steps=10, threads=1, **sizes)
        >>> model.architecture.title
        'GRU 1×16'
    """
    unknown = sorted(options.keys() - {field.name for field in fields(TrainOptions)})
    if unknown:
        raise OptionError(f"train has no option {unknown[0]}; see rnnscope train --help")
    if "\n" in str(text):
        raise OptionError("train needs the path of a text file; write the text to a file first")
    given = TrainOptions(text=str(text), run=None if run is None else str(run), **options)
    if not given.has_budget:
        raise OptionError("the training time is missing; give steps=…, minutes=… or epochs=…")
    directories = []

    def handle(event: Event) -> None:
        if isinstance(event, Started):
            directories.append(event.run)
        if on_event is not None:
            on_event(event)

    launch.train(given, Controls(), handle, given=options)
    return load(directories[0])


def find(
    source: Model | Trace,
    text: str | bytes | None = None,
    feature: str | None = None,
    *,
    pattern: str | None = None,
    where: Where = "inside",
    labels: ArrayLike | None = None,
    quantity: str | None = None,
    top: int = 20,
) -> FindResult:
    """Search for the units that encode a feature of the text.

    source: a model with a text, or a trace. The feature is one of: `feature`, the name of a built-in one;
    `pattern`, a regular expression; `labels`, (T,) with 1 for on, 0 for off and NaN to ignore, or any
    numbers. where: "inside" a match, or the one character "before" or "after" it. quantity: such as "cell";
    by default all. top: the number of units returned. Raises OptionError, TextError.

    Example::

        >>> import rnnscope
        >>> model = rnnscope.load("archive-lstm")
        >>> found = rnnscope.find(model, "a line of text, then\\n" * 40, pattern="line", top=3)
        >>> len(found.results)
        3
    """
    query = Find(
        feature=feature,
        pattern=pattern,
        where=where,
        labels=None if labels is None else Labels.of(labels),
        quantity=quantity,
        limit=top,
    )
    if isinstance(source, Trace):
        if text is not None:
            raise OptionError("a trace has its own text; give a trace alone, or a model and a text")
        return Session.of_trace(source).ask(query)
    if text is None:
        raise OptionError("the text is missing; use find(model, text, …)")
    return Session(source, text).ask(query)
