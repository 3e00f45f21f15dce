"""Statistics of ranks against counting every pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.binning import Binning
from rnnscope.analysis.statistics import (
    BINS,
    auc,
    auc_of_counts,
    average_precision,
    average_precision_of_counts,
    centred_ranks,
    spearman,
)
from rnnscope.analysis.tally import Tally
from rnnscope.analysis.threads import Threads

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
    ranks = centred_ranks(np.array([[3, 1, 1, 2], [0, 0, 0, 0]], np.float32))
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


def test_binned_scores_are_within_five_thousandths() -> None:
    n = 40_000
    values = values_of_many_kinds(n)
    noise = np.random.default_rng(1).standard_normal(n)
    ranks = np.stack([np.argsort(np.argsort(column)) for column in values.T]) / n
    on = np.stack([ranks[k] + 0.4 * noise > 0.7 for k in range(6)] + [ranks[0] > 0.98, ranks[2] < 0.004])
    numbers = centred_ranks((ranks[[0, 1, 2, 5]] + 0.3 * noise).astype(np.float32))
    bins = torch.empty(6, n, dtype=torch.uint8)
    Binning.of(torch.from_numpy(values[:4096])).fill(bins, torch.from_numpy(values))
    tally = Tally(6, len(on), len(numbers))
    with Threads() as threads:
        for half in (slice(0, n // 3), slice(n // 3, n)):
            tally.add(bins[:, half], on[:, half], numbers[:, half], threads=threads)
    for column in range(6):
        for feature in range(len(on)):
            exact = auc(values[:, column], on[feature])
            assert tally.areas()[column, feature] == pytest.approx(exact, abs=0.005)
            assert abs(tally.areas()[column, feature] - exact) <= tally.slack()[column, feature] + 1e-9
        for number in range(len(numbers)):
            exact = spearman(values[:, column], numbers[number])
            assert tally.correlations()[column, number] == pytest.approx(exact, abs=0.005)


def test_counts_give_the_scores_of_the_values_they_count() -> None:
    random = np.random.default_rng(2)
    values, on = random.integers(0, BINS, 500), random.random(500) < 0.2
    counts = [np.bincount(values[part], minlength=BINS) for part in (on, ~on)]
    assert auc_of_counts(*counts) == pytest.approx(pairs(values, on), abs=1e-12)
    assert average_precision_of_counts(*counts) == pytest.approx(precision(values, on), abs=1e-12)
