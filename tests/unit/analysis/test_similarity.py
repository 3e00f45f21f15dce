"""Orders of units against brute force and planted structure."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.similarity import by_similarity, correlations, linkage


def heights_by_brute_force(distances: np.ndarray) -> list[float]:
    """Average linkage from its definition: the mean over all pairs of members, at every joining."""
    clusters = [[unit] for unit in range(len(distances))]
    heights = []
    while len(clusters) > 1:
        height, a, b = min(
            (distances[np.ix_(clusters[a], clusters[b])].mean(), a, b)
            for a in range(len(clusters))
            for b in range(a + 1, len(clusters))
        )
        heights.append(height)
        clusters[a] += clusters.pop(b)
    return heights


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(0, 10_000))
def test_joinings_are_those_of_average_linkage(units: int, seed: int) -> None:
    distances = np.random.default_rng(seed).uniform(0.1, 2.0, (units, units))
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    order, heights = linkage(distances)
    assert sorted(order.tolist()) == list(range(units))
    np.testing.assert_allclose(heights, sorted(heights_by_brute_force(distances)), atol=1e-12)


def test_correlated_units_lie_together() -> None:
    random = np.random.default_rng(0)
    groups = random.permutation(np.repeat(np.arange(5), 8))
    signals = random.normal(size=(2000, 5))
    values = (signals[:, groups] + 0.4 * random.normal(size=(2000, 40))).astype(np.float32)
    in_order = groups[by_similarity(values)]
    assert np.count_nonzero(np.diff(in_order)) == 4


def test_a_row_of_neighbors_is_put_back_in_order() -> None:
    place = np.random.default_rng(1).permutation(12)
    positions = np.cumsum(np.linspace(1.0, 2.0, 12))[place]
    order, _ = linkage(np.abs(positions[:, None] - positions[None]))
    assert np.abs(np.diff(place[order])).sum() <= 15  # 11 is perfect; 44 is what chance gives


def test_correlations_are_numpys_and_a_constant_unit_has_none() -> None:
    values = np.random.default_rng(2).normal(0.3, 1, (950, 6)).astype(np.float32)
    values[:, 3] = -values[:, 1]
    np.testing.assert_allclose(correlations(values, rows=100), np.corrcoef(values.T), atol=1e-6)
    values[:, 4] = 0.7
    values[:, 5] = 0.0
    r = correlations(values)
    assert not r[4, :4].any()
    assert not r[5, :5].any()
    assert np.diag(r).tolist() == [1.0] * 6
    assert sorted(by_similarity(values).tolist()) == list(range(6))
