"""Each shipped model loads, has the loss that it claims, and has the neurons that the README names."""

from __future__ import annotations

from pathlib import Path

import pytest

import rnnscope
from rnnscope.analysis.find import Find
from rnnscope.analysis.ngrams import Ngrams
from rnnscope.corpora.recipes import python_text
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model, sample_models
from rnnscope.network.sampling import Sampler
from rnnscope.session import Session
from rnnscope.text.corpus import load_corpus
from rnnscope.training.evaluate import estimate_loss, evaluate

NAMES = ("archive-gru", "archive-lstm", "archive-rnn", "python", "shakespeare")
LARGEST_BYTES = 6_000_000


def measured_and_claimed(name: str, text: Path) -> tuple[float, float]:
    path = resolve_model(name)
    model, training = load_model(path), read_header(path).training
    corpus = load_corpus(text, vocabulary=model.vocabulary)
    claimed = training["held_out_nats"]
    assert isinstance(claimed, float)
    return evaluate(model, corpus.held_out).loss_nats, claimed


def test_these_models_are_shipped_and_small() -> None:
    shipped = sample_models()
    assert tuple(shipped) == NAMES
    assert all(path.stat().st_size <= LARGEST_BYTES for path in shipped.values())


def test_no_model_tells_where_its_maker_kept_things() -> None:
    for name in NAMES:
        training = read_header(resolve_model(name)).training
        assert "/" not in str(training), name


@pytest.mark.parametrize("name", ["archive-gru", "archive-rnn"])
def test_the_archive_models_get_the_loss_they_claim(name: str, repository: Path) -> None:
    measured, claimed = measured_and_claimed(name, repository / "data" / "input.txt")
    assert measured == pytest.approx(claimed, abs=1e-4)


def test_the_archive_models_are_of_one_size_and_the_gated_ones_know_more(repository: Path) -> None:
    headers = {cell: read_header(resolve_model(f"archive-{cell}")) for cell in ("rnn", "gru", "lstm")}
    assert {(h.architecture.layers, h.architecture.hidden_size) for h in headers.values()} == {(1, 256)}
    losses = {cell: float(str(h.training["held_out_nats"])) for cell, h in headers.items()}
    assert max(losses["gru"], losses["lstm"]) < losses["rnn"] - 0.1


def test_the_best_n_gram_model_of_the_archive_is_as_the_readme_says(repository: Path) -> None:
    """On the whole validation split, where the LSTM has the loss that it claims."""
    text, cut = (repository / "data" / "input.txt").read_text(), 1_352_021
    session = Session(load_model(resolve_model("archive-lstm")), text[cut:], training_text=lambda: text[:cut])
    result = session.ask(Ngrams(characters=0))
    claimed = float(str(read_header(resolve_model("archive-lstm")).training["held_out_nats"]))
    assert (result.split.training_characters, result.split.removed_characters) == (cut, 0)
    assert result.network_nats == pytest.approx(claimed, abs=1e-4)
    assert result.order == 9
    assert result.ngram_nats == pytest.approx(0.619, abs=5e-4)
    assert result.by_order[5] == pytest.approx(0.911, abs=5e-4)


@pytest.fixture(scope="module")
def archive_session(repository: Path) -> Session:
    """The LSTM on the text that it was not trained on."""
    text = (repository / "data" / "input.txt").read_text()
    return Session(rnnscope.load("archive-lstm"), text[-40_000:])


@pytest.mark.parametrize(
    ("feature", "unit", "least"),
    [("quotes", 31, 0.93), ("square-brackets", 45, 0.98), ("curly-brackets", 239, 0.95)],
)
def test_the_cell_state_of_a_single_unit_detects_a_feature_that_needs_memory(
    archive_session: Session, feature: str, unit: int, least: float
) -> None:
    found = archive_session.ask(Find(feature=feature, quantity="cell", limit=1))
    best = found.results[0]
    assert (best.layer, best.unit) == (1, unit)
    assert best.held_out > least
    assert found.verdict == "single neuron"


def test_the_shakespeare_model_gets_the_loss_it_claims(corpora: Path) -> None:
    measured, claimed = measured_and_claimed("shakespeare", corpora / "tinyshakespeare.txt")
    assert measured == pytest.approx(claimed, abs=1e-4)


def test_the_python_model_gets_about_the_loss_it_claims(tmp_path: Path) -> None:
    """Each Python has a library of its own; where it is not the model's, the figure can only be near."""
    text = tmp_path / "python.txt"
    text.write_text("".join(python_text(4_000_000)), encoding="utf-8")
    path = resolve_model("python")
    model, training = load_model(path), read_header(path).training
    corpus = load_corpus(text, vocabulary=model.vocabulary)
    is_the_same = corpus.sha256 == training["corpus"]["sha256"]  # type: ignore[index]
    estimate = estimate_loss(model, corpus.held_out, characters=100_000).loss_nats
    assert estimate == pytest.approx(training["held_out_nats"], abs=0.03 if is_the_same else 0.4)


@pytest.mark.parametrize("name", NAMES)
def test_each_model_writes(name: str) -> None:
    model = load_model(resolve_model(name))
    written = [i for i, _ in Sampler(model).stream(200, temperature=0.7, seed=1)]
    assert len(written) == 200
    assert len(set(written)) > 10
