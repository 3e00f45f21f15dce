"""The log of a run, `events.jsonl`: one event on each line, appended by one process and read by any others.

A line is written whole or not at all. A partial line of a killed writer is removed when the log is opened
again; a line truncated by a full disk is removed at once, kept in memory, and written when there is room.

The log stays small however long a run lasts: at most 5 MB after an hour of training and 12 MB after a day
(`benchmarks/log_size.py` measures it). Everything in it becomes rarer with time, as on a logarithmic axis:

    progress       a line each second, after 1,000 s each thousandth of the time so far, at most 10 s apart;
                   up to step 10,000 each step by itself, then the means of 2, 3, … steps
    evaluations    those that set a new best, and others a thousandth of the time so far apart
    samples        2 s apart, after 200 s a hundredth of the time so far
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnscope.files import FileLock
from rnnscope.strict_json import JsonError, parse
from rnnscope.text.display import counted
from rnnscope.training.events import Evaluated, Event, Finished, Paused, Progress, Sampled, Started, Warned
from rnnscope.training.records import from_line, merged, thinned, to_json, to_line

SINGLE_STEPS = 10_000
"""Up to this step every step is recorded; up to twice this step the means of pairs, and so on."""

UNWRITTEN_BYTES = 8 << 20
"""Bytes kept in memory while the disk is full; beyond that the oldest lines are dropped."""

_LONGEST_READ = 256 << 20
"""Bytes read at once; also the maximum length of a line."""


class EventLog:
    """The writing end. It locks the file: a run has one writer."""

    def __init__(
        self,
        path: Path,
        *,
        unwritten_bytes: int = UNWRITTEN_BYTES,
        write: Callable[[int, memoryview], int] = os.write,
    ) -> None:
        """Open the log, which is created, or repaired where its last line is torn.

        unwritten_bytes: the bytes of lines kept while the disk is full. write: writes to a file.

        Raises BlockingIOError where another process writes it, and OSError.
        """
        self._path = path
        self._most_unwritten_bytes = unwritten_bytes
        self._write = write
        self._lock = FileLock.acquire(path)
        try:
            self._length = _whole_lines(self._lock.descriptor)
            os.ftruncate(self._lock.descriptor, self._length)
        except BaseException:
            self._lock.release()
            raise
        self._torn = False
        self._full = False
        self._progress: list[Progress] = []
        self._last_progress = self._last_evaluation = self._last_sample = -math.inf
        self._unwritten: deque[bytes] = deque()
        self._unwritten_bytes = 0
        self._dropped = 0

    @property
    def is_in_place(self) -> bool:
        """Return True if the file still exists under its name."""
        return self._lock.is_named()

    def write_again(self) -> None:
        """Write the whole log again, after its file was removed or replaced.

        Raises BlockingIOError if another process writes the new file, and OSError.
        """
        content, lock = self.content(), FileLock.acquire(self._path)
        try:
            os.ftruncate(lock.descriptor, 0)
            _write_all(lock.descriptor, content, self._write)
        except BaseException:
            lock.release()
            raise
        self._lock.release()
        self._lock, self._torn = lock, False

    def content(self) -> bytes:
        """Everything written so far, even if the file was unlinked. Raises OSError."""
        parts, at = [], 0
        while part := os.pread(self._lock.descriptor, min(1 << 20, self._length - at), at):
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def append_raw(self, lines: bytes) -> None:
        """Append whole lines of another log. Raises OSError."""
        self._put(lines)

    def unwritten(self) -> bytes:
        """The lines kept in memory while the disk is full."""
        return b"".join(self._unwritten)

    def write(self, event: Event) -> None:
        """Append an event; progress is buffered until it is due or another event is written.

        Raises OSError once if the disk is full. After that, lines are kept in memory until a later write
        succeeds, and writes do not raise.
        """
        now = event.elapsed_seconds
        match event:
            case Progress():
                self._progress.append(event)
                if abs(now - self._last_progress) >= min(max(1.0, now / 1000), 10.0):
                    self.flush()
                return
            case Started():  # after a resume, times repeat
                self._last_progress = self._last_evaluation = self._last_sample = -math.inf
            case Evaluated(is_best=False):
                if abs(now - self._last_evaluation) < now / 1000:
                    return
                self._last_evaluation = now
            case Sampled():
                if abs(now - self._last_sample) < max(2.0, now / 100):
                    return
                self._last_sample = now
        record = to_json(event)
        if record is not None or isinstance(event, Paused):
            self._take_progress()
            if record is not None:
                self._remember(to_line(record))
            self._append()

    def flush(self) -> None:
        """Append everything buffered. Raises OSError as `write` does."""
        self._take_progress()
        self._append()

    def sync(self) -> None:
        """Append everything buffered, and sync it to the disk. Raises OSError as `write` does."""
        self.flush()
        os.fsync(self._lock.descriptor)

    def close(self) -> None:
        """Append everything buffered, and close in any case. Raises OSError as `write` does."""
        try:
            self.flush()
        finally:
            self._lock.release()

    def _take_progress(self) -> None:
        if self._progress:
            event = merged(self._progress)
            self._progress.clear()
            self._last_progress = event.elapsed_seconds
            record = to_json(thinned(event, 1 + max(0, event.step - 1) // SINGLE_STEPS))
            assert record is not None
            self._remember(to_line(record))

    def _remember(self, line: bytes) -> None:
        self._unwritten.append(line)
        self._unwritten_bytes += len(line)
        while self._unwritten_bytes > self._most_unwritten_bytes and len(self._unwritten) > 1:
            self._unwritten_bytes -= len(self._unwritten.popleft())
            self._dropped += 1

    def _append(self) -> None:
        try:
            if self._dropped:
                self._put(self._loss())
                self._dropped = 0
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
        """A warning with the number of dropped lines, at the time of the next line."""
        following = json.loads(self._unwritten[0])
        message = f"the disk was full: {self._dropped} events are missing here"
        record = to_json(Warned(following["step"], following["elapsed_seconds"], message))
        assert record is not None
        return to_line(record)

    def _put(self, line: bytes) -> None:
        """Append one line, completely or not at all."""
        descriptor = self._lock.descriptor
        if self._torn:
            os.ftruncate(descriptor, self._length)
        self._torn = True
        try:
            _write_all(descriptor, line, self._write)
        except OSError:
            # Readers should not see a partial line; if this fails, too, the next write tries again.
            with suppress(OSError):
                os.ftruncate(descriptor, self._length)
                self._torn = False
            raise
        self._length += len(line)
        self._torn = False


class LogReader:
    """The reading end: returns what was appended since the last call. It never changes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._line = 0
        self._is_within_line = False
        self.was_replaced = False
        """Whether the last `read` restarted from the top, because the file was replaced or truncated."""

    def read(self) -> list[Event]:
        """The events of new complete lines; none if there is no file.

        Lines that are not events are skipped, and counted in a warning at the end. Raises OSError.
        """
        self.was_replaced = False
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return []
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", str(self._path))
            identity = (status.st_dev, status.st_ino)
            if self._file is not None and (identity != self._file or not self._continues(file.fileno())):
                self.was_replaced = True
                self._offset = self._line = 0
            self._file = identity
            file.seek(self._offset)
            new = file.read(_LONGEST_READ)
        end = new.rfind(b"\n") + 1
        self._is_within_line = not end and len(new) == _LONGEST_READ
        whole = new if self._is_within_line else new[:end]
        self._offset += len(whole)
        return self._events(whole)

    def _continues(self, descriptor: int) -> bool:
        """Return True if the file is the one that was read so far."""
        return self._offset == 0 or self._is_within_line or os.pread(descriptor, 1, self._offset - 1) == b"\n"

    def _events(self, lines: bytes) -> list[Event]:
        events: list[Event] = []
        skipped, first = 0, ""
        for line in lines.split(b"\n")[: None if self._is_within_line else -1]:
            self._line += 1
            try:
                event = from_line(line)
            except JsonError as error:
                skipped += 1
                first = first or f"line {self._line}: {error}"
            else:
                if event is not None:
                    events.append(event)
        if skipped:
            step, elapsed = (events[-1].step, events[-1].elapsed_seconds) if events else (0, 0.0)
            damaged = counted(skipped, "damaged line") + (", the first at" if skipped > 1 else "")
            events.append(Warned(step, elapsed, f"{self._path}: skipped {damaged} {first}"))
        return events


def as_one_run(events: Iterable[Event]) -> list[Event]:
    """The events as if the run had never been killed.

    If it was resumed at step S, the earlier events of later steps are dropped, because these steps are
    repeated; so is the `Finished` of a run that was resumed.
    """
    history: list[Event] = []
    for event in events:
        if isinstance(event, Started) and event.resumed:
            _rewind(history, event.step)
        history.append(event)
    return history


def is_drawn(event: Event) -> bool:
    """Whether charts show it: progress, evaluations, divergences and resumptions."""
    match event:
        case Progress() | Evaluated() | Warned(kind="divergence") | Started(resumed=True):
            return True
        case _:
            return False


def condensed(events: Iterable[Event]) -> list[Event]:
    """The same events, with consecutive progress of one phase merged.

    The curve of a day would be 90,000 messages.
    """
    result: list[Event] = []
    row: list[Progress] = []
    for event in events:
        if row and not (isinstance(event, Progress) and event.phase == row[-1].phase):
            result.append(merged(row))
            row = []
        if isinstance(event, Progress):
            row.append(event)
        else:
            result.append(event)
    return [*result, merged(row)] if row else result


def _rewind(history: list[Event], step: int) -> None:
    kept: list[Event] = []
    while history and (history[-1].step > step or isinstance(history[-1], Finished)):
        event = history.pop()
        if isinstance(event, Progress) and event.steps.size and event.steps[0] <= step:
            kept.append(_until(event, step))
    history.extend(reversed(kept))


def _until(event: Progress, step: int) -> Progress:
    count = int(np.count_nonzero(event.steps <= step))
    return replace(
        event,
        step=step,
        steps=event.steps[:count],
        losses_nats=event.losses_nats[:count],
        gradient_norms=event.gradient_norms[:count],
    )


def _write_all(descriptor: int, data: bytes, write: Callable[[int, memoryview], int]) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[write(descriptor, rest) :]


def _whole_lines(descriptor: int) -> int:
    """The length of the file up to its last valid line; a power failure may leave zeros after it."""
    end = os.fstat(descriptor).st_size
    while end:
        start = _line_break_before(descriptor, end - 1) + 1
        line = os.pread(descriptor, end - start, start)
        if line.endswith(b"\n"):
            with suppress(JsonError):
                if isinstance(parse(line), dict):
                    break
        end = start
    return end


def _line_break_before(descriptor: int, end: int) -> int:
    """The position of the last line break before `end`; −1 if there is none."""
    while end:
        start = max(0, end - (1 << 16))
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found
        end = start
    return -1
