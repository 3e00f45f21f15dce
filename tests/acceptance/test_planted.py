"""Neurons that were planted are found, first and in the right direction; where there are none, none is."""

from __future__ import annotations

import numpy as np
import pytest

import rnnscope
from rnnscope.analysis.questions import BuiltIn, Labels, Pattern, Question
from rnnscope.analysis.search import find_along, find_in_trace, names_along
from rnnscope.api import Model
from rnnscope.text.vocabulary import Vocabulary
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
    assert found.verdict == "one neuron knows"


def test_two_that_know_together_are_called_that(model: Model) -> None:
    """Inside ( ) is one neuron's, inside [ ] another's; inside the first but not the second is nobody's."""
    brackets = BuiltIn(["round-brackets", "square-brackets"]).over(TEXT).booleans[:, 0]
    found = rnnscope.find(model, TEXT, labels=brackets[0] & ~brackets[1])
    assert found.verdict == "many know together"
    assert found.probe.held_out > 0.98
    assert found.results[0].held_out < 0.95
    assert found.probe.units_used >= 2


def test_labels_by_hand_find_what_they_mark_and_ignore_the_rest(model: Model) -> None:
    """Of a stretch marked on and another marked off, each is seen by both halves."""
    quotes = BuiltIn(["quotes"]).over(TEXT).booleans[0, 0]
    labels = np.full(len(TEXT), np.nan)
    on, off = np.flatnonzero(quotes)[:150], np.flatnonzero(~quotes)[2000:2300]
    labels[on], labels[off] = 1, 0
    found = rnnscope.find(model, TEXT, labels=labels)
    assert (found.positions, found.positives) == (450, 150)
    assert QUOTES in [each.unit for each in found.results if each.held_out > 0.999]


@pytest.mark.parametrize("question", [BuiltIn(["quotes"]), BuiltIn(["column"]), Pattern('"[^"]*"')])
def test_a_long_text_gives_the_same_names(model: Model, question: Question) -> None:
    text = text_of(60_000, seed=1)
    trace = model.trace(text)
    exact = find_in_trace(trace, question, top=5)
    along = find_along(model.network, VOCABULARY.encode(text), question, top=5, lanes=16)
    assert not along.is_exact
    assert along.verdict == exact.verdict == "one neuron knows"
    assert [each.unit for each in along.results[:2]] == [each.unit for each in exact.results[:2]]
    assert along.results[0].direction == exact.results[0].direction
    # A planted neuron never forgets: the lanes do not meet, and are read again from exact states.
    assert along.results[0].held_out == pytest.approx(exact.results[0].held_out, abs=0.005)


def test_every_planted_neuron_gets_its_name(model: Model) -> None:
    names = {each.unit: each for each in names_along(model.network, VOCABULARY.encode(TEXT))}
    assert names[QUOTES].feature == "quotes"
    assert names[COLUMN].feature == "column"
    assert names[DEPTH].feature == "bracket-depth"
    assert names[ROUND].feature == "round-brackets"
    assert names[SQUARE].feature == "square-brackets"
    assert names[COLUMN].finding.direction == -1
    assert min(names[unit].finding.held_out for unit in (QUOTES, COLUMN, DEPTH, ROUND, SQUARE)) > 0.99


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nobody_knows_in_a_random_network_on_shuffled_text(cell: str) -> None:
    for seed in (0, 1):
        shuffled = "".join(np.random.default_rng(seed).permutation(list(TEXT)))
        trace = Model(random_network(cell, VOCABULARY, 48, seed)).trace(shuffled)
        for feature in ("quotes", "round-brackets", "bracket-depth", "column", "line-in-paragraph"):
            found = rnnscope.find(trace, feature=feature)
            assert found.verdict == "nobody knows", (cell, seed, feature, found.results[0], found.probe)


def test_nobody_knows_what_stands_in_another_text(model: Model) -> None:
    elsewhere = BuiltIn(["quotes"]).over(text_of(20_000, seed=9)).booleans[0, 0]
    found = find_in_trace(model.trace(TEXT), Labels(elsewhere))
    assert found.verdict == "nobody knows"
