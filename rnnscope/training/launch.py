"""A whole training run: from options to the last event, each written to the run directory and passed on.

The command line runs it in its main thread for a plain log, in a worker thread for the screen.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs
import torch

import rnnscope
from rnnscope.corpora.named import corpus_name, resolve_text
from rnnscope.errors import OptionError, RunError, TextError, UnsavedError
from rnnscope.network.architecture import Architecture
from rnnscope.network.cells.fused import missing_kernel
from rnnscope.network.checkpoint import load_model, read_header, resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled
from rnnscope.strict_json import JsonError, decode, shown
from rnnscope.text.corpus import Corpus, load_corpus
from rnnscope.text.display import counted
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.controls import Controls
from rnnscope.training.device import (
    Precision,
    choose_device,
    choose_precision,
    device_title,
    physical_cores,
)
from rnnscope.training.events import Event
from rnnscope.training.learner import Learner
from rnnscope.training.memory import available_bytes, out_of_memory_explained, require_memory
from rnnscope.training.options import (
    BUDGET,
    MOST_THREADS,
    OF_THE_PROCESS,
    TrainOptions,
    fine_tuned,
    given_names,
    resumed,
)
from rnnscope.training.run import LAST, Run, new_run_directory, read_run
from rnnscope.training.streams import fitted
from rnnscope.training.trainer import Pace, Trainer

OnEvent = Callable[[Event], None]

RUNS = Path("runs")
"""Where runs without a name go."""


@dataclass(frozen=True)
class _RecordedCorpus:
    path: str
    sha256: str


@dataclass(frozen=True)
class _Recorded:
    """What run.json has for a run that is resumed."""

    options: dict[str, Any]
    device: str
    precision: Precision
    threads: int
    corpus: _RecordedCorpus


def train(
    options: TrainOptions,
    controls: Controls,
    on_event: OnEvent,
    *,
    given: Collection[str] | None = None,
    pace: Pace | None = None,
) -> None:
    """Train as `options` and `controls` ask, and pass on every event, first Started and last Finished.

    given: the names of the options that were chosen, by default those that differ from the defaults. Raises
    RnnscopeError where something is wrong that the user can put right; what was saved stays.
    """
    prepare = _begun if options.resume is None else _continued
    with out_of_memory_explained("choose a smaller --batch-size, --hidden-size or --layers"):
        try:
            trainer = prepare(options, given_names(options, given), controls, pace)
        except Cancelled:  # before there was anything to save
            return
        with _closing_run(trainer, on_event), closing(trainer.run()) as events:
            for event in events:
                try:
                    trainer.saver.run.write(event)
                except OSError as error:
                    for warning in trainer.saver.trouble(error, event.step):
                        on_event(warning)
                on_event(event)
        if trainer.saver.failure is not None:
            raise UnsavedError(trainer.saver.loss(trainer.learner.step))


@contextmanager
def _closing_run(trainer: Trainer, on_event: OnEvent) -> Iterator[None]:
    """Close the run at the end; what its log could not write is reported."""
    try:
        yield
    finally:
        try:
            trainer.saver.run.close()
        except OSError as error:
            for warning in trainer.saver.trouble(error, trainer.learner.step):
                on_event(warning)


def _begun(options: TrainOptions, given: set[str], controls: Controls, pace: Pace | None) -> Trainer:
    """A new run."""
    if not options.text:
        raise OptionError("there is no TEXT to learn; name a file, - for standard input, or --resume a run")
    device = _prepared_device(options.device, options.threads)
    base = None if options.init_from is None else load_model(resolve_model(options.init_from))
    if base is not None:
        options = fine_tuned(base.architecture, base.vocabulary.encoding, options, given)
    known = None if base is None else base.vocabulary
    corpus = _loaded(options.text, options, known, controls, grow=True)
    _require_validation_text(options, corpus)
    if options.document_separator is not None and not len(corpus.document_starts):
        raise OptionError(
            f"--document-separator {options.document_separator!r} matches nowhere in {corpus.name}"
        )
    require_memory(options, len(corpus.vocabulary), len(corpus.train), available_bytes(device))
    model = _first_model(options, corpus.vocabulary, base).to(device)
    precision, why = _precision(options, model, corpus, device)
    learner = Learner(model, corpus.train, options, device, precision, corpus.starts_in("train"))
    directory = Path(options.run) if options.run else new_run_directory(RUNS, corpus.name)
    run = Run.create(directory, _header(options, corpus, device, precision))
    notes = (
        device_title(device),
        why,
        *corpus.notes,
        *_size_notes(learner, corpus, options),
        *_kernel_note(model, device),
    )
    return Trainer(learner, corpus, options, controls, run, notes=notes, pace=pace)


def _continued(asked: TrainOptions, given: set[str], controls: Controls, pace: Pace | None) -> Trainer:
    """A resumed run; only what `options.resumed` allows is taken from `asked`."""
    directory = Path(str(asked.resume))
    run = Run.reopen(directory)
    try:
        header = read_run(directory).header
        recorded, old_device, precision, threads, text, sha256 = _recorded(header, directory)
        options = resumed(recorded, asked, given)
        resume = run.load_resume()
        if resume is not None:
            _require_something_left(resume[1].get("ended"), asked, recorded, directory)
            _require_same_options(recorded, directory)
        device = _prepared_device(options.device, options.threads if "threads" in given else threads)
        base = None if options.init_from is None or resume else load_model(resolve_model(options.init_from))
        vocabulary = read_header(directory / LAST).vocabulary if resume else base.vocabulary if base else None
        text = asked.text or text
        corpus = _same_text(text, options, controls, directory, sha256, vocabulary, grow=resume is None)
        require_memory(options, len(corpus.vocabulary), len(corpus.train), available_bytes(device))
        model = _first_model(options, corpus.vocabulary, base).to(device)
        notes = [f"{precision}, as before"]
        if resume is None:
            notes.append(f"{directory} ended before its first save: training starts again at step 0")
        if device.type != old_device:
            precision, why = _precision(options, model, corpus, device)
            notes = [f"resumed on {device.type} (started on {old_device}): not bit-identical", why]
        learner = Learner(model, corpus.train, options, device, precision, corpus.starts_in("train"))
        trainer = Trainer(
            learner,
            corpus,
            options,
            controls,
            run,
            resume=resume,
            restarted=resume is None,
            notes=(
                device_title(device),
                *notes,
                *corpus.notes,
                *_size_notes(learner, corpus, options),
                *_kernel_note(model, device),
            ),
            pace=pace,
        )
        run.record_start(corpus.path)
        return trainer
    except BaseException:
        run.close()
        raise


def _precision(
    options: TrainOptions, model: CharRNN, corpus: Corpus, device: torch.device
) -> tuple[Precision, str]:
    sizes = fitted(len(corpus.train), options.sequence_length, options.batch_size)
    return choose_precision(options.precision, model, device, *sizes)


def _same_text(
    text: str,
    options: TrainOptions,
    controls: Controls,
    directory: Path,
    sha256: str,
    vocabulary: Vocabulary | None,
    *,
    grow: bool,
) -> Corpus:
    """The corpus of a resumed run, from wherever its text lies now. Raises RunError for another text."""
    try:
        corpus = _loaded(text, options, vocabulary, controls, grow=grow)
    except TextError as error:
        raise RunError(
            f"{error}; {directory} was trained on this text: put it back, or name its new place as TEXT"
        ) from error
    if corpus.sha256 != sha256:
        raise RunError(
            f"{text} is not the text that {directory} began with: put that back, name its new place as TEXT, "
            "or start a new run with --init-from"
        )
    return corpus


def _prepared_device(name: str, threads: int) -> torch.device:
    torch.set_num_threads(threads or physical_cores())
    return choose_device(name)


def _loaded(
    text: str, options: TrainOptions, vocabulary: Vocabulary | None, controls: Controls, *, grow: bool
) -> Corpus:
    """The text as the options split it; a given vocabulary keeps its ids, and may `grow` where it must.

    Raises TextError, Cancelled.
    """
    corpus = load_corpus(
        resolve_text(text),
        encoding=options.encoding,
        held_out=options.held_out,
        test=options.test,
        minimum_count=options.minimum_count,
        vocabulary=vocabulary,
        grow=grow,
        document_separator=options.document_separator,
        cache=Path(platformdirs.user_cache_dir("rnnscope")),
        progress=controls.until_stopped,
    )
    known_as = corpus_name(corpus.path)
    return corpus if known_as is None else replace(corpus, name=known_as)


def _require_validation_text(options: TrainOptions, corpus: Corpus) -> None:
    if options.evaluates_at_fixed_steps and len(corpus.held_out) < 2:
        raise OptionError(f"{corpus.name} is too short for validation, which --patience and plateau need")


def _new_model(options: TrainOptions, vocabulary: Vocabulary) -> CharRNN:
    architecture = Architecture(
        cell=options.cell,
        vocabulary_size=len(vocabulary),
        hidden_size=options.hidden_size,
        layers=options.layers,
        embedding_size=options.embedding_size,
        activation=options.activation,
        tied=options.tied,
    )
    generator = torch.Generator().manual_seed(options.seed)
    return CharRNN(
        architecture,
        vocabulary,
        dropout=options.dropout,
        forget_bias=options.forget_bias,
        generator=generator,
    )


def _first_model(options: TrainOptions, vocabulary: Vocabulary, base: CharRNN | None) -> CharRNN:
    """The model that training starts from: fresh weights, or those of `base` where it is trained further."""
    torch.manual_seed(options.seed)
    model = _new_model(options, vocabulary)
    if base is not None:
        _copy_weights(base, model)
    return model


@torch.no_grad()
def _copy_weights(base: CharRNN, model: CharRNN) -> None:
    """Copy what `base` learned; rows and columns of symbols that it did not know stay as freshly drawn.

    New symbols come after the known ones, so that the old weights are the first corner of the new.
    """
    grown = model.tensors()
    for name, old in base.tensors().items():
        corner = tuple(slice(size) for size in old.shape)
        grown[name][corner] = old


def _header(
    options: TrainOptions, corpus: Corpus, device: torch.device, precision: Precision
) -> dict[str, Any]:
    """What run.json keeps: enough to know how the run was made, and to go on with it."""
    return {
        "options": options.to_json(),
        "seed": options.seed,
        "device": device.type,
        "hardware": device_title(device),
        "precision": precision,
        "threads": torch.get_num_threads(),
        "corpus": {
            "name": corpus.name,
            "path": corpus.path,
            "sha256": corpus.sha256,
            "characters": len(corpus.train) + len(corpus.held_out) + len(corpus.test),
        },
        "versions": {
            "rnnscope": rnnscope.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
    }


def _recorded(
    header: Mapping[str, Any], directory: Path
) -> tuple[TrainOptions, str, Precision, int, str, str]:
    """What `_header` wrote: options, device, precision, threads, and the text's path and hash."""
    try:
        known = decode(_Recorded, header)
    except JsonError as error:
        raise RunError(
            f"{directory}/run.json is damaged: {error}; start a new run with --init-from {directory}"
        ) from error
    if not 0 < known.threads <= MOST_THREADS:
        raise RunError(f"{directory}/run.json is damaged: threads is {known.threads}")
    options = TrainOptions.from_json(known.options)
    return options, known.device, known.precision, known.threads, known.corpus.path, known.corpus.sha256


def _require_same_options(recorded: TrainOptions, directory: Path) -> None:
    """Refuse a run.json whose options are not those that its saved weights were trained with."""
    saved = read_header(directory / LAST).training.get("options")
    if not isinstance(saved, dict):
        return
    trained = TrainOptions.from_json(saved)
    for field in fields(TrainOptions):
        ours, theirs = getattr(recorded, field.name), getattr(trained, field.name)
        if field.name not in (*BUDGET, *OF_THE_PROCESS, "run") and ours != theirs:
            raise RunError(
                f"{directory}/run.json says {field.name} {shown(ours)}, {LAST} says {shown(theirs)}: it was "
                "changed since; put the old value back, or start a new run with --init-from"
            )


def _require_something_left(
    ended: object, asked: TrainOptions, recorded: TrainOptions, directory: Path
) -> None:
    if ended in BUDGET and not asked.has_budget:
        spent = getattr(recorded, str(ended))
        raise OptionError(f"{directory} is done: {spent:g} {ended}; to resume it, give more with --{ended}")


def _kernel_note(model: CharRNN, device: torch.device) -> list[str]:
    """A note where the activation costs time."""
    shape = model.architecture
    note = missing_kernel(shape.cell, shape.activation, device.type)
    return [] if note is None else [note]


def _size_notes(learner: Learner, corpus: Corpus, options: TrainOptions) -> list[str]:
    """Notes where the text is short for the network, or for the batch and sequences that were asked for."""
    parameters, characters = learner.model.parameter_count, len(corpus.train)
    notes = []
    if parameters > characters:
        notes.append(
            f"{parameters:,} parameters for {characters:,} training characters: expect overfitting; "
            "a smaller --hidden-size or more text helps"
        )
    streams = learner.streams
    if (streams.batch_size, streams.sequence_length) == (options.batch_size, options.sequence_length):
        return notes
    size = f"{counted(streams.batch_size, 'stream')} of {counted(streams.sequence_length, 'character')}"
    return [*notes, f"a short text: {size} per step"]
