"""The film of a run: what its network did with one passage at every snapshot.

    film = Film(Path("runs/NAME"))
    for step in film.steps:
        frame = film.frame(step)      # the passage, traced, and a sample

Every frame is computed from the weights of its snapshot. All have the same text, prompt, temperature and
seed, so that only the weights differ.

    snapshots/STEP.safetensors ──▶ Session ──▶ Frame     the last frames are kept in memory
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnscope.errors import CheckpointError, RnnscopeError, RunError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.training.events import Sampled
from rnnscope.training.run import read_run, snapshots_in

if TYPE_CHECKING:
    from rnnscope.network.architecture import Architecture
    from rnnscope.opening import Opening
    from rnnscope.session import Session
    from rnnscope.text.long import LongText
    from rnnscope.tracing.trace import Trace

PASSAGE_CHARACTERS = 2_000
"""The part of the text that a frame shows."""
LONGEST_PASSAGE = 20_000
"""A passage that the user gives is cut to this length."""
SEARCHED_CHARACTERS = 4_000
"""Characters from the beginning of the passage that a search reads at each snapshot."""
_LONGEST_TEXT = 1 << 20
_LINE_IS_NEAR = 200
"""Characters within which the start of a passage is moved to the beginning of a line."""
_KEPT_BYTES = 192 << 20
_FEWEST_KEPT = 4
"""At least this many frames are kept, however large they are."""


@dataclass(frozen=True)
class Settings:
    """What the frames of a film have in common."""

    passage: str | None = None
    """A passage that the user typed; None shows a part of the film's text."""
    at: float = 0.0
    """Where in the text the passage begins, 0..1."""
    prime: str = ""
    """The prompt of the samples."""
    temperature: float = 0.8
    samples: int = 0
    """How many times another sample was asked for; each has another seed."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A run at one snapshot."""

    step: int
    elapsed_seconds: float | None
    """The training time so far; None where the snapshot does not record it."""
    session: Session
    """The network with the text from the passage on; queries on it read more than the passage."""
    trace: Trace
    """The passage."""
    sample: Sampled


class Film:
    """The snapshots of a run. Thread-safe."""

    def __init__(
        self,
        directory: Path,
        text: str | None = None,
        *,
        kept_bytes: int = _KEPT_BYTES,
        threads: int | None = None,
    ) -> None:
        """text: a file to show in place of the validation text. kept_bytes: the size of the frames in memory.

        threads: the CPU threads of each computation; None leaves PyTorch's setting. With one, two snapshots
        are computed side by side. Raises RunError where the directory holds no run, or a run without
        snapshots.
        """
        self.directory = directory
        self._text = text
        self._kept_bytes = kept_bytes
        self._threads = threads
        self._lock = threading.RLock()
        self._damaged: dict[int, str] = {}
        self._opening: Opening | None = None
        self._architecture: Architecture | None = None
        self._symbols: tuple[str, ...] = ()
        self._seed = 1
        self._passage: tuple[tuple[str | None, float], LongText] | None = None
        """The text of the last passage and its place."""
        self._frames: OrderedDict[tuple[int, Settings], Frame] = OrderedDict()
        self._files = dict(snapshots_in(directory))
        self._stamps = _stamps(self._files)
        if not self._files:
            read_run(directory)  # raises if there is no run
            raise RunError(
                f"{directory} has no snapshots to replay; runs of rnnscope train keep them in snapshots/"
            )

    # -- which snapshots there are ---------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the snapshots, without those that were found damaged."""
        with self._lock:
            return tuple(step for step in self._files if step not in self._damaged)

    @property
    def damaged(self) -> Mapping[int, str]:
        """The snapshots that could not be read, each with the reason."""
        with self._lock:
            return dict(self._damaged)

    def refresh(self) -> bool:
        """Read the directory again, for a run that goes on. Returns True if the snapshots have changed."""
        found = dict(snapshots_in(self.directory))
        stamps = _stamps(found)
        with self._lock:
            if not found or stamps == self._stamps:
                return False
            for step in found:
                if stamps.get(step) != self._stamps.get(step):  # written again by a resumed run
                    self._damaged.pop(step, None)
                    for key in [key for key in self._frames if key[0] == step]:
                        del self._frames[key]
            self._files, self._stamps = found, stamps
            return True

    # -- frames ----------------------------------------------------------------------------------------------

    def kept(self, step: int, settings: Settings = Settings()) -> Frame | None:
        """The frame of a snapshot if it is in memory."""
        with self._lock:
            frame = self._frames.get((step, settings))
            if frame is not None:
                self._frames.move_to_end((step, settings))
            return frame

    def frame(self, step: int, settings: Settings = Settings(), progress: Progress = NO_PROGRESS) -> Frame:
        """The frame of a snapshot.

        Raises CheckpointError if the snapshot is damaged or missing, which is then no longer one of `steps`;
        TextError for a passage that the network cannot read; RunError if no snapshot can be read; Cancelled.
        """
        frame = self.kept(step, settings)
        if frame is None:
            frame = self._computed(step, settings, progress)
            with self._lock:
                self._frames[step, settings] = frame
                self._drop()
        return frame

    def newest(self, settings: Settings = Settings(), progress: Progress = NO_PROGRESS) -> Frame:
        """The frame of the last snapshot that can be read. Raises RunError if there is none, Cancelled."""
        self._opened(progress)
        return self.frame(self.steps[-1], settings, progress)

    def session(
        self, step: int, settings: Settings = Settings(), progress: Progress = NO_PROGRESS
    ) -> Session:
        """The network of a snapshot with the text from the passage on. Raises what `frame` raises."""
        with self._lock:
            for (kept_step, kept), frame in self._frames.items():
                if kept_step == step and (kept.passage, kept.at) == (settings.passage, settings.at):
                    return frame.session
        return self._session(step, settings, progress)[0]

    @property
    def source(self) -> str:
        """The name of the text; empty before the first frame."""
        return "" if self._opening is None else self._opening.source

    def _computed(self, step: int, settings: Settings, progress: Progress) -> Frame:
        from rnnscope.training.observing import sample_seed, sample_symbols, sampled

        session, training = self._session(step, settings, progress)
        model, reader = session.reader.model, session.reader
        assert model is not None
        shown = PASSAGE_CHARACTERS if settings.passage is None else LONGEST_PASSAGE
        trace = reader.trace(0, min(shown, reader.length()), progress)
        progress.check()
        vocabulary = model.vocabulary
        prime = vocabulary.encode(settings.prime) if settings.prime else np.array([vocabulary.opening])
        seed = sample_seed(self._seed, settings.samples)
        written = sample_symbols(model, prime.astype(np.int64), temperature=settings.temperature, seed=seed)
        seconds = training.get("elapsed_seconds")
        seconds = float(seconds) if isinstance(seconds, int | float) else None
        sample = sampled(model, written, settings.temperature, settings.prime, step, seconds or 0.0)
        return Frame(step, seconds, session, replace(trace, step=step), sample)

    def _session(
        self, step: int, settings: Settings, progress: Progress
    ) -> tuple[Session, Mapping[str, Any]]:
        """The session of a snapshot, and its training record."""
        from rnnscope.session import Session

        opening = self._opened(progress)
        model, training = self._load(step)
        name = opening.source if settings.passage is None else "passage"
        text = self._text_from(settings, opening)
        return Session(model, text, name=name, training_text=opening.training_text), training

    def _load(self, step: int) -> tuple[Any, Mapping[str, Any]]:
        """The model of a snapshot, and its training record."""
        import torch

        from rnnscope.network.checkpoint import load_model
        from rnnscope.network.formats import read_header

        if self._threads is not None:
            torch.set_num_threads(self._threads)  # of the calling thread
        with self._lock:
            path = self._files.get(step)
        try:
            if path is None:
                raise CheckpointError(f"{self.directory} has no snapshot of step {step:,}")
            model = load_model(path)
            training = read_header(path).training
            self._check(model, path)
        except RnnscopeError as error:
            with self._lock:
                self._damaged[step] = str(error)
            raise
        return model, training

    def _check(self, model: Any, path: Path) -> None:
        """Raise CheckpointError for a network that is not that of the other snapshots."""
        with self._lock:
            if self._architecture is None:
                self._architecture, self._symbols = model.architecture, model.vocabulary.symbols
            elif (self._architecture, self._symbols) != (model.architecture, model.vocabulary.symbols):
                raise CheckpointError(
                    f"{path} is of another network than the other snapshots: {model.architecture.title}"
                )

    def _opened(self, progress: Progress) -> Opening:
        """The text, opened by the newest snapshot that can be read. Raises RunError if there is none."""
        from rnnscope.network.formats import read_header
        from rnnscope.opening import open_text

        with self._lock:
            if self._opening is not None:
                return self._opening
            for step in reversed(self.steps):
                try:
                    model, training = self._load(step)
                except RnnscopeError:
                    continue
                path = self._files[step]
                options = training.get("options")
                seed = options.get("seed") if isinstance(options, dict) else None
                self._seed = seed if isinstance(seed, int) and seed >= 0 else self._seed
                self._opening = open_text(model, read_header(path), path, self._text, progress)
                return self._opening
            reason = next(iter(self._damaged.values()), "they were removed")
            raise RunError(f"{self.directory}: no snapshot can be read: {reason}")

    def _text_from(self, settings: Settings, opening: Opening) -> LongText:
        """The text from the passage on."""
        from rnnscope.text.long import LongText

        kind, key = opening.text.kind, (settings.passage, settings.at)
        with self._lock:
            if self._passage is None or self._passage[0] != key:
                if settings.passage is not None:
                    part = settings.passage[:LONGEST_PASSAGE]
                    content = part if kind == "characters" else part.encode("utf-8", "replace")
                else:
                    part = opening.text.read(0, _LONGEST_TEXT)
                    if settings.at or self._text is None:  # validation text may begin within a line
                        part = _from_a_line(part, settings.at)
                    content = part if kind == "characters" else part.encode("latin-1")
                self._passage = key, LongText.of(content, opening.source, kind)
            return self._passage[1]

    def _drop(self) -> None:
        """Drop the frames that were used least recently, beyond the limit."""
        used = 0
        for number, (key, frame) in enumerate(reversed(list(self._frames.items()))):
            used += len(frame.trace) * frame.trace.architecture.traced_bytes
            if used > self._kept_bytes and number >= _FEWEST_KEPT:
                del self._frames[key]


def _from_a_line(text: str, at: float) -> str:
    """The text from a position, 0..1, or from the beginning of a line near it."""
    start = round(at * max(0, len(text) - PASSAGE_CHARACTERS - _LINE_IS_NEAR))
    part = text[start:]
    if len(part) < PASSAGE_CHARACTERS + _LINE_IS_NEAR:
        return part
    found = re.compile(r"\n(?=[^\n])").search(part, 0, _LINE_IS_NEAR + 1)
    return part if found is None else part[found.end() :]


def _stamps(files: Mapping[int, Path]) -> dict[int, int]:
    """When each file was written."""
    found = {}
    for step, path in files.items():
        with suppress(OSError):
            found[step] = path.stat().st_mtime_ns
    return found
