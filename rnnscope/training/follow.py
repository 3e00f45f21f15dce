"""Following a run by its directory, while another process writes it or long after.

    events.jsonl, baselines.json  ──read every 0.2 s──▶  the events of the process that trains
    last.safetensors              ──when it changes───▶  the watched passage, traced through the new weights

The follower takes no lock and writes nothing. Requests for another passage, a sample or a temperature are
served with the newest weights on the disk. Torch is imported with the first weights, so that the curves can
be drawn before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnscope.errors import RnnscopeError, RunError
from rnnscope.text.corpus import Corpus
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.corpus import same_text
from rnnscope.training.events import Compared, Event, Finished, OnEvent, Sampled, Started, Warned
from rnnscope.training.log import LogReader, as_one_run, condensed
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import (
    BASELINES,
    BEST,
    HEADER,
    LAST,
    LOG,
    is_being_written,
    read_baselines,
    read_run,
)

if TYPE_CHECKING:
    from rnnscope.network.model import CharRNN
    from rnnscope.training.observing import Observer

POLL_SECONDS = 0.2
QUIET_SECONDS = 12.0
"""A running process writes its log more often. Some network file systems do not share locks."""

LARGEST_TEXT_BYTES = 64 << 20
"""A text of this size is read in a second; for a larger one no passage is shown."""

_OWN_PASSAGE_SYMBOLS = 600

_Identity = tuple[int, int, int] | None


def follow(
    directory: Path,
    controls: Controls,
    on_event: OnEvent,
    *,
    quiet_seconds: float = QUIET_SECONDS,
    largest_text_bytes: int = LARGEST_TEXT_BYTES,
) -> None:
    """Pass on all events of a run so far, then each new one, until `controls` asks to stop.

    Waits for a run that is not there yet, and does not return when it finishes. Where the process of a run
    ended without a `Finished`, one with the reason "killed" is passed on. quiet_seconds: how long such a log
    has not changed. largest_text_bytes: of a larger text no passage is
    shown.

    Raises RunError when the directory cannot be that of a run.
    """
    if not _is_there(directory, controls, on_event):
        return
    weights = _Weights(directory, controls, on_event, largest_text_bytes)
    log = _Log(directory, weights, on_event, quiet_seconds)
    requests = _writer_requests(controls.state)
    while not controls.state.stop:
        log.read()
        weights.look()
        if _writer_requests(controls.state) != requests:
            requests = _writer_requests(controls.state)
            message = "only the process that trains can pause, save, finish or change its rate"
            on_event(Warned(weights.step, weights.elapsed_seconds, message, "controls"))
        controls.wait(POLL_SECONDS)


class _Log:
    """The events of the run: its log, its baselines, and whether its process still runs."""

    def __init__(self, directory: Path, weights: _Weights, on_event: OnEvent, quiet_seconds: float) -> None:
        self._directory = directory
        self._quiet_seconds = quiet_seconds
        self._has_ended = False
        self._reader = LogReader(directory / LOG)
        self._baselines = directory / BASELINES
        self._baselines_identity: _Identity = None
        self._weights = weights
        self._on_event = on_event
        self._is_first = True

    def read(self) -> None:
        """Pass on new events."""
        is_alive = self._is_alive()  # checked first: what the process wrote before it ended is read below
        step, elapsed = self._weights.step, self._weights.elapsed_seconds
        try:
            events = self._reader.read()
        except OSError as error:  # a shared disk may be temporarily unavailable
            self._weights.warn(f"the run's log cannot be read: {error.strerror}")
            return
        if self._reader.was_replaced:
            self._on_event(Warned(step, elapsed, "the run's log was replaced; it is read from the top"))
        if self._is_first or self._reader.was_replaced:
            events = as_one_run(events)
            self._is_first = not events
        for event in condensed(events):
            if isinstance(event, Started):  # the directory may have been moved
                event = replace(event, run=str(self._directory))
            self._weights.follow(event)
            self._has_ended = isinstance(event, Finished)
            self._on_event(event)
            if isinstance(event, Started):
                self._read_baselines()  # for a finished run they are available at once
        self._read_baselines()
        if not self._has_ended and not is_alive:
            self._has_ended = True
            self._on_event(Finished(self._weights.step, self._weights.elapsed_seconds, "killed"))

    def _is_alive(self) -> bool:
        """Return True if a process writes the run, or the log changed recently."""
        try:
            age = time.time() - (self._directory / LOG).stat().st_mtime
            return age < self._quiet_seconds or is_being_written(self._directory)
        except OSError:
            return True

    def _read_baselines(self) -> None:
        identity = _identity(self._baselines)
        if identity != self._baselines_identity:
            self._baselines_identity = identity
            try:
                losses = read_baselines(self._baselines.parent)
            except RunError as error:
                self._weights.warn(str(error))
            else:
                self._on_event(Compared(self._weights.step, self._weights.elapsed_seconds, losses))


class _Weights:
    """Traces and samples of the newest weights of the run."""

    def __init__(
        self, directory: Path, controls: Controls, on_event: OnEvent, largest_text_bytes: int
    ) -> None:
        self._directory = directory
        self._largest_text_bytes = largest_text_bytes
        self._controls = controls
        self._on_event = on_event
        self._identity: _Identity = None
        self._model: CharRNN | None = None
        self._observer: Observer | None = None
        self._model_step = 0
        self._loads = 0
        self._first_samples = 0
        self._last_warning = ""
        self.step = 0
        self.elapsed_seconds = 0.0
        self.has_sample = False

    def follow(self, event: Event) -> None:
        """Record the step and time of the newest event of the run, and whether it was a sample."""
        self.step, self.elapsed_seconds = event.step, event.elapsed_seconds
        self.has_sample |= isinstance(event, Sampled)

    def look(self) -> None:
        """Trace the passage if the weights are new, and serve requests."""
        state = self._controls.state
        if not state.observing:
            return
        path = self._directory / (LAST if (self._directory / LAST).is_file() else BEST)
        identity = _identity(path)
        if identity is not None and identity != self._identity:
            self._identity = identity
            self._load(path)
        if self._observer is None:
            return
        if not self.has_sample:  # the log has none yet
            self.has_sample = True
            self._first_samples += 1
        asked = replace(state, traces=state.traces + self._loads, samples=state.samples + self._first_samples)
        try:
            for event in self._observer.look(asked, self._model_step, only_asked=True):
                self._on_event(event)
        except RnnscopeError as error:  # diverged weights cannot be sampled from
            self.warn(str(error))

    def warn(self, message: str) -> None:
        """Pass on a warning, unless it repeats the last one."""
        if message != self._last_warning:
            self._last_warning = message
            self._on_event(Warned(self.step, self.elapsed_seconds, message))

    def _load(self, path: Path) -> None:
        """Load the weights of a file; if it cannot be read, the previous weights stay."""
        from rnnscope.network.checkpoint import load_model
        from rnnscope.network.formats import read_header

        try:
            header = read_header(path)
            model = load_model(path)
            before = self._model
            if before is None or _differ(before, model):
                self._model, self._observer = model, self._observer_of(model)
            else:  # the observer keeps its passage and its prime
                before.load_state_dict(model.state_dict())
        except RnnscopeError as error:
            self.warn(str(error))
            return
        step = header.training.get("step")
        self._model_step = step if isinstance(step, int) else self.step
        self._loads += 1

    def _observer_of(self, model: CharRNN) -> Observer:
        """An observer of the model, as in the process that trains."""
        import torch

        from rnnscope.training.clock import Clock
        from rnnscope.training.observing import Observer

        torch.set_num_threads(1)  # leave the other cores to the training
        corpus = _corpus(read_run(self._directory).header, model, self._largest_text_bytes)
        # The training time of the run, which this process does not slow down.
        clock = Clock(self.elapsed_seconds, now=lambda: self.elapsed_seconds)
        return Observer(model, corpus, clock, seed=0)


def _differ(left: CharRNN, right: CharRNN) -> bool:
    return (left.architecture, left.vocabulary, left.document_separator) != (
        right.architecture,
        right.vocabulary,
        right.document_separator,
    )


def _corpus(header: Mapping[str, Any], model: CharRNN, largest_text_bytes: int) -> Corpus:
    """The text of the run if it is found unchanged, otherwise a text sampled from the network."""
    with suppress(RnnscopeError, OSError, KeyError, TypeError):
        recorded, options = header["corpus"], TrainOptions.from_json(header["options"])
        path = Path(recorded["path"])
        if path.is_file() and path.stat().st_size <= largest_text_bytes:
            return same_text(str(path), recorded["sha256"], path, options, model.vocabulary)

    from rnnscope.network.sampling import Sampler

    sampler = Sampler(model)
    sampler.feed([model.vocabulary.opening])
    written = sampler.stream(_OWN_PASSAGE_SYMBOLS, seed=0)
    ids = np.array([symbol for symbol, _ in written], np.uint32)
    return Corpus("", "", "", model.vocabulary, train=ids, held_out=ids, test=ids[:0])


def _is_there(directory: Path, controls: Controls, on_event: OnEvent) -> bool:
    """Wait for the run; False if there is none when the controls ask to stop."""
    if directory.exists() and not directory.is_dir():
        raise RunError(f"{directory} is not a directory; give the directory of a run")
    if not (directory / HEADER).is_file():
        on_event(Warned(0, 0.0, f"waiting for a run in {directory}"))
    while not (directory / HEADER).is_file():
        if controls.state.stop:
            return False
        controls.wait(POLL_SECONDS)
    return True


def _writer_requests(state: ControlState) -> tuple[object, ...]:
    """The requests that only the process that trains can serve."""
    return (state.paused, state.saves, state.finish, state.learning_rate_factor)


def _identity(path: Path) -> _Identity:
    """An identity that changes when a file is replaced; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
