"""The library in a few lines: train or load a model, trace a text, find who knows what, let it write.

In a notebook a trace, a colored text and what was found show themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnscope.analysis import search
from rnnscope.analysis.findings import Findings
from rnnscope.analysis.questions import Where, question
from rnnscope.commands.found import as_html
from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText, Facts
from rnnscope.export.subject import SURPRISE, Subject, model_facts
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, read_header, resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from rnnscope.training import launch
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Started
from rnnscope.training.options import TrainOptions


@dataclass(frozen=True, eq=False, repr=False)
class TracedText(Trace):
    """A trace that shows itself in a notebook, colored by what each character cost the model."""

    facts: Facts = ()
    """What there is to say of the model, in a few words each."""

    def colored(self, unit: str = "", quantity: str = "") -> ColoredText:
        """The text as a neuron colors it: `trace.colored("1/37", "cell")`.

        Without a quantity it is the cell, or hidden where there is none; "surprise" needs no unit. Raises
        OptionError for a neuron or a quantity that the network does not have.
        """
        return ColoredText.of(Subject.of(unit, quantity, self.architecture).selection(self), facts=self.facts)

    def __repr__(self) -> str:
        return (
            f"<trace of {len(self):,} characters, {self.architecture.title}: {', '.join(self.activations)}>"
        )

    def _repr_html_(self) -> str:
        shape = f"{', '.join(self.activations)}: {len(self):,} × {self.architecture.hidden_size} each"
        return replace(self.colored(quantity=SURPRISE), facts=(*self.facts, shape))._repr_html_()


@dataclass(frozen=True, repr=False)
class FoundNeurons(Findings):
    """Findings that show themselves in a notebook, as a table."""

    def _repr_html_(self) -> str:
        return as_html(self)


class Model:
    """A trained network, to look into and to let write."""

    def __init__(self, network: CharRNN, facts: Facts = ()) -> None:
        """facts: what there is to say of it, in a few words each."""
        self.network = network
        """The torch module."""
        self.facts = facts or (network.architecture.title,)

    def __repr__(self) -> str:
        return f"<model: {', '.join(self.facts)}>"

    @property
    def architecture(self) -> Architecture:
        return self.network.architecture

    @property
    def vocabulary(self) -> Vocabulary:
        return self.network.vocabulary

    def trace(self, text: str | bytes) -> TracedText:
        """All quantities of all units along `text`: `model.trace(text)["1/cell"]` is (T, H).

        Raises TextError for a character that the vocabulary lacks.
        """
        trace = record(self.network, self.vocabulary.encode(text))
        parts = {field.name: getattr(trace, field.name) for field in fields(trace)}
        return TracedText(**parts, facts=self.facts)

    def color(self, text: str | bytes, unit: str = "", quantity: str = "") -> ColoredText:
        """`text` as a neuron colors it; see `TracedText.colored`. Raises TextError, OptionError."""
        Subject.of(unit, quantity, self.architecture)  # a slip is told before the work
        return self.trace(text).colored(unit, quantity)

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
        """`length` characters that follow `prime`, which is not repeated. Raises TextError, OptionError."""
        sampler = Sampler(self.network)
        sampler.feed(self.vocabulary.encode(prime).tolist())
        written = sampler.stream(length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return self.vocabulary.decode([i for i, _ in written])


def load(model: str | Path, device: str = "cpu") -> Model:
    """The model of a path, a run directory (its best) or a sample model's name. Raises CheckpointError."""
    path = resolve_model(str(model))
    return Model(load_model(path, device), model_facts(path, read_header(path)))


def trace(model: Model | str | Path, text: str | bytes) -> TracedText:
    """`load(model).trace(text)`. Raises CheckpointError, TextError."""
    return (model if isinstance(model, Model) else load(model)).trace(text)


def train(
    text: str | Path,
    *,
    run: str | Path | None = None,
    on_event: Callable[[Event], object] | None = None,
    **options: Any,
) -> Model:
    """Learn a text file as `rnnscope train` does, without a screen, and return the run's best model.

    run: where the run is written; by default a new directory in `runs`. on_event: called with every event,
    such as Progress and Evaluated. options: the fields of `TrainOptions`, `hidden_size=512, minutes=5`; one
    of steps, minutes and epochs says how long. Raises RnnscopeError for what is wrong.
    """
    unknown = sorted(options.keys() - {field.name for field in fields(TrainOptions)})
    if unknown:
        raise OptionError(f"there is no option {unknown[0]}; rnnscope train --help lists them all")
    if "\n" in str(text):
        raise OptionError("train reads a text file: write the text into one, and give its path")
    asked = TrainOptions(text=str(text), run=None if run is None else str(run), **options)
    if not asked.has_budget:
        raise OptionError("say how long to train: steps=…, minutes=… or epochs=…")
    directory = []

    def say(event: Event) -> None:
        if isinstance(event, Started):
            directory.append(event.run)
        if on_event is not None:
            on_event(event)

    launch.train(asked, Controls(), say, given=options)
    return load(directory[0])


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
) -> FoundNeurons:
    """Which neurons know a built-in feature, where a pattern matches, or what is labeled by hand.

    source: a model with a text, or a trace. where: inside a match, or the one character "before" or "after"
    it. labels: (T,) true or 1 for on, false or 0 for off, NaN to ignore; or any numbers. quantity: one, such
    as "cell"; by default all. Raises OptionError, TextError.
    """
    asked = question(feature, pattern, None if labels is None else np.asarray(labels), where=where)
    if isinstance(source, Trace):
        if text is not None:
            raise OptionError("a trace has its text already: give a model and a text, or a trace")
        found = search.find_in_trace(source, asked, quantity=quantity, top=top)
    elif text is None:
        raise OptionError("a model needs a text to look for it in: find(model, text, …)")
    else:
        ids = source.vocabulary.encode(text)
        found = search.find(source.network, ids, asked, quantity=quantity, top=top)
    return FoundNeurons(**{field.name: getattr(found, field.name) for field in fields(found)})
