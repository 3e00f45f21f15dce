"""Statistics of ranks against counting every pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.statistics import (
    auc,
    auc_of_counts,
    average_precision,
    average_precision_of_counts,
    centered_ranks,
    spearman,
    spearman_of_counts,
)

SCORED = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=40)


def pairs(values: np.ndarray, on: np.ndarray) -> float:
    """The share of pairs (on, off) in which on is higher; ties count half."""
    higher = [(a > b) + (a == b) / 2 for a in values[on] for b in values[~on]]
    return float(np.mean(higher)) if higher else 0.5


def precision(values: np.ndarray, on: np.ndarray) -> float:
    """Σ over thresholds of the recall gained times the precision there."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(values.tolist()), reverse=True):
        taken = values >= threshold
        gained = (on & taken).sum() / max(1, on.sum())
        total += (gained - recall) * (on & taken).sum() / taken.sum()
        recall = gained
    return total


@settings(max_examples=100, deadline=None)
@given(SCORED)
def test_auc_and_precision_are_what_counting_gives(scored: list[tuple[int, bool]]) -> None:
    values = np.array([value for value, _ in scored], float)
    on = np.array([is_on for _, is_on in scored])
    assert auc(values, on) == pytest.approx(pairs(values, on), abs=1e-12)
    assert average_precision(values, on) == pytest.approx(precision(values, on), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_spearman_is_the_correlation_of_mean_ranks(points: list[tuple[int, int]]) -> None:
    x, y = np.array(points, float).T
    ranks = [np.array([((a > v).sum() + (a >= v).sum()) / 2 for v in a]) for a in (-x, -y)]
    deviations = [each - each.mean() for each in ranks]
    lengths = [np.sqrt((each**2).sum()) for each in deviations]
    expected = (deviations[0] @ deviations[1]) / np.prod(lengths) if min(lengths) > 0 else 0.0
    assert spearman(x, y) == pytest.approx(expected, abs=1e-9)


def test_ranks_have_their_own_type_and_share_ties() -> None:
    ranks = centered_ranks(np.array([[3, 1, 1, 2], [0, 0, 0, 0]], np.float32))
    assert ranks.dtype == np.float32
    np.testing.assert_allclose(ranks * 4, [[1.5, -1, -1, 0.5], [0, 0, 0, 0]])


def values_of_many_kinds(n: int) -> np.ndarray:
    """(n, 6): smooth, saturated, spiked with tails, two-valued, constant, two spikes apart."""
    random = np.random.default_rng(0)
    normal = random.standard_normal((n, 6))
    return np.stack(
        [
            normal[:, 0],
            1 / (1 + np.exp(-6 - 3 * normal[:, 1])),
            normal[:, 2] * np.where(random.random(n) < 0.9, 1e-4, 1),
            (normal[:, 3] > 1).astype(float),
            np.ones(n),
            np.where(normal[:, 4] > 0, 1, -1) + 1e-3 * normal[:, 5],
        ],
        axis=1,
    ).astype(np.float32)


def test_counts_give_the_scores_of_the_values_they_count() -> None:
    random = np.random.default_rng(2)
    values, on = random.integers(0, 256, 500), random.random(500) < 0.2
    counts = [np.bincount(values[part], minlength=256) for part in (on, ~on)]
    assert auc_of_counts(*counts) == pytest.approx(pairs(values, on), abs=1e-12)
    assert average_precision_of_counts(*counts) == pytest.approx(precision(values, on), abs=1e-12)


def test_counts_give_the_correlation_of_the_values_they_count() -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, 40, 3000)
    numbers = values + random.integers(0, 60, 3000)
    ranks = centered_ranks(numbers[None].astype(np.float64))[0]
    counts = np.bincount(values, minlength=40)[None]
    sums = np.bincount(values, ranks, 40)[None]
    found = spearman_of_counts(counts, sums, float((ranks**2).mean()))
    assert found[0] == pytest.approx(spearman(values, numbers), abs=1e-9)
