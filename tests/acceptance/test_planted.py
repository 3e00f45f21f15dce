"""Neurons that were planted are found, first and in the right direction; where there are none, none is."""

from __future__ import annotations

import numpy as np
import pytest

import rnnscope
from rnnscope.analysis.features import values
from rnnscope.analysis.find import Find, find
from rnnscope.analysis.names import name_neurons
from rnnscope.api import Model
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import TextReader
from tests.unit.analysis.planted import (
    COLUMN,
    DEPTH,
    QUOTES,
    ROUND,
    SQUARE,
    planted_lstm,
    random_network,
    text_of,
)

TEXT = text_of(20_000)
VOCABULARY = Vocabulary.of(TEXT)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(planted_lstm(VOCABULARY))


@pytest.mark.parametrize(
    ("feature", "unit", "direction"),
    [
        ("quotes", QUOTES, 1),
        ("column", COLUMN, -1),
        ("bracket-depth", DEPTH, 1),
        ("round-brackets", ROUND, 1),
    ],
)
def test_a_planted_neuron_is_named_first(model: Model, feature: str, unit: int, direction: int) -> None:
    found = rnnscope.find(model, TEXT, feature)
    assert found.is_exact
    best = found.results[0]
    assert (best.layer, best.unit, best.direction) == (1, unit, direction)
    assert best.quantity == "hidden"
    assert min(best.score, best.held_out) > 0.99
    assert found.null < 0.8
    assert found.verdict == "single neuron"


def test_two_that_know_together_are_called_that(model: Model) -> None:
    """Inside ( ) is one neuron's, inside [ ] another's; inside the first but not the second is nobody's."""
    brackets = values(TEXT, ["round-brackets", "square-brackets"])
    found = rnnscope.find(model, TEXT, labels=brackets["round-brackets"] & ~brackets["square-brackets"])
    assert found.verdict == "distributed"
    assert found.probe.held_out > 0.98
    assert found.results[0].held_out < 0.95
    assert found.probe.units_used >= 2


def test_labels_by_hand_find_what_they_mark_and_ignore_the_rest(model: Model) -> None:
    """Of a stretch marked on and another marked off, each is seen by both halves."""
    quotes = values(TEXT, ["quotes"])["quotes"]
    labels = np.full(len(TEXT), np.nan)
    on, off = np.flatnonzero(quotes)[:150], np.flatnonzero(~quotes)[2000:2300]
    labels[on], labels[off] = 1, 0
    found = rnnscope.find(model, TEXT, labels=labels)
    assert (found.positions, found.positives) == (450, 150)
    assert QUOTES in [each.unit for each in found.results if each.held_out > 0.999]


@pytest.mark.parametrize("query", [Find(feature="quotes"), Find(feature="column"), Find(pattern='"[^"]*"')])
def test_a_long_text_gives_the_same_neurons(model: Model, query: Find) -> None:
    """A planted neuron never forgets: streams start where those before them ended."""
    reader = TextReader(model.network, text_of(60_000, seed=1))
    exact, found = find(query, reader), find(query, reader, exact_bytes=0)
    assert (exact.is_exact, found.is_exact) == (True, False)
    assert found.verdict == exact.verdict == "single neuron"
    assert [each.unit for each in found.results[:2]] == [each.unit for each in exact.results[:2]]
    assert found.results[0].direction == exact.results[0].direction
    assert found.results[0].held_out == pytest.approx(exact.results[0].held_out, abs=0.001)


def test_every_planted_neuron_gets_its_name(model: Model) -> None:
    names = {each.unit: each for each in name_neurons(model.trace(TEXT)).labels}
    assert names[QUOTES].feature == "quotes"
    assert names[COLUMN].feature == "column"
    assert names[DEPTH].feature == "bracket-depth"
    assert names[ROUND].feature == "round-brackets"
    assert names[SQUARE].feature == "square-brackets"
    assert names[COLUMN].direction == -1
    assert min(names[unit].held_out for unit in (QUOTES, COLUMN, DEPTH, ROUND, SQUARE)) > 0.99


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nobody_knows_in_a_random_network_on_shuffled_text(cell: str) -> None:
    for seed in (0, 1):
        shuffled = "".join(np.random.default_rng(seed).permutation(list(TEXT)))
        trace = Model(random_network(cell, VOCABULARY, 48, seed)).trace(shuffled)
        for feature in ("quotes", "round-brackets", "bracket-depth", "column", "line-in-paragraph"):
            found = rnnscope.find(trace, feature=feature)
            assert found.verdict == "not encoded", (cell, seed, feature, found.results[0], found.probe)


def test_nobody_knows_what_stands_in_another_text(model: Model) -> None:
    elsewhere = values(text_of(20_000, seed=9), ["quotes"])["quotes"]
    found = rnnscope.find(model.trace(TEXT), labels=elsewhere)
    assert found.verdict == "not encoded"
