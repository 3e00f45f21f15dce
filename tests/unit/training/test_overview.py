"""Many runs at a glance, read on as they grow, and conditions on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnscope.errors import OptionError, RunError
from rnnscope.training.condition import matching
from rnnscope.training.events import Evaluated, Finished, Progress, Started
from rnnscope.training.overview import MOST_POINTS, Overview
from rnnscope.training.run import Run
from tests.unit.training.test_log import STARTED

OPTIONS = {"cell": "lstm", "hidden_size": 64, "tied": False, "minutes": None}


def steps(first: int, last: int, nats: float = 2.0) -> Progress:
    at = np.arange(first, last + 1)
    return Progress(last, last / 10, at, np.full(len(at), nats), np.ones(len(at)), 0.01, 1e5, 1.0)


def evaluated(step: int, nats: float) -> Evaluated:
    return Evaluated(step, step / 10, nats, 100, is_best=True)


def begun(root: Path, name: str, **options: Any) -> Run:
    run = Run.create(root / name, {"options": {**OPTIONS, **options}})
    run.write(STARTED)
    return run


def test_a_run_is_read_on_while_it_is_written(tmp_path: Path) -> None:
    overview = Overview([tmp_path])
    assert overview.poll() == ()
    run = begun(tmp_path, "a")
    run.write(steps(1, 4))
    run.write(evaluated(4, 1.9))
    (first,) = overview.poll()
    assert (first.name, first.state, first.step, first.best) == ("a", "training", 4, (4, 1.9))
    assert first.training.steps.tolist() == [1, 2, 3, 4]
    assert first.options["hidden_size"] == 64
    run.write(steps(5, 9, 1.5))
    run.write(evaluated(9, 2.1))
    run.write(Finished(9, 0.9, "steps", 1.9))
    run.close()
    begun(tmp_path, "b").close()
    second, other = overview.poll()
    assert (second.state, second.reason, second.step, second.best) == ("finished", "steps", 9, (4, 1.9))
    assert second.training.nats.tolist() == [2.0] * 4 + [1.5] * 5
    assert second.validation.seconds.tolist() == [0.4, 0.9]
    assert (other.name, other.state) == ("b", "stopped")


def test_a_resumed_run_repeats_its_steps(tmp_path: Path) -> None:
    with begun(tmp_path, "a") as run:
        run.write(steps(1, 9))
        run.write(evaluated(5, 1.8))
        run.write(evaluated(9, 1.2))
        run.write(Started(**{**vars(STARTED), "step": 6, "resumed": True}))
        run.write(steps(7, 8, 1.0))
    (found,) = Overview([tmp_path / "a"]).poll()
    assert found.training.steps.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.training.nats.tolist() == [2.0] * 6 + [1.0] * 2
    assert found.best == (5, 1.8)


def test_a_curve_has_bounded_memory(tmp_path: Path) -> None:
    with begun(tmp_path, "a") as run:
        for first in range(1, 40_000, 1000):
            run.write(steps(first, first + 999))
    (found,) = Overview([tmp_path]).poll()
    assert MOST_POINTS / 2 < len(found.training.steps) <= MOST_POINTS
    assert found.training.steps[-1] == 40_000
    assert (np.diff(found.training.steps) > 0).all()


def test_damaged_runs_are_left_out(tmp_path: Path) -> None:
    begun(tmp_path, "good").close()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    (tmp_path / "other").mkdir()
    assert [run.name for run in Overview([tmp_path]).poll()] == ["good"]
    with pytest.raises(RunError, match="is not a directory"):
        Overview([tmp_path / "none"])


def test_conditions(tmp_path: Path) -> None:
    for name, options in (
        ("lstm-64", {}),
        ("lstm-256", {"hidden_size": 256, "tied": True}),
        ("gru-512", {"hidden_size": 512, "cell": "gru", "minutes": 5}),
    ):
        with begun(tmp_path, name, **options) as run:
            run.write(evaluated(3, {"lstm-64": 1.6}.get(name, 1.4)))
    runs = Overview([tmp_path]).poll()

    def names(words: str) -> list[str]:
        return [run.name for run in matching(runs, words)]

    assert names("") == ["gru-512", "lstm-256", "lstm-64"]
    assert names("LSTM") == ["lstm-256", "lstm-64"]
    assert names("hidden_size>=256") == names("hidden-size>64") == ["gru-512", "lstm-256"]
    assert names("cell=gru") == names("cell!=lstm") == names("minutes=5") == ["gru-512"]
    assert names("tied=true lstm") == ["lstm-256"]
    assert names("best<1.5 cell==lstm") == ["lstm-256"]
    assert names("minutes=none") == ["lstm-256", "lstm-64"]
    assert names("state=stopped step>=3") == names("")
    for words, reason in (
        ("hiden_size>1", "runs have no option hiden_size; did you mean hidden_size"),
        ("hidden_size>big", "hidden_size is a number, which 'big' is not"),
        ("cell<lstm", "cell is a word: compare it by = or !="),
    ):
        with pytest.raises(OptionError, match=reason):
            matching(runs, words)
    assert json.loads((tmp_path / "gru-512" / "run.json").read_text())["options"]["cell"] == "gru"
