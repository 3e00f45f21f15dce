"""Names of neurons against scikit-learn and SciPy, one unit, quantity and feature at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

import rnnscope
from rnnscope.analysis.features import values
from rnnscope.analysis.find import strength
from rnnscope.analysis.names import Names, NamesResult, name_neurons, opening_place
from rnnscope.api import Model
from rnnscope.cache import Cache
from rnnscope.errors import TextError
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.trace import Trace, is_gate
from tests.unit.analysis.planted import planted_lstm, random_network, text_of
from tests.unit.analysis.test_find import halves

TEXT = text_of(6_000)
VOCABULARY = Vocabulary.of(TEXT)
HIDDEN = 6


def lively_network() -> CharRNN:
    """A network whose units respond strongly to what it reads."""
    network = random_network("lstm", VOCABULARY, HIDDEN, 0)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor *= 6
    return network


TRACE = Model(lively_network()).trace(TEXT)
PLANTED = Model(planted_lstm(VOCABULARY)).trace(TEXT)


def score(numbers: np.ndarray, answers: np.ndarray) -> float:
    """AUC or Spearman's correlation, with its sign."""
    if answers.dtype == np.bool_:
        return float(roc_auc_score(answers, numbers))
    return float(spearmanr(numbers, answers).statistic)


@pytest.mark.parametrize("trace", [TRACE, PLANTED], ids=["random", "planted"])
def test_scores_are_those_of_the_best_visible_quantity_on_the_selection_half(trace: Trace) -> None:
    found = name_neurons(trace)
    selection, held = halves(len(trace))
    compared = 0
    for name in ("quotes", "round-brackets", "column", "upper-case"):
        answers, scores = values(trace.text, [name])[name], found.scores[name]
        middle = 0.5 if answers.dtype == np.bool_ else 0.0
        is_on = answers > answers[:].mean() if middle == 0.0 else answers
        for unit in range(trace.architecture.hidden_size):
            best, expected = middle, None
            for index, quantity in enumerate(trace.quantities):
                shown = trace.shown(1, quantity, unit).astype(np.float64)
                part, on = shown[selection], is_on[selection]
                contrast = abs(part[on].mean() - part[~on].mean()) / (1 if is_gate(quantity) else 2)
                signed = score(part, answers[selection]) if contrast >= 0.1 else middle
                if middle + abs(signed - middle) > best:
                    best, sign = middle + abs(signed - middle), 1 if signed >= middle else -1
                    expected = index, sign, middle + sign * (score(shown[held], answers[held]) - middle)
            if scores.score[unit] == middle:  # no better than the feature shuffled
                assert best - middle < 0.2
                continue
            assert expected is not None
            assert scores.score[unit] == pytest.approx(best, abs=1e-4)
            assert (scores.quantity[unit], scores.direction[unit]) == expected[:2]
            assert scores.held_out[unit] == pytest.approx(expected[2], abs=1e-4)
            compared += 1
    assert compared >= 4


def test_the_current_characters_score_is_that_of_its_mean_in_the_selection_half() -> None:
    found = name_neurons(TRACE)
    selection, held = halves(len(TRACE))
    for name in ("quotes", "column", "upper-case"):
        answers = values(TEXT, [name])[name]
        seen: dict[str, list[float]] = {}
        for at in selection:
            seen.setdefault(TEXT[at], []).append(float(answers[at]))
        overall = float(answers[selection].mean())
        predicted = np.array([np.mean(seen.get(TEXT[at], [overall])) for at in held])
        assert found.scores[name].character == pytest.approx(score(predicted, answers[held]), abs=1e-4)
    assert found.scores["upper-case"].character == 1.0
    for name, scores in found.scores.items():
        character = strength(scores.character, scores.metric)
        reduced = np.array([max(0.0, strength(each, scores.metric)) for each in scores.score])
        reduced *= 1 - max(0.0, character) / 2
        np.testing.assert_allclose(scores.selectivity, np.maximum(0.0, reduced - np.median(reduced)))
        assert scores.needs_memory == (character < 0.8), name


@pytest.mark.parametrize("trace", [TRACE, PLANTED], ids=["random", "planted"])
def test_the_best_of_each_feature_come_first_and_the_rest_follow_by_selectivity(trace: Trace) -> None:
    found = name_neurons(trace)
    labels = found.labels
    assert len({each.unit for each in labels}) == len(labels)
    features = [each.feature for each in labels]
    first = len(set(features))
    assert len(set(features[:first])) == first or trace is TRACE  # a weak unit can be the only one of its
    needs_memory = [found.scores[each].needs_memory for each in features[:first]]
    assert needs_memory == sorted(needs_memory, reverse=True)
    rest = [found.scores[each.feature].selectivity[each.unit] for each in labels[first:]]
    assert rest == sorted(rest, reverse=True)
    for each in labels:
        scores = found.scores[each.feature]
        assert (each.score, each.held_out) == (scores.score[each.unit], scores.held_out[each.unit])
        assert strength(each.held_out, each.metric) >= 0.7 * strength(each.score, each.metric)


def test_a_planted_unit_is_named_and_opened_where_its_feature_switches_on() -> None:
    found = name_neurons(PLANTED)
    label = next(each for each in found.labels if each.unit == 5)
    assert label.feature == "quotes"
    assert found.place is not None
    place = opening_place(PLANTED, label)
    assert place is not None
    is_on = values(TEXT, ["quotes"])["quotes"]
    assert is_on[place]
    assert not is_on[place - 1]
    shown = label.direction * PLANTED.shown(1, label.quantity, 5)
    contrasts = {}
    for begin in (t for t in range(1, len(TEXT)) if is_on[t] and not is_on[t - 1]):
        end = next((t for t in range(begin, len(TEXT)) if not is_on[t]), len(TEXT))
        if end - begin >= 150 or end == len(TEXT):
            continue
        around = [range(max(0, begin - 80), begin), range(end, min(len(TEXT), end + 80))]
        off = [np.mean([shown[t] for t in part if not is_on[t]]) for part in around]
        contrasts[begin] = (shown[begin:end].mean() - max(off)) * min(1, (end - begin) / 10)
    assert contrasts[place] == pytest.approx(max(contrasts.values()), abs=1e-5)
    assert contrasts[place] > 0.5


def test_a_constant_or_saturated_quantity_names_nothing() -> None:
    network = random_network("lstm", VOCABULARY, HIDDEN, 1)
    weights = network.layers[0].tensors()
    for tensor in weights.values():
        tensor.data[:HIDDEN] = 0  # the input gates stay at one half
    found = rnnscope.Session(network, TEXT).ask(Names())
    assert "input" not in {each.quantity for each in found.labels}
    quotes = values(TEXT, ["quotes"])["quotes"]
    cell = np.where(quotes, 9.5, 8.5).astype(np.float32)  # tanh of both is 1 to six digits
    saturated = replace(
        TRACE, activations={**TRACE.activations, "1/cell": np.repeat(cell[:, None], HIDDEN, 1)}
    )
    scores = name_neurons(saturated).scores["quotes"]
    assert TRACE.quantities[4] == "cell"
    assert 4 not in scores.quantity[scores.score > 0.5]


def test_a_text_that_is_too_short_is_refused() -> None:
    with pytest.raises(TextError, match="too few to name"):
        name_neurons(TRACE.until(100))
    assert name_neurons(TRACE.until(300)).characters == 300


def test_a_text_without_any_feature_has_no_names() -> None:
    text = "a" * 400
    found = name_neurons(Model(random_network("lstm", Vocabulary.of(text), HIDDEN, 0)).trace(text))
    assert found.labels == ()
    assert found.place is None


def test_names_are_cached_on_disk_with_all_scores(tmp_path: Path) -> None:
    network = lively_network()

    def session() -> Session:
        return Session(network, TEXT, cache=Cache(tmp_path / "model.findings.json", "a model"))

    assert session().known(Names()) is None
    computed = session().ask(Names())
    kept = session().known(Names())
    assert isinstance(kept, NamesResult)
    assert (kept.labels, kept.place, kept.characters) == (
        computed.labels,
        computed.place,
        computed.characters,
    )
    for name, scores in computed.scores.items():
        assert kept.scores[name].character == scores.character
        for of in ("score", "held_out", "quantity", "direction"):
            np.testing.assert_array_equal(getattr(kept.scores[name], of), getattr(scores, of))
            assert getattr(kept.scores[name], of).dtype == getattr(scores, of).dtype
