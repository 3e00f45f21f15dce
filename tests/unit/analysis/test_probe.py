"""The linear probe against scikit-learn, and on answers that it can and cannot predict."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import roc_auc_score

from rnnscope.analysis.probe import probe


def states(n: int, units: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, units)).astype(np.float32)


def test_a_boolean_that_is_the_sum_of_two_units_takes_two() -> None:
    x = states(3000, 40)
    on = (x[:, 3] - x[:, 17] > 0.5).astype(np.float32)
    found = probe(x[:2000], on[:2000], x[2000:], on[2000:], "boolean", 40)
    assert found.held_out > 0.995
    assert found.units_used <= 4


def test_a_number_is_predicted_by_ridge() -> None:
    x = states(3000, 40)
    numbers = (x[:, 3] - x[:, 17] + 0.1 * x[:, 5]).astype(np.float32)
    assert probe(x[:2000], numbers[:2000], x[2000:], numbers[2000:], "number", 40).held_out > 0.99


def test_a_feature_that_is_not_encoded_stays_at_chance() -> None:
    x = states(1600, 200)
    on = (np.random.default_rng(1).random(1600) < 0.3).astype(np.float32)
    assert abs(probe(x[:800], on[:800], x[800:], on[800:], "boolean", 200).held_out - 0.5) < 0.1


def test_two_numbers_of_a_unit_are_one_unit() -> None:
    x = states(1000, 3)
    on = (x[:, 1] > 0).astype(np.float32)
    both = np.concatenate([x, x], axis=1)
    assert probe(both[:800], on[:800], both[800:], on[800:], "boolean", 3).units_used == 1


def test_constant_units_and_answers_do_no_harm() -> None:
    x = np.ones((100, 4), np.float32)
    on = np.zeros(100, np.float32)
    on[:3] = 1  # none in the quarter that chooses the penalty
    assert probe(x, on, x, on, "boolean", 4).held_out == 0.5


def test_the_probe_scores_what_scikit_learn_does() -> None:
    """L1 logistic regression, its penalty chosen by cross-validation; five units share the feature."""
    x = states(4000, 60)
    noise = np.random.default_rng(3).standard_normal(4000)
    on = (x[:, :5].sum(axis=1) + noise > 1).astype(np.float32)
    found = probe(x[:2000], on[:2000], x[2000:], on[2000:], "boolean", 60)
    theirs = LogisticRegressionCV(
        Cs=8,
        cv=4,
        l1_ratios=(1.0,),
        solver="saga",
        scoring="roc_auc",
        max_iter=400,
        use_legacy_attributes=False,
    ).fit(x[:2000], on[:2000])
    expected = roc_auc_score(on[2000:], theirs.decision_function(x[2000:]))
    assert found.held_out == pytest.approx(expected, abs=0.01)


def test_ridge_scores_what_scikit_learn_does() -> None:
    x = states(3000, 40)
    noise = np.random.default_rng(4).standard_normal(3000)
    numbers = (x[:, :8].sum(axis=1) + 2 * noise).astype(np.float32)
    found = probe(x[:2000], numbers[:2000], x[2000:], numbers[2000:], "number", 40)
    theirs = RidgeCV(alphas=np.logspace(-1, 4, 12)).fit(x[:2000], numbers[:2000])
    expected = spearmanr(theirs.predict(x[2000:]), numbers[2000:]).statistic
    assert found.held_out == pytest.approx(expected, abs=0.01)
