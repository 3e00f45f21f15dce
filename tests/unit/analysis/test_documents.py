"""Analyses of a model that was trained on separate documents, against loops and whole documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.comparison import Comparison
from rnnscope.analysis.find import Find
from rnnscope.analysis.gradient_flow import gradient_norms
from rnnscope.analysis.saliency import Saliency, connectivity
from rnnscope.cache import Cache
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.ngram import log_probabilities_by_order
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import true_log_probabilities

TEXT = "ab ba|aab b ab|" * 3 + "abba abab bb aa ba" + "|bab" * 4
VOCABULARY = Vocabulary.of(TEXT)


def _network(cell: CellName, separator: str | None = r"\|") -> CharRNN:
    generator = torch.Generator().manual_seed(3)
    architecture = Architecture(cell, len(VOCABULARY), 6, 2)
    model = CharRNN(architecture, VOCABULARY, generator=generator, document_separator=separator)
    return model.double().eval()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_saliency_stops_where_the_document_of_the_prediction_begins(cell: CellName) -> None:
    model = _network(cell)
    position = 50
    begin = TEXT.rindex("|", 0, position) + 1
    found = Session(model, TEXT).ask(Saliency(position=position, window=40))
    expected, log_probability = connectivity(model, VOCABULARY.encode(TEXT)[begin : position + 1])
    assert found.norms.shape == (40,)
    assert not found.norms[: begin - 10].any()
    np.testing.assert_allclose(found.norms[begin - 10 :], expected, rtol=1e-9)
    assert found.log_probability == pytest.approx(log_probability)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_are_cut_where_a_document_begins(cell: CellName) -> None:
    model = _network(cell)
    ids = torch.from_numpy(VOCABULARY.encode(TEXT)[10:24].astype(np.int64))[:, None]
    begins = np.zeros((13, 1), np.bool_)
    begins[8] = True
    found = gradient_norms(model, ids, model.initial_state(1), begins)
    alone = gradient_norms(model, ids[8:], model.initial_state(1))
    np.testing.assert_allclose(found[:, :, :5], alone, rtol=1e-9)
    assert not found[:, :, 5:].any()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_ablation_reads_every_document_from_a_zero_state(cell: CellName) -> None:
    model = _network(cell)
    losses, begin = [], 0
    ids = VOCABULARY.encode(TEXT)
    for stop in [at + 1 for at, each in enumerate(TEXT) if each == "|"] + [len(TEXT)]:
        losses.append(true_log_probabilities(model, ids[begin : stop + 1]))
        begin = stop
    found = Session(model, TEXT).ask(Ablate(units=("1/2",), sample=0))
    assert found.loss_nats == pytest.approx(-float(np.concatenate(losses).mean()), abs=1e-6)


def test_the_context_of_ngrams_begins_with_the_document() -> None:
    text = TEXT * 60
    session = Session(_network("gru"), text, training_text=lambda: TEXT[3:] * 200 + "b")
    result = session.ask(Comparison(characters=400))
    ids, start = VOCABULARY.encode(text), result.split.start
    learned = VOCABULARY.encode(result.training)
    orders = dict(log_probabilities_by_order(learned, ids[: start + 400], len(VOCABULARY)))
    for order, mean in result.by_order.items():
        expected = []
        for position in range(start, start + 400):
            before = text.rfind("|", 0, position - 1)
            read = position - before - 1 if before >= 0 else len(orders)
            expected.append(orders[min(order, read + 1)][position])
        assert mean == pytest.approx(-float(np.mean(expected)), rel=1e-9)


def test_a_result_that_was_kept_without_a_separator_is_not_given_for_a_model_with_one(tmp_path: Path) -> None:
    query = Find(pattern="a", limit=2)
    results = [
        Session(_network("gru", separator), TEXT * 4, cache=Cache(tmp_path / "kept.json", "same")).ask(query)
        for separator in (None, r"\|")
    ]
    assert results[0] != results[1]
