"""Two models compared, against plain loops in float64."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.compare import Compare, ComparePage, differing, unit_matches
from rnnscope.errors import CheckpointError, OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.locate import model_name, resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary

TEXT = "a line of some text, and (more) of it\n" * 60


def network(text: str, cell: str = "lstm", *, seed: int = 1, size: int = 7) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    generator = torch.Generator().manual_seed(seed)
    model = CharRNN(Architecture(cell, len(vocabulary), size, 1), vocabulary, generator=generator)  # type: ignore[arg-type]
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=0.7, generator=generator)
    return model.eval()


def nats_by_loop(model: CharRNN, text: str) -> list[float]:
    """ln p of every character but the first, one step at a time in float64."""
    double = network_in_double(model)
    state, found = double.initial_state(1), []
    ids = model.vocabulary.encode(text).tolist()
    with torch.no_grad():
        for now, after in pairwise(ids):
            logits, state = double(torch.tensor([[now]]), state)
            found.append(float(torch.log_softmax(logits[0, 0], -1)[after]))
    return found


def network_in_double(model: CharRNN) -> CharRNN:
    copy = CharRNN(model.architecture, model.vocabulary)
    copy.load_state_dict(model.state_dict())
    return copy.double().eval()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[CharRNN, CharRNN, str]:
    """The own model, the other one, and the path of the other one."""
    own, other = network(TEXT), network(TEXT + "#", "gru", seed=2, size=5)
    path = tmp_path_factory.mktemp("compare") / "other.safetensors"
    save_model(other, path, {"options": {"hidden_size": 5, "text": "x", "cell": "gru"}})
    return own, other, str(path)


def test_losses_and_differences_are_those_of_a_loop(models: tuple[CharRNN, CharRNN, str]) -> None:
    own, other, path = models
    session = Session(own, TEXT, model_name="mine", options={"hidden_size": 7, "cell": "lstm"})
    result = session.ask(Compare(path, characters=900, limit=5, sample=30))
    ours, theirs = (np.array(nats_by_loop(model, TEXT[:900])) for model in (own, other))
    assert result.characters == 899
    assert result.losses_nats == pytest.approx((-ours.mean(), -theirs.mean()), abs=1e-5)
    assert result.own_better == pytest.approx(float((ours > theirs).mean()))
    order = np.argsort(-(ours - theirs))
    for listed, expected in ((result.ahead, order[:5]), (result.behind, order[::-1][:5])):
        assert [each.nats for each in listed] == pytest.approx((ours - theirs)[expected], abs=1e-4)
        for each in listed:
            assert TEXT[each.position] == each.character
            assert np.log(each.own) - np.log(each.other) == pytest.approx(each.nats, abs=1e-4)
            assert each.around[len(each.before)] == pytest.approx(each.nats, abs=1e-5)
            assert len(each.around) == len(each.before) + 1 + len(each.after)
    assert result.names == ("mine", "other")
    assert [(each.name, each.own, each.other) for each in result.options] == [
        ("cell", "lstm", "gru"),
        ("hidden_size", 7, 5),
    ]
    assert [len(sample) for sample in result.samples] == [30, 30]

    page = session.ask(ComparePage(path, 100, 160))
    np.testing.assert_allclose(page.nats, (ours - theirs)[99:159], atol=1e-4)
    first = session.ask(ComparePage(path, 0, 20))
    assert first.nats[0] == 0
    np.testing.assert_allclose(first.nats[1:], (ours - theirs)[:19], atol=1e-4)


def test_units_are_matched_by_correlation(models: tuple[CharRNN, CharRNN, str]) -> None:
    own, other, path = models
    result = Session(own, TEXT).ask(Compare(path, characters=800, limit=100, sample=0))
    traces = [
        Session(model, TEXT).reader.trace(0, 800)["1/hidden"].astype(np.float64) for model in (own, other)
    ]
    expected = np.corrcoef(traces[0].T, traces[1].T)[:7, 7:]
    assert len(result.matches) == 7
    for match in result.matches:
        row = expected[match.unit]
        assert match.other_unit == np.abs(row).argmax()
        assert match.correlation == pytest.approx(row[match.other_unit], abs=1e-4)
    strengths = [abs(match.correlation) for match in result.matches]
    assert strengths == sorted(strengths, reverse=True)
    assert result.mean_correlation == pytest.approx(np.abs(expected).max(axis=1).mean(), abs=1e-4)


def test_a_model_equals_itself(models: tuple[CharRNN, CharRNN, str]) -> None:
    _, other, path = models
    result = Session(other, TEXT).ask(Compare(path, sample=10))
    assert result.ahead_nats == 0
    assert (result.ahead, result.behind) == ((), ())
    assert result.samples[0] == result.samples[1]
    assert all(match.correlation == pytest.approx(1, abs=1e-5) for match in result.matches)
    assert all(match.unit == match.other_unit for match in result.matches)


def test_a_constant_unit_matches_nothing() -> None:
    shape = Architecture("rnn", 5, 2, 1)
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    still = values.copy()
    still[:, 1] = 3
    found = unit_matches(still, values, shape, shape)
    assert (found[0].unit, found[0].other_unit) == (0, 0)
    assert found[1].correlation == 0


def test_characters_in_one_vocabulary_only_are_not_compared(tmp_path: Path) -> None:
    own, other = network(TEXT), network(TEXT.replace("x", "").replace("(", ""), seed=3)
    save_model(other, tmp_path / "other.safetensors", {})
    result = Session(own, TEXT).ask(Compare(str(tmp_path / "other.safetensors"), sample=0))
    dropped = sum(each in "x(" for each in TEXT[1:])
    assert result.characters == len(TEXT) - 1 - dropped
    assert result.unknown_share == pytest.approx(dropped / (len(TEXT) - 1))
    assert not any(each.character in "x(" for each in (*result.ahead, *result.behind))


def test_bytes_are_not_compared_with_characters(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of_bytes()
    model = CharRNN(Architecture("rnn", len(vocabulary), 4, 1), vocabulary)
    save_model(model, tmp_path / "bytes.safetensors", {})
    with pytest.raises(OptionError, match="one model reads characters, the other bytes"):
        Session(network(TEXT), TEXT).ask(Compare(str(tmp_path / "bytes.safetensors")))


def test_options_that_name_files_are_not_compared() -> None:
    assert differing({"text": "a", "run": "b", "seed": 1}, {"text": "c", "seed": 1}) == ()


def test_a_snapshot_is_a_model(tmp_path: Path) -> None:
    snapshots = tmp_path / "run" / "snapshots"
    snapshots.mkdir(parents=True)
    for step in (0, 1000, 9000):
        save_model(network(TEXT), snapshots / f"{step}.safetensors", {})
    run = tmp_path / "run"
    assert resolve_model(f"{run}@1000") == snapshots / "1000.safetensors"
    assert resolve_model(f"{run}@9,000") == snapshots / "9000.safetensors"
    assert model_name(snapshots / "1000.safetensors") == "run@1000"
    for name, reason in (
        (f"{run}@1100", f"has no snapshot of step 1,100; the nearest is {run}@1000"),
        (f"{run}@best", "run@best: give a step from 0 to 9,000 after the @"),
        (f"{run}@", "run@: give a step"),
        (f"{tmp_path}@1", "has no snapshots; give a run directory before the @"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            resolve_model(name)
