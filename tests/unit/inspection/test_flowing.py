"""How far back a loss is felt, beside another network: against gradients called directly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.gradient_flow import gradient_flow, spread
from rnnscope.app.asking.answers import GradientsFound, Refused, Told
from rnnscope.app.asking.desk import Ticket
from rnnscope.app.asking.requests import FindGradients
from rnnscope.inspection.flowing import flow
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.locate import sample_models
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import substituting
from tests.unit.inspection.office import Office

ENGLISH = "The bell rang at seven, and the ferry left for the quay; nobody was late again.\n" * 20
GREEK = "ἄνδρα μοι ἔννεπε, μοῦσα, πολύτροπον, ὃς μάλα πολλὰ πλάγχθη\n" * 20


def drawn(cell: CellName, text: str, layers: int = 2) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    shape = Architecture(cell, len(vocabulary), 8, layers)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(5)).eval()


def asked(model: CharRNN, directory: Path, text: str, beside: str | None = None) -> GradientsFound | Refused:
    office = Office(model, directory, text)
    *told, found = office.ask(FindGradients(beside))
    office.desk.close()
    office.thread.join(20)
    assert isinstance(found, GradientsFound | Refused)
    shares = [step.share for step in told if isinstance(step, Told)]
    assert len(shares) == len(told)
    assert shares == sorted(shares)
    return found


def directly(model: CharRNN, text: str) -> np.ndarray:
    ids = substituting(model.vocabulary).encode(text)
    return gradient_flow(model, ids, spread(len(ids), 64, 101), distance=101).norms


def test_beside_an_lstm_stands_the_sample_rnn_that_knows_the_text(tmp_path: Path) -> None:
    model = drawn("lstm", ENGLISH)
    found = asked(model, tmp_path, ENGLISH)
    assert isinstance(found, GradientsFound)
    np.testing.assert_allclose(found.own.norms, directly(model, ENGLISH), rtol=1e-3)
    assert (found.name, found.other.title, found.unknown_share) == ("archive-rnn", "RNN 1×256", 0)
    other = load_model(sample_models()["archive-rnn"])
    np.testing.assert_allclose(found.other.norms, directly(other, ENGLISH), rtol=1e-3)


def test_beside_an_rnn_stands_an_lstm(tmp_path: Path) -> None:
    found = asked(drawn("rnn", ENGLISH, 1), tmp_path, ENGLISH)
    assert isinstance(found, GradientsFound)
    assert found.other.title.startswith("LSTM")
    assert found.name


def test_where_no_sample_model_knows_the_text_another_is_drawn(tmp_path: Path) -> None:
    found = asked(drawn("gru", GREEK), tmp_path, GREEK)
    assert isinstance(found, GradientsFound)
    assert (found.name, found.own.title, found.other.title) == ("", "GRU 2×8", "RNN 2×8")
    again = asked(drawn("gru", GREEK), tmp_path, GREEK)
    assert isinstance(again, GradientsFound)
    np.testing.assert_array_equal(again.other.norms, found.other.norms)


def test_the_reader_names_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    other = drawn("lstm", "The bell", 1)
    save_model(other, path, {})
    found = asked(drawn("lstm", ENGLISH), tmp_path, ENGLISH, str(path))
    assert isinstance(found, GradientsFound)
    assert (found.name, found.other.title) == ("mine", "LSTM 1×8")
    assert found.unknown_share == pytest.approx(sum(c not in "The bell" for c in ENGLISH) / len(ENGLISH))
    np.testing.assert_allclose(found.other.norms, directly(other, ENGLISH), rtol=1e-3)
    refused = asked(drawn("lstm", ENGLISH), tmp_path, ENGLISH, "nowhere")
    assert isinstance(refused, Refused)
    assert "no model nowhere" in refused.message


def test_bytes_are_read_as_characters_by_one_that_knows_characters(tmp_path: Path) -> None:
    shape = Architecture("lstm", 256, 8, 1)
    model = CharRNN(shape, Vocabulary.of_bytes(), generator=torch.Generator().manual_seed(5)).eval()
    save_model(drawn("rnn", GREEK, 1), tmp_path / "mine.safetensors", {})
    found = asked(model, tmp_path, GREEK, str(tmp_path / "mine.safetensors"))
    assert isinstance(found, GradientsFound)
    assert found.unknown_share == 0
    np.testing.assert_allclose(found.other.norms, directly(drawn("rnn", GREEK, 1), GREEK), rtol=1e-3)


def test_a_text_too_short_is_refused_and_a_short_one_is_gone_back_less(tmp_path: Path) -> None:
    model = drawn("lstm", ENGLISH)
    refused = asked(model, tmp_path, ENGLISH[:15])
    assert isinstance(refused, Refused)
    assert "15 characters" in refused.message
    found = asked(model, tmp_path, ENGLISH[:60])
    assert isinstance(found, GradientsFound)
    assert found.own.norms.shape == (2, 30)


def test_a_dropped_request_ends_without_a_result() -> None:
    model = drawn("lstm", ENGLISH)
    ticket = Ticket(FindGradients())
    seen = []
    for step in flow(model, model.vocabulary.encode(ENGLISH), 20, ticket):
        seen.append(step)
        ticket.drop()
    assert len(seen) == 1
    assert isinstance(seen[0], float)
