"""Looking on at a run that another process writes, or wrote."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from rnnscope.errors import RunError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    Progress,
    Sampled,
    Started,
    Traced,
    Warned,
)
from rnnscope.training.follow import POLL_SECONDS, follow
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import Run

VOCABULARY = Vocabulary.of("abc\n")
TEXT = "abc\n" * 20 + "abacab\ncab"
PASSAGE = TEXT[-9:]
"""The last tenth of TEXT, which is held out."""
_LONG_ENOUGH_SECONDS = 1.5 * POLL_SECONDS
"""A follower has looked once more."""
E = TypeVar("E")


def _model(seed: int) -> CharRNN:
    architecture = Architecture(vocabulary_size=len(VOCABULARY), hidden_size=5)
    return CharRNN(architecture, VOCABULARY, generator=torch.Generator().manual_seed(seed)).eval()


def _save(run: Run, step: int) -> None:
    run.save_last(_model(step), {"step": step}, {}, {})


def _started(step: int = 0, resumed: bool = False) -> Started:
    symbols, network = VOCABULARY.symbols, _model(0).architecture
    return Started(
        step, step / 50, "run", "a.txt", network, symbols, 9, "cpu", "float32", 9, 1, 2, resumed=resumed
    )


def _progress(first: int, last: int) -> Progress:
    steps = np.arange(first, last + 1)
    return Progress(last, last / 50, steps, 1 + 1 / steps, np.ones(len(steps)), 0.004, 9e4, 0.1)


def _evaluated(step: int) -> Evaluated:
    return Evaluated(step, step / 50, held_out_nats=1.5, characters=100, is_best=False)


class Follower:
    """Follows in a thread, as a screen does, and keeps what it was told."""

    def __init__(
        self, directory: Path, state: ControlState | None = None, quiet_seconds: float = 1e9, **limits: int
    ) -> None:
        self._quiet_seconds = quiet_seconds
        self._limits = limits
        self.controls = Controls(state)
        self.said: list[Event] = []
        self.error: Exception | None = None
        self._directory = directory
        self._thread = threading.Thread(target=self._follow)

    def _follow(self) -> None:
        try:
            follow(
                self._directory,
                self.controls,
                self.said.append,
                quiet_seconds=self._quiet_seconds,
                **self._limits,
            )
        except Exception as error:
            self.error = error

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controls.stop()
        self._thread.join(timeout=5)
        assert not self._thread.is_alive(), "it ends when asked to"
        if self.error is not None:
            raise self.error

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in list(self.said) if isinstance(event, kind)]

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not is_so():
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < end, f"not within ten seconds; said so far: {self.said}"
            time.sleep(0.01)

    def told(self) -> list[int]:
        return [step for event in self.of(Progress) for step in event.steps.tolist()]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """A follower leaves torch one thread; other tests want theirs back."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def header(tmp_path: Path) -> dict[str, Any]:
    """Of a run that learns a text which lies here."""
    text = tmp_path / "a.txt"
    text.write_text(TEXT)
    corpus = {"path": str(text), "sha256": hashlib.sha256(TEXT.encode()).hexdigest()}
    return {"options": TrainOptions(text="a.txt").to_json(), "corpus": corpus}


@pytest.fixture
def run(tmp_path: Path, header: dict[str, Any]) -> Iterator[Run]:
    with Run.create(tmp_path / "run", header) as run:
        yield run


def test_a_living_run_is_said_from_its_beginning_and_on(run: Run) -> None:
    run.write(_started())
    run.write(_progress(1, 40))
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: follower.told() == list(range(1, 41)))
        run.write(_progress(41, 100))
        run.write(_evaluated(100))
        follower.wait_for(lambda: len(follower.of(Evaluated)) == 1)
    assert type(follower.said[0]) is Started
    assert follower.told() == list(range(1, 101))


def test_a_long_past_comes_in_few_pieces(run: Run) -> None:
    run.write(_started())
    for last in range(100, 20_001, 100):
        run.write(_progress(last - 99, last))
        if last == 10_000:
            run.write(_evaluated(last))
    run.close()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.told()) == 15_000)
    assert [type(event) for event in follower.said[:4]] == [Started, Progress, Evaluated, Progress]
    assert follower.told()[:10_000] == list(range(1, 10_001))


def test_a_run_that_was_killed_and_resumed_is_said_once(run: Run) -> None:
    run.write(_started())
    for event in (_progress(1, 60), _progress(61, 120), _started(60, resumed=True), _progress(61, 90)):
        run.write(event)
    run.close()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: follower.told() == list(range(1, 91)))


def test_a_run_that_is_resumed_meanwhile_goes_on(run: Run) -> None:
    run.write(_started())
    run.write(_progress(1, 60))
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.told()) == 60)
        run.close()
        with (run.directory / "events.jsonl").open("ab") as file:
            file.write(b'{"event": "prog')  # its last words
        with Run.reopen(run.directory) as again:
            again.write(_started(60, resumed=True))
            again.write(_progress(61, 62))
            follower.wait_for(lambda: follower.told() == list(range(1, 63)))
    assert [event.resumed for event in follower.of(Started)] == [False, True]
    assert follower.of(Warned) == []


def test_a_run_that_appears_later_is_waited_for(tmp_path: Path) -> None:
    with Follower(tmp_path / "run") as follower:
        follower.wait_for(lambda: len(follower.of(Warned)) == 1)
        assert "waiting for a run" in follower.of(Warned)[0].message
        with Run.create(tmp_path / "run", {}) as run:
            run.write(_started())
            follower.wait_for(lambda: len(follower.of(Started)) == 1)
    assert len(follower.said) == 2


def test_stopping_ends_the_wait_for_a_run_that_does_not_appear(tmp_path: Path) -> None:
    controls, said = Controls(), list[Event]()
    follower = threading.Thread(target=follow, args=(tmp_path / "run", controls, said.append), daemon=True)
    follower.start()
    end = time.monotonic() + 10
    while not said and time.monotonic() < end:
        time.sleep(0.01)
    assert follower.is_alive()
    controls.stop()
    follower.join(5)
    assert not follower.is_alive()
    assert [type(event) for event in said] == [Warned]
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="not a directory"):
        follow(tmp_path / "file", Controls(), lambda event: None)


def test_a_log_that_is_replaced_is_read_from_the_top(run: Run) -> None:
    run.write(_started())
    run.write(_evaluated(1))
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Evaluated)) == 1)
        path = run.directory / "events.jsonl"
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        os.replace(copy, path)
        follower.wait_for(lambda: len(follower.of(Evaluated)) == 2)
    assert [type(event) for event in follower.said] == [Started, Evaluated, Warned, Started, Evaluated]


def test_the_passage_is_traced_through_the_newest_weights(run: Run) -> None:
    run.write(_started())
    _save(run, 1)
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Traced)) == 1)
        _save(run, 2)
        follower.wait_for(lambda: len(follower.of(Traced)) == 2)
    for step, traced in enumerate(follower.of(Traced), 1):
        expected = record(_model(step), VOCABULARY.encode(PASSAGE), step=step)
        assert traced.step == traced.trace.step == step
        assert traced.trace.text == PASSAGE
        np.testing.assert_array_equal(traced.trace["1/cell"], expected["1/cell"])


def test_another_passage_can_be_asked_for(run: Run) -> None:
    _save(run, 1)
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Traced)) == 1)
        follower.controls.set(passage="bbb")
        follower.wait_for(lambda: len(follower.of(Traced)) == 2)
        follower.controls.set(passage="xyz")
        follower.wait_for(lambda: len(follower.of(Warned)) == 1)
    assert follower.of(Traced)[1].trace.text == "bbb"
    assert follower.of(Traced)[-1].trace.text == "bbb"


def test_samples_are_written_on_request(run: Run) -> None:
    _save(run, 1)
    run.close()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Sampled)) == 1)  # the run has none, so one comes unasked
        follower.controls.set(temperature=0.0, prime="ab")
        follower.wait_for(lambda: len(follower.of(Sampled)) == 2)
        follower.controls.sample_now()
        follower.wait_for(lambda: len(follower.of(Sampled)) == 3)
    asked = follower.of(Sampled)[1]
    assert (asked.prime, asked.temperature) == ("ab", 0.0)
    assert set(asked.text) <= set("abc\n")
    assert asked.step == 1


def test_a_run_with_samples_gets_none_unasked(run: Run) -> None:
    run.write(Sampled(1, 0.02, "abc", np.ones(3, np.float32), 0.8))
    _save(run, 1)
    run.close()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Traced)) == 1)
        time.sleep(_LONG_ENOUGH_SECONDS)
        assert len(follower.of(Sampled)) == 1


def test_nothing_is_computed_for_nobody(run: Run) -> None:
    _save(run, 1)
    with Follower(run.directory, ControlState(observing=False)) as follower:
        run.write(_evaluated(1))
        follower.wait_for(lambda: len(follower.of(Evaluated)) == 1)
        time.sleep(_LONG_ENOUGH_SECONDS)
    assert len(follower.said) == 1


@pytest.mark.parametrize("trouble", ["gone", "changed", "not in the header", "too large"])
def test_a_run_whose_text_is_not_here_shows_what_its_network_writes(
    tmp_path: Path, header: dict[str, Any], trouble: str
) -> None:
    text = tmp_path / "a.txt"
    limits = {"largest_text_bytes": len(TEXT) - 1} if trouble == "too large" else {}
    if trouble == "gone":
        text.unlink()
    elif trouble == "changed":
        text.write_text(TEXT.replace("a", "b"))
    elif trouble == "not in the header":
        del header["corpus"]
    with Run.create(tmp_path / "run", header) as run:
        _save(run, 1)
    with Follower(run.directory, **limits) as follower:
        follower.wait_for(lambda: len(follower.of(Traced)) == 1)
    assert len(follower.of(Traced)[0].trace) == 600


def test_a_finished_run_stays_for_looking(run: Run) -> None:
    for event in (_started(), _progress(1, 100), Finished(100, 2.0, "steps", held_out_nats=1.5)):
        run.write(event)
    run.save_best(_model(7), {"step": 70})
    run.write_baselines({"uniform": 4.2})
    run.close()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Finished)) == 1 and len(follower.of(Traced)) == 1)
        follower.controls.trace_now()
        follower.wait_for(lambda: len(follower.of(Traced)) == 2)
    assert [type(event) for event in follower.said[:4]] == [Started, Compared, Progress, Finished]
    assert follower.of(Traced)[0].step == 70, "the best weights, where there are no last"


def test_baselines_are_told_when_they_are_known(run: Run) -> None:
    run.write(_started())
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Started)) == 1)
        for losses in ({"uniform": 4.2}, {"uniform": 4.2, "1-gram": 3.3}):
            run.write_baselines(losses)
            follower.wait_for(
                lambda losses=losses: losses in [c.baselines_nats for c in follower.of(Compared)]
            )


def test_damaged_weights_are_told_once_and_better_ones_are_taken(run: Run) -> None:
    run.write(_started())
    (run.directory / "last.safetensors").write_bytes(b"nothing of the kind")
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Warned)) == 1)
        _save(run, 3)
        follower.wait_for(lambda: len(follower.of(Traced)) == 1)
    assert "last.safetensors" in follower.of(Warned)[0].message


def test_what_only_the_writer_can_do_is_told(run: Run) -> None:
    run.write(_started())
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Started)) == 1)
        follower.controls.save_now()
        follower.wait_for(lambda: len(follower.of(Warned)) == 1)
    assert follower.of(Warned)[0].kind == "controls"


def test_a_follower_writes_nothing_and_takes_no_lock(run: Run) -> None:
    run.write(_started())
    _save(run, 1)
    run.close()

    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [run.directory, *run.directory.rglob("*")]}

    before = state()
    with Follower(run.directory) as follower:
        follower.wait_for(lambda: len(follower.of(Sampled)) == 1)
        assert state() == before
        Run.reopen(run.directory).close()


def test_a_run_whose_process_was_killed_stopped_without_finishing(run: Run) -> None:
    run.write(_started())
    run.write(_progress(1, 40))
    with Follower(run.directory, quiet_seconds=0.0) as follower:
        follower.wait_for(lambda: len(follower.told()) == 40)
        assert follower.of(Started)[0].run == str(run.directory), "not where it was when it began"
        time.sleep(_LONG_ENOUGH_SECONDS)
        assert follower.of(Finished) == [], "its process holds the lock"
        run.close()
        follower.wait_for(lambda: len(follower.of(Finished)) == 1)
        (ended,) = follower.of(Finished)
        assert (ended.reason, ended.step) == ("killed", 40)
        with Run.reopen(run.directory) as again:
            again.write(_started(40, resumed=True))
            again.write(_progress(41, 50))
            follower.wait_for(lambda: len(follower.told()) == 50)
        follower.wait_for(lambda: len(follower.of(Finished)) == 2)
        time.sleep(_LONG_ENOUGH_SECONDS)
        assert len(follower.of(Finished)) == 2, "once for each process"


def test_a_run_that_finished_is_not_reported_as_killed(run: Run) -> None:
    run.write(_started())
    run.write(Finished(5, 1.0, "steps"))
    run.close()
    with Follower(run.directory, quiet_seconds=0.0) as follower:
        follower.wait_for(lambda: bool(follower.of(Finished)))
        time.sleep(_LONG_ENOUGH_SECONDS)
        assert [event.reason for event in follower.of(Finished)] == ["steps"]


def test_a_log_that_changed_a_moment_ago_may_be_written_where_its_lock_is_not_seen(run: Run) -> None:
    run.write(_started())
    run.close()
    with Follower(run.directory, quiet_seconds=60.0) as follower:
        follower.wait_for(lambda: bool(follower.of(Started)))
        time.sleep(_LONG_ENOUGH_SECONDS)
        assert follower.of(Finished) == []
