"""`rnnscope train`: from options to a training session, on a screen or in a log."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from rnnscope.commands.reading import (
    OnEvent,
    ThemeChoice,
    has_screen,
    read_on_screen,
    read_plainly,
    refuse_terminal_as_text,
)
from rnnscope.errors import OptionError
from rnnscope.text.reading import STANDARD_INPUT
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.options import TrainOptions, fine_tuned, resumed

if TYPE_CHECKING:
    from rnnscope.training.events import Event


@dataclass(frozen=True)
class Options:
    """Learn a text live: watch the loss fall, read what the network writes, look into its neurons.

    Without a terminal, or with --plain, it is a log. q or Ctrl-C saves and ends; --resume goes on.
    """

    train: tyro.conf.OmitArgPrefixes[TrainOptions]
    """The text, the network, the training and the run."""
    plain: bool = False
    """A log in place of the screen."""
    json: bool = False
    """The events of the run as JSON, one a line, in place of the screen."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    given: tyro.conf.Suppress[frozenset[str]] = frozenset()
    """The names of the options that were typed."""


def run(options: Options) -> int:
    asked = options.train
    known = _checked(asked, options.given)

    def start(controls: Controls, say: OnEvent) -> None:
        from rnnscope.training.launch import train

        train(asked, controls, say, given=options.given)

    state = ControlState(temperature=known.temperature, prime=known.prime)
    if has_screen(plain=options.plain, json=options.json):
        refuse_terminal_as_text(known.text)

        def start_with_curves(controls: Controls, say: OnEvent) -> None:
            start(controls, with_curves(say))

        return read_on_screen(start_with_curves, state, corpus=known.text, theme=options.theme)
    return read_plainly(start, state, json=options.json)


def with_curves(on_event: OnEvent) -> OnEvent:
    """Pass on every event, and before them the earlier progress of a run that is resumed, for its charts."""

    def say(event: Event) -> None:
        from rnnscope.training.events import Started
        from rnnscope.training.run import read_curves

        if isinstance(event, Started) and event.resumed:
            for earlier in read_curves(Path(event.run)):
                on_event(earlier)
        on_event(event)

    return say


def _checked(asked: TrainOptions, given: frozenset[str]) -> TrainOptions:
    """The options that will be in force. What can be wrong is raised before torch or a screen is there."""
    if asked.resume is not None:
        from rnnscope.training.run import read_run

        header = read_run(Path(asked.resume)).header
        recorded, corpus = header.get("options"), header.get("corpus")
        options = resumed(
            TrainOptions.from_json(recorded if isinstance(recorded, dict) else {}), asked, given
        )
        if not asked.text and isinstance(corpus, dict):  # where the text was last found
            options = replace(options, text=str(corpus.get("path", options.text)))
        if options.text == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty():
            raise OptionError(
                f"the text of {asked.resume} came through standard input: pipe it in again, "
                "or name a file that holds it as TEXT"
            )
        return options
    if not asked.text:
        raise OptionError("TEXT is missing: name a text to learn, or a run to go on with by --resume RUN")

    from rnnscope.text.reading import check_text

    check_text(asked.text, as_bytes=asked.encoding == "bytes")
    if asked.run is not None:
        from rnnscope.training.run import refuse_a_run

        refuse_a_run(Path(asked.run))
    if asked.init_from is not None:
        from rnnscope.network.header import read_header
        from rnnscope.network.locate import resolve_model

        model = read_header(resolve_model(asked.init_from))
        return fine_tuned(model.architecture, model.vocabulary.encoding, asked, given)
    return asked
