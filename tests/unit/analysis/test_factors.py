"""Factors against planted structure."""

from __future__ import annotations

import numpy as np
import pytest

from rnnscope.analysis.factors import Factors, factorize, strengths
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.progress import Cancelled, Progress
from rnnscope.session import Session
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace


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
    shares: list[float] = []
    found = factorize(values, 4, iterations=60, progress=Progress(shares.append))
    assert (np.diff(found.errors) <= 1e-6).all()
    rest = np.abs(values) - found.along @ found.units
    assert found.errors[-1] == pytest.approx(np.linalg.norm(rest) / np.linalg.norm(values), abs=1e-5)
    assert len(shares) == len(found.errors)
    assert (found.along >= 0).all()
    assert (found.units >= 0).all()
    again = factorize(values, 4, iterations=60)
    assert np.array_equal(again.units, found.units)
    assert not np.array_equal(factorize(values, 4, seed=9).units, found.units)


def test_a_silent_layer_and_a_cancelled_factorization() -> None:
    silent = factorize(np.zeros((10, 4), np.float32), 2)
    assert np.isfinite(silent.along).all()
    assert np.isfinite(silent.units).all()
    values = np.random.default_rng(5).normal(size=(50, 8)).astype(np.float32)
    with pytest.raises(Cancelled):
        factorize(values, 2, progress=Progress(is_cancelled=lambda: True))


def test_known_factors_are_followed_along_other_values() -> None:
    random = np.random.default_rng(6)
    units = np.zeros((3, 30), np.float32)
    for factor in range(3):
        units[factor, factor * 10 : factor * 10 + 10] = random.uniform(0.5, 1.0, 10)
    along = random.uniform(0.0, 2.0, (50, 3)).astype(np.float32)
    signs = random.choice([-1, 1], (50, 30)).astype(np.float32)
    np.testing.assert_allclose(strengths(along @ units * signs, units), along, atol=1e-3)
    assert not strengths(np.zeros((4, 30), np.float32), units).any()


TEXT = ("aaaa bb " * 3 + "cc") * 30


@pytest.fixture(scope="module")
def trace() -> Trace:
    """Units 0 to 2 are on at `a`, 3 and 4 at `b`, and 5 (negative) at `c`, all with random strengths."""
    random = np.random.default_rng(8)
    hidden = np.zeros((len(TEXT), 6), np.float32)
    letters = np.array(list(TEXT))
    for letter, units, sign in (("a", [0, 1, 2], 1), ("b", [3, 4], 1), ("c", [5], -1)):
        on = np.flatnonzero(letters == letter)
        strength = random.uniform(0.3, 0.9, len(on))
        strength[len(strength) // 2] = 1.0
        hidden[np.ix_(on, units)] = (sign * strength)[:, None] * np.linspace(1, 0.8, len(units))
    architecture = Architecture("rnn", 4, 6, 1)
    ids = np.array(["abc ".index(letter) for letter in TEXT], np.int32)
    return Trace(architecture, tuple("abc "), ids, np.zeros((len(TEXT), 4), np.float32), {"1/hidden": hidden})


def test_a_query_finds_planted_factors_and_their_strengths(trace: Trace) -> None:
    session = Session.of_trace(trace)
    found = session.ask(Factors(count=3, start=20, stop=80))
    assert (found.layer, found.positions, found.learned_from) == (1, len(TEXT), len(TEXT))
    assert found.factors.errors[-1] < 0.01
    members = {}
    for number, peak in enumerate(found.peaks):
        letter = TEXT[peak.position]
        assert trace["1/hidden"][peak.position].max(initial=0) == 1 or letter == "c"
        assert peak.text == TEXT[peak.start : peak.start + len(peak.values)]
        assert peak.value == pytest.approx(1.0, abs=1e-2)
        assert peak.values[peak.position - peak.start] == peak.value
        weights = found.factors.units[number]
        members[letter] = set(np.flatnonzero(weights > 0.1 * weights.max()).tolist())
    assert members == {"a": {0, 1, 2}, "b": {3, 4}, "c": {5}}
    assert found.start == 20
    magnitudes = np.abs(trace["1/hidden"][20:80])
    np.testing.assert_allclose(found.factors.along @ found.factors.units, magnitudes, atol=0.02)

    learned = session.ask(Factors(count=3))
    assert learned.factors.along.shape == (0, 3)
    assert np.array_equal(learned.factors.units, found.factors.units)
    again = Session.of_trace(trace).ask(Factors(count=3))
    assert np.array_equal(again.factors.units, learned.factors.units)
    assert session.ask(Factors(count=100, characters=50)).factors.units.shape == (6, 6)


def test_a_long_text_is_learned_from_at_equal_steps(make_network) -> None:
    network = make_network("rnn", 6, 1)
    text = "".join(np.random.default_rng(2).choice(list("abcdefg"), 9000))
    found = Session(network, text).ask(Factors(count=2, characters=0))
    values = record(network, network.vocabulary.encode(text))["1/hidden"]
    assert (found.positions, found.learned_from) == (9000, 4500)
    expected = factorize(values[::2], 2)
    np.testing.assert_allclose(found.factors.units, expected.units, rtol=1e-2, atol=1e-3)
    assert all(peak.position % 2 == 0 for peak in found.peaks)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Factors(2), "there is no layer 2"),
        (Factors(count=0), "--count is 0"),
        (Factors(start=5), "--stop is 0"),
        (Factors(start=5, stop=5), "--stop is 5"),
    ],
)
def test_a_query_that_does_not_fit_is_an_option_error(query: Factors, why: str, trace: Trace) -> None:
    with pytest.raises(OptionError, match=why):
        Session.of_trace(trace).ask(query)
