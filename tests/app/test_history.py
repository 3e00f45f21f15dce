"""The numbers of a run: smoothed as told, bounded however long the run, true to what was said."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rnnscope.app.history import EXACT_ROWS, MAXIMUM_ROWS, Best, History, Series
from rnnscope.training.events import Compared, Evaluated, Progress, Sampled, Warned


def progress(steps: np.ndarray, losses: np.ndarray, norms: np.ndarray | None = None) -> Progress:
    norms = np.ones(len(steps)) if norms is None else norms
    return Progress(int(steps[-1]), 1.0, steps, losses, norms, 1e-3, 1e5, 0.5, -2.9)


def smoothed_by_a_loop(values: np.ndarray) -> list[float]:
    """s(n) from its definition, in one go."""
    smooth, level = [], 0.0
    for n, value in enumerate(values, start=1):
        window = min(max(1.0, n / 20), 100.0)
        level = level + (value - level) / window
        smooth.append(level)
    return smooth


def test_the_smoothed_loss_follows_its_definition_however_it_arrives() -> None:
    values = 3 + np.random.default_rng(1).normal(size=5_000)
    series = Series()
    for start in range(0, 5_000, 37):
        series.extend(np.arange(start, min(start + 37, 5_000)) + 1, values[start : start + 37])
    assert series.smooth == pytest.approx(smoothed_by_a_loop(values))
    assert series.smooth[0] == values[0], "no start-up bias"


def test_smoothing_keeps_a_constant_as_it_is() -> None:
    series = Series()
    series.extend(np.arange(1, 3_001), np.full(3_000, 2.5))
    assert series.smooth == pytest.approx(np.full(3_000, 2.5))


def test_long_runs_are_bounded_and_keep_lowest_highest_and_mean() -> None:
    count, limit = 30_000, 2_048
    values = np.random.default_rng(2).normal(size=count)
    series = Series(maximum_rows=limit)
    for start in range(0, count, 500):
        series.extend(np.arange(start + 1, start + 501), values[start : start + 500])
    assert len(series) <= limit
    ends = series.steps.astype(int)
    assert ends[-1] == count
    exact = limit // 8
    assert ends[:exact].tolist() == list(range(1, exact + 1)), "the first steps stay single"
    begins = np.concatenate(([0], ends[:-1]))
    for row, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        assert series.low[row] == values[begin:end].min()
        assert series.high[row] == values[begin:end].max()
        assert series.mean[row] == pytest.approx(values[begin:end].mean())
    widths = np.diff(ends, prepend=0)
    assert widths.max() <= 64, "no row holds more than its share"
    assert series.smooth == pytest.approx(np.array(smoothed_by_a_loop(values))[ends - 1])


def test_a_million_steps_need_no_more_memory_than_the_rows_allow() -> None:
    series = Series(smoothed=False)
    for start in range(0, 1_000_000, 10_000):
        steps = np.arange(start + 1, start + 10_001)
        series.extend(steps, 1.0 / steps)
    assert len(series) <= MAXIMUM_ROWS
    assert len(pickle.dumps(series)) <= 7 * 8 * MAXIMUM_ROWS
    assert series.steps[EXACT_ROWS - 1] == EXACT_ROWS
    assert np.all(np.diff(series.steps) > 0)
    # on a log axis of 200 columns a row is never wider than a column
    late = series.steps[EXACT_ROWS:]
    assert np.max(np.diff(np.log10(late))) < 6 / 200


def test_values_that_are_not_finite_are_left_out() -> None:
    series = Series()
    series.extend([1, 2, 3, 4], [4.0, np.nan, np.inf, 3.0])
    assert series.steps.tolist() == [1, 4]
    assert series.high.tolist() == [4.0, 3.0]


def test_a_run_that_went_back_draws_its_new_way() -> None:
    series = Series()
    series.extend(np.arange(1, 101), np.linspace(4, 3, 100))
    series.extend(np.arange(51, 61), np.full(10, 1.0))
    assert series.steps.tolist() == list(range(1, 61))
    assert series.high[50:].tolist() == [1.0] * 10
    expected = smoothed_by_a_loop(np.concatenate([np.linspace(4, 3, 100)[:50], np.full(10, 1.0)]))
    assert series.smooth == pytest.approx(expected)


def test_nearest_finds_the_row_that_a_loop_finds() -> None:
    steps = np.array([1, 2, 5, 9, 30])
    series = Series(smoothed=False)
    series.extend(steps, steps)
    for step in np.linspace(0, 40, 81):
        distance = np.abs(steps - step)
        assert distance[series.nearest(step)] == distance.min()


def test_history_takes_what_charts_need() -> None:
    history = History()
    history.add(progress(np.arange(1, 11), np.linspace(4, 3, 10), np.linspace(1, 2, 10)))
    history.add(Evaluated(10, 1.0, 3.2, 1000, True))
    history.add(Compared(10, 1.0, {"uniform": 4.17}))
    history.add(Compared(11, 1.0, {"5-gram": 1.5}))
    history.add(Warned(12, 1.0, "went back to step 10", kind="divergence"))
    history.add(Evaluated(20, 2.0, 3.4, 1000, False))
    assert history.step == 10
    assert history.train.high.tolist() == np.linspace(4, 3, 10).tolist()
    assert history.gradient.low[-1] == 2
    assert history.held_out.smooth.tolist() == [3.2, 3.4]
    assert history.best == Best(3.2, 10)
    assert history.baselines_nats == {"uniform": 4.17, "5-gram": 1.5}
    assert history.divergences == [12]
    assert (history.learning_rate, history.update_ratio_log10) == (1e-3, -2.9)


def test_only_what_is_drawn_raises_the_version() -> None:
    history = History()
    history.add(Warned(1, 1.0, "disk is full", kind="disk"))
    history.add(Sampled(1, 1.0, "a", np.array([0.5], dtype=np.float32), 0.7))
    assert history.version == 0
    history.add(Evaluated(1, 1.0, 3.0, 10, True))
    assert history.version == 1
