"""The log of a run, `events.jsonl`: one event a line, appended by one process and read by any others.

A line is whole or it is not there. What a killed writer left after the last line break is cut off when the
log is opened again; what a full disk cut short is cut off at once, remembered, and written when it fits.

The log stays small however long a run lasts. Progress is written at most once a second of training, and the
later a step, the coarser it is told, as a logarithmic axis shows it: up to step 100,000 each by itself, then
in groups of 2, 3, … by their means. Samples become rarer until there is one in half a minute.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnscope.training.events import Event, Finished, Paused, Progress, Sampled, Started, Warned
from rnnscope.training.records import from_json, merged, thinned, to_json, to_line

PROGRESS_SECONDS = 1.0
"""Progress of less training time than this waits for more."""

STEPS_TOLD_SINGLY = 100_000
"""Up to this step each has its own numbers; twice as late, two share theirs, and so on."""

UNWRITTEN_BYTES = 8 << 20
"""How much may wait for room on a full disk: the oldest is given up first."""


class EventLog:
    """The writing end. Takes no lock: the run's lock sees to it that there is one writer."""

    def __init__(self, path: Path) -> None:
        """Open the log, which is made or mended. Raises OSError."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            self._length = _whole_lines(self._descriptor)
            os.ftruncate(self._descriptor, self._length)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._torn = False
        self._full = False
        self._progress: list[Progress] = []
        self._progress_told = -PROGRESS_SECONDS
        self._sample_told = -np.inf
        self._unwritten: deque[bytes] = deque()
        self._unwritten_bytes = 0
        self._given_up = 0

    def write(self, event: Event) -> None:
        """Append an event, or, of progress, remember it until a second has passed or another event comes.

        Raises OSError when the disk has become full. From then on the log keeps quiet and remembers what it
        could not write, until a later write works: a full disk is told once.
        """
        if isinstance(event, Progress):
            self._progress.append(event)
            if abs(event.elapsed_seconds - self._progress_told) >= PROGRESS_SECONDS:
                self.flush()
            return
        if isinstance(event, Sampled) and not self._is_sample_due(event.elapsed_seconds):
            return
        record = to_json(event)
        if record is not None or isinstance(event, Paused):
            self._take_progress()
            if record is not None:
                self._remember(to_line(record))
            self._append()

    def flush(self) -> None:
        """Append all that is remembered. Raises OSError as `write` does."""
        self._take_progress()
        self._append()

    def sync(self) -> None:
        """Append all that is remembered and see it onto the disk. Raises OSError as `write` does."""
        self.flush()
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Append all that is remembered, and close in any case. Raises OSError as `write` does."""
        try:
            self.flush()
        finally:
            os.close(self._descriptor)

    def _take_progress(self) -> None:
        if self._progress:
            event = merged(self._progress)
            self._progress.clear()
            self._progress_told = event.elapsed_seconds
            record = to_json(thinned(event, 1 + event.step // STEPS_TOLD_SINGLY))
            assert record is not None
            self._remember(to_line(record))

    def _is_sample_due(self, elapsed_seconds: float) -> bool:
        """Whether the last kept sample is old enough: 2 s at first, half a minute after 100 minutes."""
        spacing = min(max(2.0, elapsed_seconds / 200), 30.0)
        is_due = abs(elapsed_seconds - self._sample_told) >= spacing
        if is_due:
            self._sample_told = elapsed_seconds
        return is_due

    def _remember(self, line: bytes) -> None:
        self._unwritten.append(line)
        self._unwritten_bytes += len(line)
        while self._unwritten_bytes > UNWRITTEN_BYTES and len(self._unwritten) > 1:
            self._unwritten_bytes -= len(self._unwritten.popleft())
            self._given_up += 1

    def _append(self) -> None:
        try:
            if self._given_up:
                self._put(self._loss())
                self._given_up = 0
            while self._unwritten:
                self._put(self._unwritten[0])
                self._unwritten_bytes -= len(self._unwritten.popleft())
        except OSError:
            if not self._full:
                self._full = True
                raise
        else:
            self._full = False

    def _loss(self) -> bytes:
        """A line that says how much was given up, at the time of what comes next."""
        following = json.loads(self._unwritten[0])
        message = f"the disk was full: {self._given_up} events are missing here"
        record = to_json(Warned(following["step"], following["elapsed_seconds"], message, "disk"))
        assert record is not None
        return to_line(record)

    def _put(self, line: bytes) -> None:
        """Append one line, whole or not at all."""
        if self._torn:
            os.ftruncate(self._descriptor, self._length)
        self._torn = True
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # Readers should not have to see the stump; if even this fails, the next write tries again.
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
                self._torn = False
            raise
        self._length += len(line)
        self._torn = False


class LogReader:
    """The reading end: what has been appended since it was last asked. It never touches the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._line = 0
        self.started_anew = False
        """Whether the last `read` began at the top again, because the file was replaced or cut."""

    def read(self) -> list[Event]:
        """The events of the whole lines that are new; none where there is no file.

        A line that is no event is told as a warning, and the rest is read all the same. Raises OSError.
        """
        self.started_anew = False
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            status = os.fstat(file.fileno())
            identity = (status.st_dev, status.st_ino)
            if self._file is not None and (identity != self._file or not self._continues(file.fileno())):
                self.started_anew = True
                self._offset = self._line = 0
            self._file = identity
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        return self._events(whole)

    def _continues(self, descriptor: int) -> bool:
        """Whether a line still ends where the last reading ended."""
        return self._offset == 0 or os.pread(descriptor, 1, self._offset - 1) == b"\n"

    def _events(self, lines: bytes) -> list[Event]:
        events: list[Event] = []
        for line in lines.split(b"\n")[:-1]:
            self._line += 1
            try:
                event = from_line(line)
            except ValueError as error:
                step, elapsed = (events[-1].step, events[-1].elapsed_seconds) if events else (0, 0.0)
                event = Warned(step, elapsed, f"{self._path}, line {self._line}, is left out: {error}")
            if event is not None:
                events.append(event)
        return events


def from_line(line: bytes) -> Event | None:
    """The event of a line; None for a kind that this version does not know. Raises ValueError."""
    return from_json(_object(line))


def as_one_run(events: Iterable[Event]) -> list[Event]:
    """The events as if the run had never been killed.

    Where it was resumed at step S, what had been said of later steps is dropped, for it is said again; so is
    the `Finished` of a run that went on.
    """
    said: list[Event] = []
    for event in events:
        if isinstance(event, Started) and event.resumed:
            _rewind(said, event.step)
        said.append(event)
    return said


def _rewind(said: list[Event], step: int) -> None:
    kept: list[Event] = []
    while said and (said[-1].step > step or isinstance(said[-1], Finished)):
        event = said.pop()
        if isinstance(event, Progress) and event.steps.size and event.steps[0] <= step:
            kept.append(_until(event, step))
    said.extend(reversed(kept))


def _until(event: Progress, step: int) -> Progress:
    count = int(np.count_nonzero(event.steps <= step))
    return replace(
        event,
        step=step,
        steps=event.steps[:count],
        losses_nats=event.losses_nats[:count],
        gradient_norms=event.gradient_norms[:count],
    )


def _object(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def _whole_lines(descriptor: int) -> int:
    """The file's length up to its last line that is a JSON object; a power cut may leave zeros after it."""
    end = os.fstat(descriptor).st_size
    while end:
        start = _line_break_before(descriptor, end - 1) + 1
        line = os.pread(descriptor, end - start, start)
        if line.endswith(b"\n"):
            with suppress(ValueError):
                if isinstance(_object(line), dict):
                    break
        end = start
    return end


def _line_break_before(descriptor: int, end: int) -> int:
    """The position of the last line break before `end`; −1 where there is none."""
    while end:
        start = max(0, end - (1 << 16))
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found
        end = start
    return -1
