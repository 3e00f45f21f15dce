"""`rnnscope train`: from options to a training session, on a screen or in a log."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, make_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import tyro

from rnnscope.commands.opened import Opened
from rnnscope.commands.reading import (
    has_screen,
    read_on_screen,
    read_plainly,
    refuse_terminal_as_text,
)
from rnnscope.config import Config, config_path
from rnnscope.errors import OptionError, RunError
from rnnscope.text.reading import STANDARD_INPUT
from rnnscope.theme.colors import ThemeChoice
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.options import TrainOptions, fine_tuned, resumed

if TYPE_CHECKING:
    from rnnscope.training.events import Event, OnEvent


EXAMPLES = (
    "rnnscope train archive                  train on a generated text, live; q saves and quits",
    "rnnscope train notes.txt --plain --minutes 5 --cell gru --hidden-size 512",
    "rnnscope train --resume runs/NAME       continue a run exactly where it stopped",
)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "encoding", "minimum_count", "held_out", "test", "document_separator"),
    "model": (
        "cell",
        "hidden_size",
        "layers",
        "embedding_size",
        "tied",
        "activation",
        "dropout",
        "forget_bias",
        "init_from",
    ),
    "optimization": (
        "sequence_length",
        "batch_size",
        "reset_probability",
        "optimizer",
        "learning_rate",
        "momentum",
        "smoothing",
        "weight_decay",
        "l1",
        "activity_penalty",
        "change_penalty",
        "clip_norm",
        "clip_value",
    ),
    "schedule": (
        "steps",
        "minutes",
        "epochs",
        "schedule",
        "warmup_steps",
        "anneal_fraction",
        "decay_factor",
        "decay_every",
        "plateau_patience",
        "patience",
        "evaluate_every",
    ),
    "run": ("run", "resume", "rescue", "snapshot_megabytes", "seed", "device", "precision", "threads"),
    "display": ("plain", "json", "theme", "large", "record", "temperature", "prime"),
}
"""The groups of `train --help`."""


@dataclass(frozen=True)
class Options:
    """Train a model on a text: watch its loss and samples, and look into its neurons.

    Without a terminal, or with --plain, it prints a log. q or Ctrl-C saves and ends; --resume continues.
    """

    train: TrainOptions
    plain: bool = False
    """Print a log; no screen."""
    json: bool = False
    """Print the events of the run as JSON, one per line; no screen."""
    theme: ThemeChoice = "auto"
    """Colors of the screen; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the screen in this new file, as an asciicast for asciinema."""
    given: frozenset[str] = frozenset()
    """The names of the options that were typed."""


def parse(arguments: Sequence[str]) -> Options | None:
    """The options in `arguments`; None if the help was printed. Raises OptionError."""
    from rnnscope.commands.configured import config_for
    from rnnscope.commands.parsing import parse as parse_options

    config = config_for(Options, arguments)
    typed = parse_options(_grouped(), "train", arguments, EXAMPLES)
    if typed is None or config is None:
        return None
    values: dict[str, Any] = {}
    for group in GROUPS:
        values |= vars(getattr(typed, group))
    given = typed.given | {name for name in ("text",) if values[name]}
    shown = {name: values.pop(name) for name in ("plain", "json", "theme", "large", "record")}
    if "theme" not in given:
        shown["theme"] = config.theme
    return Options(_configured(values, given, config), **shown, given=given)


def _configured(values: Mapping[str, Any], given: Collection[str], config: Config) -> TrainOptions:
    """The typed options, with the defaults of the configuration; a resumed run keeps its own.

    Raises OptionError, which names the file if typed options alone are in order.
    """
    if "resume" in given:
        return TrainOptions(**values)
    defaults = {name: value for name, value in config.train_options.items() if name not in given}
    try:
        return TrainOptions(**{**values, **defaults})
    except OptionError as error:
        TrainOptions(**values)
        raise OptionError(f"{error}; see [train] in {config_path()}") from None


def _grouped() -> Any:
    """The options as a dataclass of groups, which the help shows one by one."""
    from rnnscope.commands.parsing import field_docs

    types: dict[str, Any] = {}
    docs: dict[str, str] = {}
    for kind in (Options, TrainOptions):
        types |= get_type_hints(kind, include_extras=True)
        docs |= field_docs(kind)

    def option(name: str) -> tuple[str, Any, Any]:
        default = getattr(TrainOptions if hasattr(TrainOptions, name) else Options, name)
        return name, Annotated[types[name], tyro.conf.arg(help=docs[name])], field(default=default)

    groups = {title: make_dataclass(title, map(option, names)) for title, names in GROUPS.items()}
    grouped = make_dataclass(
        "Grouped",
        [
            *((title, Annotated[kind, tyro.conf.OmitArgPrefixes]) for title, kind in groups.items()),
            ("given", tyro.conf.Suppress[frozenset[str]], frozenset()),
        ],
    )
    grouped.__doc__ = Options.__doc__
    return grouped


def run(options: Options) -> int:
    known = _checked(options.train, options.given)
    state = ControlState(temperature=known.temperature, prime=known.prime)
    if has_screen(plain=options.plain, json=options.json):
        refuse_terminal_as_text(known.text)
        return read_on_screen(
            partial(_train_with_curves, options),
            state,
            corpus=known.text,
            theme=options.theme,
            large=options.large,
            record=options.record,
        )
    return read_plainly(partial(_train, options), state, json=options.json)


def opened(options: Options) -> Opened:
    """The screen. Raises RnnscopeError for options that do not fit."""
    from rnnscope.app.screens.train import TrainScreen

    known = _checked(options.train, options.given)
    refuse_terminal_as_text(known.text)
    state = ControlState(temperature=known.temperature, prime=known.prime)
    return Opened(TrainScreen(partial(_train_with_curves, options), corpus=known.text, state=state))


def _train(options: Options, controls: Controls, on_event: OnEvent) -> None:
    from rnnscope.training.launch import train

    train(options.train, controls, on_event, given=options.given)


def _train_with_curves(options: Options, controls: Controls, on_event: OnEvent) -> None:
    _train(options, controls, with_curves(on_event))


def with_curves(on_event: OnEvent) -> OnEvent:
    """Pass on every event, after what the charts of a resumed run show of its earlier part."""

    def pass_on(event: Event) -> None:
        from rnnscope.training.events import Compared, Started
        from rnnscope.training.run import read_baselines, read_curves

        if not (isinstance(event, Started) and event.resumed):
            on_event(event)
            return
        directory = Path(event.run)
        for earlier in read_curves(directory):
            if not isinstance(earlier, Started):
                on_event(earlier)
            elif earlier.step < event.step:
                on_event(replace(earlier, notes=(), unknown_characters=0))
        on_event(event)
        with suppress(RunError):  # damaged ones are computed again
            on_event(Compared(event.step, event.elapsed_seconds, read_baselines(directory)))

    return pass_on


def _checked(asked: TrainOptions, given: frozenset[str]) -> TrainOptions:
    """The effective options, checked before torch is imported or a screen opens."""
    if asked.resume is not None:
        from rnnscope.training.run import read_run

        header = read_run(Path(asked.resume)).header
        recorded, corpus = header.get("options"), header.get("corpus")
        options = resumed(
            TrainOptions.from_json(recorded if isinstance(recorded, dict) else {}),
            asked,
            given,
            precision=header.get("precision"),
        )
        if not asked.text and isinstance(corpus, dict):  # the last known path of the text
            options = replace(options, text=str(corpus.get("path", options.text)))
        if options.text == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty():
            raise OptionError(
                f"the text of {asked.resume} came through standard input: pipe it in again, "
                "or name a file that holds it as TEXT"
            )
        return options
    if not asked.text:
        raise OptionError("TEXT is missing: name a text to learn, or a run to continue with --resume RUN")

    from rnnscope.corpora.named import is_corpus, resolve_text
    from rnnscope.text.reading import check_text

    if not is_corpus(asked.text):  # generated while the screen is open
        check_text(resolve_text(asked.text), as_bytes=asked.encoding == "bytes")
    if asked.run is not None:
        from rnnscope.training.run import refuse_a_run

        refuse_a_run(Path(asked.run))
    if asked.init_from is not None:
        from rnnscope.network.formats import read_header
        from rnnscope.network.locate import resolve_model

        model = read_header(resolve_model(asked.init_from))
        return fine_tuned(model.architecture, model.vocabulary.encoding, asked, given)
    return asked
