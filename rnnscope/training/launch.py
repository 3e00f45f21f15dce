"""A whole training run: from options to the last event, each written to the run directory and passed on.

The command line runs it in its main thread for a plain log, in a worker thread for the screen.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch

import rnnscope
from rnnscope.errors import OptionError, RnnscopeError, RunError, UnsavedError
from rnnscope.network.architecture import Architecture
from rnnscope.network.cells.fused import missing_kernel
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled
from rnnscope.strict_json import JsonError, decode, shown
from rnnscope.text.corpus import Corpus
from rnnscope.text.display import counted
from rnnscope.training.controls import Controls
from rnnscope.training.corpus import same_text, split_text
from rnnscope.training.device import (
    Precision,
    choose_device,
    choose_precision,
    device_title,
    physical_cores,
    step_seconds,
)
from rnnscope.training.events import OnEvent
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
from rnnscope.training.penalty import Penalty
from rnnscope.training.run import LAST, Run, new_run_directory, read_run
from rnnscope.training.streams import fitted
from rnnscope.training.trainer import Pace, Trainer

RUNS = Path("runs")
"""The directory of runs without a name."""


@dataclass(frozen=True)
class _RecordedCorpus:
    path: str
    sha256: str


@dataclass(frozen=True)
class _Recorded:
    """The fields of run.json that resuming needs."""

    options: TrainOptions
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
    """Train with `options` under `controls`, and pass on every event, first Started and last Finished.

    given: the names of the options that were chosen, by default those that differ from the defaults. Raises
    RnnscopeError for errors that the user can correct; saved files stay.
    """
    prepare = _begun if options.resume is None else _continued
    with out_of_memory_explained("choose a smaller --batch-size, --hidden-size or --layers"):
        try:
            trainer = prepare(options, given_names(options, given), controls, pace)
        except Cancelled:  # nothing to save yet
            return
        with _closing_run(trainer, on_event), _noting_saves(trainer), closing(trainer.run()) as events:
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
def _noting_saves(trainer: Trainer) -> Iterator[None]:
    """Add to an exception that is not for users what of the run is saved."""
    try:
        yield
    except RnnscopeError:
        raise
    except Exception as error:
        saver, step = trainer.saver, trainer.learner.step
        if saver.failure is not None:
            error.add_note(saver.loss(step))
        elif saver.saved_step is not None:
            error.add_note(f"saved at step {saver.saved_step:,}: rnnscope train --resume {saver.directory}")
        raise


@contextmanager
def _closing_run(trainer: Trainer, on_event: OnEvent) -> Iterator[None]:
    """Close the run at the end, and report a failed write of its log."""
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
        raise OptionError("TEXT is missing; name a file, - for standard input, or --resume a run")
    device = _prepared_device(options.device, options.threads)
    base = None if options.init_from is None else load_model(resolve_model(options.init_from))
    if base is not None:
        options = fine_tuned(base.architecture, base.vocabulary.encoding, options, given)
    known = None if base is None else base.vocabulary
    corpus = split_text(options.text, options, known, grow=True, progress=controls.until_stopped)
    if options.evaluates_at_fixed_steps and len(corpus.held_out) < 2:
        raise OptionError(f"{corpus.name} is too short for validation, which --patience and plateau need")
    if options.document_separator is not None and not len(corpus.document_starts):
        raise OptionError(
            f"--document-separator {options.document_separator!r} matches nowhere in {corpus.name}"
        )
    model = _first_model(options, corpus, base, device)
    precision, why = _measured_precision(options, model, corpus, device)
    learner = Learner(model, corpus.train, options, device, precision, corpus.starts_in("train"))
    directory = Path(options.run) if options.run else new_run_directory(RUNS, corpus.name)
    run = Run.create(directory, _header(options, corpus, device, precision))
    notes = (device_title(device), why, *_notes(learner, corpus))
    return Trainer(learner, corpus, options, controls, run, notes=notes, pace=pace)


def _continued(asked: TrainOptions, given: set[str], controls: Controls, pace: Pace | None) -> Trainer:
    """A resumed run; only what `options.resumed` allows is taken from `asked`."""
    directory = Path(str(asked.resume))
    run = Run.reopen(directory)
    try:
        recorded = _recorded(read_run(directory).header, directory)
        options = resumed(recorded.options, asked, given, precision=recorded.precision)
        resume = run.load_resume()
        if resume is not None:
            _require_something_left(resume[1].get("ended"), asked, recorded.options, directory)
            _require_same_options(recorded.options, directory)
        device = _prepared_device(options.device, options.threads if "threads" in given else recorded.threads)
        base = None if options.init_from is None or resume else load_model(resolve_model(options.init_from))
        corpus = same_text(
            asked.text or recorded.corpus.path,
            recorded.corpus.sha256,
            directory,
            options,
            read_header(directory / LAST).vocabulary if resume else base.vocabulary if base else None,
            grow=resume is None,
            progress=controls.until_stopped,
        )
        model = _first_model(options, corpus, base, device)
        precision, notes = recorded.precision, [f"{recorded.precision}, as before"]
        if resume is None:
            notes.append(f"{directory} ended before its first save: training starts again at step 0")
        if device.type != recorded.device:
            precision, why = _measured_precision(options, model, corpus, device)
            notes = [f"resumed on {device.type} (started on {recorded.device}): not bit-identical", why]
        learner = Learner(model, corpus.train, options, device, precision, corpus.starts_in("train"))
        trainer = Trainer(
            learner,
            corpus,
            options,
            controls,
            run,
            resume=resume,
            restarted=resume is None,
            notes=(device_title(device), *notes, *_notes(learner, corpus)),
            pace=pace,
        )
        run.record_start(corpus.path)
        return trainer
    except BaseException:
        run.close()
        raise


def _prepared_device(name: str, threads: int) -> torch.device:
    torch.set_num_threads(threads or physical_cores())
    return choose_device(name)


def _measured_precision(
    options: TrainOptions, model: CharRNN, corpus: Corpus, device: torch.device
) -> tuple[Precision, str]:
    sizes = fitted(len(corpus.train), options.sequence_length, options.batch_size)
    measure = partial(step_seconds, observer=Penalty.of(options))
    return choose_precision(options.precision, model, device, *sizes, measure=measure)


def _first_model(
    options: TrainOptions, corpus: Corpus, base: CharRNN | None, device: torch.device
) -> CharRNN:
    """The model that training starts from: new weights, or those of `base` for fine-tuning.

    Raises DeviceError if training does not fit in memory.
    """
    require_memory(options, len(corpus.vocabulary), len(corpus.train), available_bytes(device))
    torch.manual_seed(options.seed)
    architecture = Architecture(
        cell=options.cell,
        vocabulary_size=len(corpus.vocabulary),
        hidden_size=options.hidden_size,
        layers=options.layers,
        embedding_size=options.embedding_size,
        activation=options.activation,
        tied=options.tied,
    )
    model = CharRNN(
        architecture,
        corpus.vocabulary,
        dropout=options.dropout,
        forget_bias=options.forget_bias,
        generator=torch.Generator().manual_seed(options.seed),
        document_separator=options.document_separator,
    )
    if base is not None:
        _copy_weights(base, model)
    return model.to(device)


@torch.no_grad()
def _copy_weights(base: CharRNN, model: CharRNN) -> None:
    """Copy the weights of `base`; rows and columns of new symbols keep their initial weights.

    New symbols come after the known ones, so the old weights are the leading block of the new ones.
    """
    grown = model.tensors()
    for name, old in base.tensors().items():
        corner = tuple(slice(size) for size in old.shape)
        grown[name][corner] = old


def _header(
    options: TrainOptions, corpus: Corpus, device: torch.device, precision: Precision
) -> dict[str, Any]:
    """The content of run.json: the settings of the run, and everything needed to resume it."""
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


def _recorded(header: Mapping[str, Any], directory: Path) -> _Recorded:
    """The inverse of `_header`. Raises RunError if it is damaged."""
    try:
        recorded = decode(_Recorded, header)
        if not 0 < recorded.threads <= MOST_THREADS:
            raise JsonError(f"threads is {recorded.threads}")
    except JsonError as error:
        raise RunError(
            f"{directory}/run.json is damaged: {error}; start a new run with --init-from {directory}"
        ) from error
    return recorded


def _require_same_options(recorded: TrainOptions, directory: Path) -> None:
    """Raise RunError if the options in run.json differ from those of the saved weights."""
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
        spent = getattr(recorded, str(ended))  # None for a budget of a later resume
        which = f"all {ended}" if spent is None else f"{spent:g} {ended}"
        raise OptionError(f"{directory} is done: {which}; to resume it, give more with --{ended}")


def _notes(learner: Learner, corpus: Corpus) -> list[str]:
    """Notes on the text, on its size relative to the network and the batch, and on a missing kernel."""
    model, streams, options = learner.model, learner.streams, learner.options
    parameters, characters = model.parameter_count, len(corpus.train)
    notes = list(corpus.notes)
    if parameters > characters:
        notes.append(
            f"{parameters:,} parameters for {characters:,} training characters: expect overfitting; "
            "a smaller --hidden-size or more text helps"
        )
    if (streams.batch_size, streams.sequence_length) != (options.batch_size, options.sequence_length):
        size = f"{counted(streams.batch_size, 'stream')} of {counted(streams.sequence_length, 'character')}"
        notes.append(f"a short text: {size} per step")
    shape = model.architecture
    slow = missing_kernel(
        shape.cell, shape.activation, learner.device.type, with_states=options.change_penalty > 0
    )
    return notes if slow is None else [*notes, slow]
