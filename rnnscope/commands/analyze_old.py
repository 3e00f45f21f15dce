"""`rnnscope analyze`: what a model's gates do, where it errs, how far back it feels, what n-grams know."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from rnnscope.commands.output import say_json
from rnnscope.errors import OptionError, TextError

if TYPE_CHECKING:
    from rnnscope.commands.analyses import Judged, Told

_RANGE = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True)
class Options:
    """Analyze a model on a text; ask for one thing or several.

    n-grams and words are learnt from the first nine tenths of the text, or from --train, and the model is
    judged on the rest. Positions are counted from 0, from the beginning of the text.
    """

    model: Annotated[str, tyro.conf.Positional]
    """A model file, a run directory (its best), or the name of a sample model."""
    text: Annotated[str, tyro.conf.Positional]
    """The text: a file, or - for standard input."""
    saturation: bool = False
    """How often each unit's gates are shut, below 0.1, and open, above 0.9."""
    errors: bool = False
    """What would have helped where the true character got less than a half: the paper's breakdown."""
    matches: bool = False
    """The loss at closing brackets and quotes against how far back they were opened."""
    gradients: bool = False
    """How far back a loss is felt, layer by layer."""
    ngrams: bool = False
    """The model beside n-grams of orders 1 to 9, and where they differ most."""
    select: Annotated[str | None, tyro.conf.arg(metavar="START:STOP")] = None
    """Which neurons are on over exactly these characters, and where else are they?"""
    threshold: float = 0.3
    """Of --select: from where on a neuron is on, either way."""
    beside: str | None = None
    """Of --gradients: another model, to see the two side by side; it must know the text's characters."""
    distance: int = 100
    """Of --gradients: how many steps back to look."""
    train: str | None = None
    """Another text for n-grams and words to learn from; then the whole of TEXT is judged."""
    held_out: float = 0.1
    """The share of TEXT, its end, that is judged."""
    characters: int | None = None
    """Read only so many characters: of the whole text, or of the part that is judged."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    json: bool = False
    """Print one JSON object."""


def run(options: Options) -> int:
    _check(options)

    from rnnscope.network.header import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.corpus import load_ids

    path = resolve_model(options.model)
    vocabulary = read_header(path).vocabulary
    ids = load_ids(options.text, vocabulary)  # before torch: a bad text is told at once
    learnt = None if options.train is None else load_ids(options.train, vocabulary)

    from rnnscope.commands import analyses
    from rnnscope.network.checkpoint import load_model
    from rnnscope.training.device import choose_device

    device = choose_device(options.device)
    model = load_model(path).to(device)
    read = ids[: options.characters]
    span = _span(options.select, len(read))
    found: dict[str, Any] = {"model": str(path), "text": options.text}
    if options.saturation:
        with _progress("reading, for the gates") as told:
            found["saturation"] = analyses.saturation_facts(model, read, told)
    if options.errors or options.matches or options.ngrams:
        with _progress("reading, for the losses") as told:
            judged = analyses.judge(model, *_cut(options, ids, learnt), told)
        found |= _judged(options, judged)
    if options.gradients:
        with _progress("going back through time") as told:
            found["gradients"] = [analyses.gradient_facts(model, read, options.distance, told)]
        if options.beside is not None:
            other = load_model(resolve_model(options.beside)).to(device)
            others_ids = load_ids(options.text, other.vocabulary)[: options.characters]
            with _progress("and through the other") as told:
                found["gradients"].append(analyses.gradient_facts(other, others_ids, options.distance, told))
    if span is not None:
        with _progress("matching") as told:
            found["selection"] = analyses.selection_facts(model, read, span, options.threshold, told)
    _print(found, as_json=options.json)
    return 0


def _judged(options: Options, judged: Judged) -> dict[str, Any]:
    from rnnscope.commands import analyses

    found: dict[str, Any] = {"judged": {"start": judged.start, "characters": len(judged.log_probabilities)}}
    if options.ngrams:
        found["ngrams"] = analyses.ngram_facts(judged)
    if options.errors:
        found["errors"] = analyses.error_facts(judged)
    if options.matches:
        found["matches"] = analyses.match_facts(judged)
    return found


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return

    from rnnscope.commands.analysis_tables import print_analyses

    print_analyses(found)


def _check(options: Options) -> None:
    asked = (options.saturation, options.errors, options.matches, options.gradients, options.ngrams)
    if not any(asked) and options.select is None:
        raise OptionError(
            "say what to analyze: --saturation, --errors, --matches, --gradients, --ngrams or --select 12:15"
        )
    if options.select is not None and not _RANGE.fullmatch(options.select):
        raise OptionError(f"--select {options.select} should be two positions of the text, such as 120:135")
    if options.beside is not None and not options.gradients:
        raise OptionError("--beside is for --gradients: ask for them too")
    if options.beside is not None and options.text == "-":
        raise OptionError("--beside reads the text twice, which standard input cannot be: give a file")
    if options.train == options.text == "-":
        raise OptionError("standard input can be the text or what --train names, not both")
    if options.distance < 1:
        raise OptionError(f"--distance is {options.distance}, but must be at least 1")
    if options.characters is not None and options.characters < 2:
        raise OptionError(f"--characters is {options.characters}, but must be at least 2")
    if not 0.0 < options.held_out < 1.0:
        raise OptionError(f"--held-out {options.held_out} is not a share between 0 and 1")
    if not 0.0 <= options.threshold < 1.0:
        raise OptionError(f"--threshold {options.threshold} is not from 0 to below 1, as neurons are")


def _cut(options: Options, ids: Any, learnt: Any | None) -> tuple[Any, Any, int]:
    """What is learnt from, what is judged, and where in the text that begins."""
    start = 0 if learnt is not None else int(len(ids) * (1 - options.held_out))
    judged = ids[start:][: options.characters]
    if learnt is None:
        learnt = ids[:start]
    if len(judged) < 2 or len(learnt) < 2:
        raise TextError(f"{options.text} is too short to learn n-grams from and be judged; see --train")
    return learnt, judged, start


def _span(select: str | None, length: int) -> tuple[int, int] | None:
    if select is None or not (found := _RANGE.fullmatch(select)):
        return None
    start, stop = int(found[1]), int(found[2])
    if not start < stop <= length:
        raise OptionError(f"--select {select} is no stretch of the {length:,} characters that are read")
    return start, stop


@contextmanager
def _progress(title: str) -> Iterator[Told | None]:
    """A bar on standard error while it is a terminal; it is gone when the work is done."""
    if not sys.stderr.isatty():
        yield None
        return

    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=1.0)
        yield lambda done: progress.update(task, completed=done)
