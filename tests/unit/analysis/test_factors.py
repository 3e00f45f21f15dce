"""Orders of units and factors against brute force and planted structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnscope.analysis.factors import (
    by_score,
    by_similarity,
    correlations,
    factorize,
    linkage,
    strengths,
)


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


def test_units_that_go_together_lie_together() -> None:
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


def test_correlations_are_numpys_and_a_dull_unit_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnscope.analysis.factors._ROWS", 100)
    values = np.random.default_rng(2).normal(0.3, 1, (950, 6)).astype(np.float32)
    values[:, 3] = -values[:, 1]
    np.testing.assert_allclose(correlations(values), np.corrcoef(values.T), atol=1e-6)
    values[:, 4] = 0.7
    values[:, 5] = 0.0
    r = correlations(values)
    assert not r[4, :4].any()
    assert not r[5, :5].any()
    assert np.diag(r).tolist() == [1.0] * 6
    assert sorted(by_similarity(values).tolist()) == list(range(6))


def test_scores_order_from_the_highest_and_nothing_comes_last() -> None:
    assert by_score(np.array([0.2, np.nan, 0.9, 0.2, -1.0])).tolist() == [2, 0, 3, 4, 1]


def test_planted_factors_are_found() -> None:
    random = np.random.default_rng(3)
    along = np.zeros((600, 3))
    for factor, start in enumerate((0, 200, 400)):
        along[start : start + 200, factor] = random.uniform(0.2, 1.0, 200) * (4 - factor)
    units = np.zeros((3, 30))
    for factor in range(3):
        units[factor, factor * 10 : factor * 10 + 10] = random.uniform(0.5, 1.0, 10)
    signs = random.choice([-1, 1], (600, 30))
    found = factorize((along @ units * signs).astype(np.float32), 3, seed=1)
    assert found.errors[-1] < 0.01
    for factor in range(3):  # the strongest first
        assert sorted(found.strongest(factor).tolist()) == list(range(factor * 10, factor * 10 + 10))
        assert np.corrcoef(found.along[:, factor], along[:, factor])[0, 1] > 0.999
    np.testing.assert_allclose(found.along @ found.units, along @ units, atol=0.05)
    np.testing.assert_allclose(found.along.max(axis=0), 1.0, atol=1e-6)


def test_errors_are_as_they_say_and_never_grow() -> None:
    values = np.random.default_rng(4).normal(size=(400, 25)).astype(np.float32)
    told: list[float] = []
    found = factorize(values, 4, iterations=60, told=told.append)
    assert (np.diff(found.errors) <= 1e-6).all()
    rest = np.abs(values) - found.along @ found.units
    assert found.errors[-1] == pytest.approx(np.linalg.norm(rest) / np.linalg.norm(values), abs=1e-5)
    assert len(told) == len(found.errors)
    assert (found.along >= 0).all()
    assert (found.units >= 0).all()
    again = factorize(values, 4, iterations=60)
    assert np.array_equal(again.units, found.units)
    assert not np.array_equal(factorize(values, 4, seed=9).units, found.units)


def test_factors_so_far_are_given_when_asked_to_end() -> None:
    values = np.random.default_rng(5).normal(size=(50, 8)).astype(np.float32)
    assert len(factorize(values, 2, should_stop=lambda: True).errors) == 1
    silent = factorize(np.zeros((10, 4), np.float32), 2)
    assert np.isfinite(silent.along).all()
    assert np.isfinite(silent.units).all()


def test_known_factors_are_followed_along_other_values() -> None:
    random = np.random.default_rng(6)
    units = np.zeros((3, 30), np.float32)
    for factor in range(3):
        units[factor, factor * 10 : factor * 10 + 10] = random.uniform(0.5, 1.0, 10)
    along = random.uniform(0.0, 2.0, (50, 3)).astype(np.float32)
    signs = random.choice([-1, 1], (50, 30)).astype(np.float32)
    np.testing.assert_allclose(strengths(along @ units * signs, units), along, atol=1e-3)
    assert not strengths(np.zeros((4, 30), np.float32), units).any()
