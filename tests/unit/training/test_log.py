"""The log of a run: lines whole or absent, small for ever, readable while it grows."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnnscope.network.architecture import Architecture
from rnnscope.training import log as log_module
from rnnscope.training.events import (
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Sampled,
    Saved,
    Started,
    Warned,
)
from rnnscope.training.log import EventLog, LogReader, as_one_run
from rnnscope.training.records import to_json, to_line

_SECONDS_A_STEP = 0.02


def _started(step: int, resumed: bool) -> Started:
    network = Architecture(vocabulary_size=2, hidden_size=4)
    return Started(
        step, 0.1, "run", "a.txt", network, ("a", "b"), 9, "cpu", "float32", 9, 1, 2, resumed=resumed
    )


STARTED = _started(0, resumed=False)


def _progress(first: int, last: int) -> Progress:
    steps = np.arange(first, last + 1)
    return Progress(
        last, last * _SECONDS_A_STEP, steps, 1 + 1 / steps, np.full(len(steps), 0.5), 0.004, 9e4, 0.1
    )


def _evaluated(step: int) -> Evaluated:
    return Evaluated(step, step * _SECONDS_A_STEP, held_out_nats=1.5, characters=100, is_best=False)


def _resumed(step: int) -> Started:
    return _started(step, resumed=True)


def _line(event: Event) -> bytes:
    record = to_json(event)
    assert record is not None
    return to_line(record)


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _told(events: list[Event]) -> list[int]:
    """The steps of all progress, in the order told."""
    return [step for event in events if isinstance(event, Progress) for step in event.steps.tolist()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_every_step_is_told_in_few_lines(path: Path) -> None:
    log = EventLog(path)
    for first in range(1, 1001, 5):  # ten events a second
        log.write(_progress(first, first + 4))
    log.close()
    assert _told(LogReader(path).read()) == list(range(1, 1001))
    assert len(_records(path)) <= 1000 * _SECONDS_A_STEP + 2


def test_events_keep_their_order(path: Path) -> None:
    log = EventLog(path)
    for event in (
        _progress(1, 5),
        _progress(6, 10),
        _evaluated(10),
        _progress(11, 12),
        Paused(12, 0.3, True),
    ):
        log.write(event)
    assert [(record["event"], record["step"]) for record in _records(path)] == [
        ("progress", 5),  # the first is told at once
        ("progress", 10),
        ("evaluated", 10),
        ("progress", 12),  # a pause says what there is
    ]
    log.close()


def test_a_line_late_in_a_run_is_short(path: Path) -> None:
    """A thousand steps a second for a week; at one entry for each step this would be 16 GB."""
    log = EventLog(path)
    for second in np.unique(np.geomspace(1, 7 * 86400, 200).astype(int)).tolist():
        steps = np.arange(second * 1000 - 999, second * 1000 + 1)
        ones = np.ones(1000)
        before = path.stat().st_size
        log.write(Progress(int(steps[-1]), float(second), steps, ones * 1.41234, ones, 0.004, 9e4, 0.1))
        group = 1 + int(steps[-1] - 1) // log_module.SINGLE_STEPS
        assert path.stat().st_size - before < 500 + 30 * (1000 / group + 1)
    log.close()


def test_progress_evaluations_and_samples_become_rarer_but_each_new_best_is_written(path: Path) -> None:
    log = EventLog(path)
    for second in range(3 * 3600):
        time = float(second)
        log.write(Sampled(second * 50, time, "text", np.ones(4, np.float32), 0.8))
        log.write(Evaluated(second * 50, time, 1.5, 10, is_best=second % 100 == 0))
    log.close()
    samples = _times(path, "sampled")
    assert samples[:5].tolist() == [0, 2, 4, 6, 8]
    assert len(samples) < 100 + 100 * np.log(3 * 36) + 2
    assert np.diff(samples)[-1] == pytest.approx(3 * 36, abs=2)
    evaluations = _times(path, "evaluated")
    assert set(range(0, 3 * 3600, 100)) <= set(evaluations.tolist())
    assert len(evaluations) < 1000 + 1000 * np.log(11) + 3 * 36 + 2


def test_a_watcher_sees_progress_at_most_ten_seconds_late(path: Path) -> None:
    log = EventLog(path)
    for second in range(1, 20_000):
        log.write(replace(_progress(second, second), elapsed_seconds=float(second)))
    log.close()
    times = _times(path, "progress")
    assert np.diff(times).max() <= 11
    assert len(times) < 1000 + 1000 * np.log(10) + 1000 + 2


def _times(path: Path, name: str) -> NDArray[np.float64]:
    return np.array([record["elapsed_seconds"] for record in _records(path) if record["event"] == name])


def test_a_torn_last_line_is_dropped_on_reading(path: Path) -> None:
    whole = _line(_evaluated(1)) + _line(_evaluated(2))
    for cut in range(len(_line(_evaluated(1))), len(whole) + 1):
        path.write_bytes(whole[:cut])
        expected = [1, 2] if cut == len(whole) else [1]
        assert [event.step for event in LogReader(path).read()] == expected


@pytest.mark.parametrize("rest", [b'{"event":"eval', b"\0" * 5000, b"\0\0\n", b"garbage\n", b"[1]\n"])
def test_a_torn_last_line_is_mended_before_anything_is_appended(path: Path, rest: bytes) -> None:
    path.write_bytes(_line(_evaluated(1)) + rest)
    log = EventLog(path)
    log.write(_evaluated(2))
    log.close()
    assert path.read_bytes() == _line(_evaluated(1)) + _line(_evaluated(2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6), st.binary(max_size=200_000))
def test_any_file_at_all_can_be_opened_and_appended_to(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    path.write_bytes(b"\n".join([*lines, rest]))
    log = EventLog(path)
    log.write(_evaluated(7))
    log.close()
    assert path.read_bytes().endswith(_line(_evaluated(7)))
    assert LogReader(path).read()[-1] == _evaluated(7)


def test_damaged_lines_are_skipped_and_counted_and_the_rest_is_read(path: Path) -> None:
    damaged = b'{"event": "evaluated"}\nnonsense\n\xff\n' + b"[" * 100_000 + b"\n"
    path.write_bytes(_line(_evaluated(1)) + damaged + _line(_evaluated(2)))
    reader = LogReader(path)
    first, second, warning = reader.read()
    assert (first, second) == (_evaluated(1), _evaluated(2))
    assert isinstance(warning, Warned)
    assert "4 damaged lines" in warning.message
    assert "line 2" in warning.message
    assert reader.read() == []


def test_a_pipe_in_place_of_the_log_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="regular file"):
        LogReader(path).read()
    with pytest.raises(OSError, match="regular file"):
        EventLog(path)


def test_a_log_is_not_written_through_a_link(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("mine\n")
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        EventLog(path)
    assert target.read_text() == "mine\n"


def test_one_process_writes_a_log(path: Path) -> None:
    log = EventLog(path)
    with pytest.raises(BlockingIOError):
        EventLog(path)
    log.close()
    EventLog(path).close()


def test_a_removed_log_is_written_again_whole(path: Path) -> None:
    log = EventLog(path)
    log.write(_evaluated(1))
    path.unlink()
    assert not log.is_in_place
    log.write(_evaluated(2))
    log.write_again()
    assert log.is_in_place
    log.write(_evaluated(3))
    log.close()
    assert [event.step for event in LogReader(path).read()] == [1, 2, 3]


def test_a_log_that_another_process_took_over_is_left_to_it(path: Path) -> None:
    log = EventLog(path)
    path.unlink()
    other = EventLog(path)
    with pytest.raises(BlockingIOError):
        log.write_again()
    other.close()
    log.close()


class FullDisk:
    """Lets `room` more bytes be written, as a file system does that fills up."""

    def __init__(self) -> None:
        self.room = 10_000

    def write(self, descriptor: int, data: memoryview) -> int:
        part = bytes(data)[: self.room]
        if not part:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(part)
        return os.write(descriptor, part)


@pytest.mark.parametrize("room", [0, 1, 30, 100])
def test_a_full_disk_is_an_error_once_and_loses_nothing(path: Path, room: int) -> None:
    disk = FullDisk()
    log = EventLog(path, write=disk.write)
    log.write(_evaluated(1))
    disk.room = room
    with pytest.raises(OSError, match="No space"):
        log.write(_evaluated(2))
    assert path.read_bytes() == _line(_evaluated(1)), "no stump is left"
    for step in (3, 4):
        log.write(_evaluated(step))
    disk.room = 10_000
    log.write(_evaluated(5))
    assert [record["step"] for record in _records(path)] == [1, 2, 3, 4, 5]
    disk.room = 0
    with pytest.raises(OSError, match="No space"):
        log.write(_evaluated(6))
    log.close()  # told already
    assert [record["step"] for record in _records(path)] == [1, 2, 3, 4, 5]


def test_a_stump_that_could_not_be_cut_off_is_cut_off_by_the_next_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk()
    log = EventLog(path, write=disk.write)
    log.write(_evaluated(1))
    disk.room = 20

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(OSError, match="No space"):
            log.write(_evaluated(2))
    assert path.read_bytes() == _line(_evaluated(1)) + _line(_evaluated(2))[:20]
    disk.room = 10_000
    log.write(_evaluated(3))
    assert [record["step"] for record in _records(path)] == [1, 2, 3]
    log.close()


def test_what_waits_for_a_full_disk_is_bounded_and_a_warning_counts_the_lost_events(path: Path) -> None:
    disk = FullDisk()
    log = EventLog(path, unwritten_bytes=10 * len(_line(_evaluated(100))), write=disk.write)
    disk.room = 0
    with pytest.raises(OSError, match="No space"):
        log.write(_evaluated(100))
    for step in range(101, 200):
        log.write(_evaluated(step))
    disk.room = 100_000
    log.write(_evaluated(200))
    log.close()
    steps = [record["step"] for record in _records(path) if record["event"] == "evaluated"]
    assert steps == list(range(steps[0], 201))
    assert 5 <= len(steps) <= 11
    (warning,) = [record for record in _records(path) if record["event"] == "warned"]
    assert str(101 - len(steps)) in warning["message"]
    assert warning["kind"] == "other", "what follows is saved"


def test_a_reader_sees_only_whole_new_lines(path: Path) -> None:
    reader = LogReader(path)
    assert reader.read() == []
    line = _line(_evaluated(1))
    with path.open("ab", buffering=0) as file:
        file.write(line[:10])
        assert reader.read() == []
        file.write(line[10:] + line[:5])
        assert reader.read() == [_evaluated(1)]
        assert reader.read() == []
        file.write(line[5:])
        assert reader.read() == [_evaluated(1)]
    assert not reader.was_replaced


def test_a_reader_begins_again_when_the_file_is_cut_or_replaced(path: Path) -> None:
    reader = LogReader(path)
    path.write_bytes(_line(_evaluated(1)) + _line(_evaluated(2)))
    assert len(reader.read()) == 2
    os.truncate(path, len(_line(_evaluated(1))))
    assert [event.step for event in reader.read()] == [1]
    assert reader.was_replaced
    other = path.with_name("other")
    other.write_bytes(_line(_evaluated(3)) * 3)
    os.replace(other, path)
    assert [event.step for event in reader.read()] == [3, 3, 3]
    assert reader.was_replaced
    assert reader.read() == []
    assert not reader.was_replaced


def test_a_mended_log_is_no_new_log_to_a_reader(path: Path) -> None:
    reader = LogReader(path)
    path.write_bytes(_line(_evaluated(1)) + b'{"torn')
    assert len(reader.read()) == 1
    log = EventLog(path)
    log.write(_evaluated(2))
    assert [event.step for event in reader.read()] == [2]
    assert not reader.was_replaced
    log.close()


def test_what_a_resumed_run_says_again_is_said_once() -> None:
    saved = Saved(20, 0.4, "runs/input/last.safetensors", "last")
    killed = [STARTED, _progress(1, 20), saved, _progress(21, 30), _evaluated(30), _progress(31, 35)]
    again = [_resumed(20), _progress(21, 40), Finished(40, 0.8, "steps")]
    events = as_one_run([*killed, *again])
    assert _told(events) == list(range(1, 41))
    assert not any(isinstance(event, Evaluated) for event in events)
    assert sum(isinstance(event, Saved) for event in events) == 1


def test_progress_across_the_resumed_step_is_cut_there() -> None:
    events = as_one_run([STARTED, _progress(1, 10), _progress(11, 30), _resumed(15), _progress(16, 17)])
    assert _told(events) == list(range(1, 18))
    across = events[2]
    assert isinstance(across, Progress)
    assert across.step == 15
    assert len(across.losses_nats) == len(across.gradient_norms) == 5


def test_a_run_that_went_on_has_not_finished() -> None:
    stopped = Finished(10, 0.2, "stopped")
    events = as_one_run([STARTED, _progress(1, 10), _evaluated(10), stopped, _resumed(10), _progress(11, 12)])
    assert [type(event) for event in events] == [Started, Progress, Evaluated, Started, Progress]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=5))
def test_however_often_it_is_killed_each_step_is_told_once(kills: list[tuple[int, int]]) -> None:
    """Each life runs some steps past its last save, then is killed and resumes from the save."""
    events: list[Event] = [STARTED]
    saved = 0
    for steps, unsaved in kills:
        for first in range(saved + 1, saved + steps + unsaved + 1, 7):
            events.append(_progress(first, min(first + 6, saved + steps + unsaved)))
        saved += steps
        events.append(_resumed(saved))
    assert _told(as_one_run(events)) == list(range(1, saved + 1))
