"""`rnnscope analyze`: what it prints is what the analyses find."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnscope.analysis.compare import compare
from rnnscope.analysis.gradient_flow import gradient_flow, spread
from rnnscope.analysis.matching import select
from rnnscope.analysis.saturation import saturation
from rnnscope.cli import main
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.ngram import KneserNey
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record, true_log_probabilities

TEXT = ('say "a (b) \x1b[31mc"\n' + "(ab) cab; 'tis a\n\n") * 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks that know the text, and one that does not."""
    directory = tmp_path_factory.mktemp("analyze")
    vocabulary = Vocabulary.of(TEXT)
    for cell in ("lstm", "rnn"):
        model = CharRNN(
            Architecture(cell, len(vocabulary), 6, 2), vocabulary, generator=torch.Generator().manual_seed(4)
        )
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.normal_(std=1.2, generator=torch.Generator().manual_seed(5))
        save_model(model, directory / f"{cell}.safetensors", {})
    other = Vocabulary.of("xyz")
    save_model(CharRNN(Architecture("gru", 3, 4), other), directory / "other.safetensors", {})
    (directory / "text.txt").write_text(TEXT)
    (directory / "train.txt").write_text("(ab) cab; " * 40)
    return directory


def analyzed(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str, model: str = "lstm") -> dict:
    given = ["analyze", str(home / f"{model}.safetensors"), str(home / "text.txt"), *arguments, "--json"]
    assert main(given) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_json_holds_what_the_analyses_find(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--saturation", "--errors", "--matches", "--gradients", "--ngrams", "--distance", "20")
    found = analyzed(home, capsys, *flags)
    model = load_model(home / "lstm.safetensors")
    ids = model.vocabulary.encode(TEXT)
    start = int(len(ids) * 0.9)
    learnt, judged = ids[:start], ids[start:]
    assert found["judged"] == {"start": start, "characters": len(judged) - 1}

    gates = saturation([record(model, ids)])
    assert found["saturation"]["positions"] == len(TEXT)
    for gate in found["saturation"]["gates"]:
        assert gate["left"] == gates.of(gate["layer"], gate["gate"]).left.tolist()

    network = true_log_probabilities(model, judged)
    orders = [
        (n, KneserNey.fit(learnt, len(model.vocabulary), n).log_probabilities(judged)) for n in range(1, 10)
    ]
    expected = compare(network, orders)
    assert found["ngrams"]["network_nats"] == pytest.approx(expected.network_nats)
    assert found["ngrams"]["by_order"] == {str(n): pytest.approx(v) for n, v in expected.by_order.items()}
    behind = found["ngrams"]["behind"][0]
    assert behind["position"] == start + int(expected.ranked[-1])
    assert behind["character"] == TEXT[behind["position"]]
    assert behind["before"] == TEXT[max(start, behind["position"] - 20) : behind["position"]]
    assert behind["difference_nats"] == pytest.approx(np.log(behind["network"] / behind["ngram"]))

    errors = found["errors"]
    positions = [at for b in errors["buckets"] for level in b["levels"] for at in level["positions"]]
    assert sorted(positions) == (np.flatnonzero(network < np.log(0.5)) + 1 + start).tolist()
    assert sum(bucket["share"] for bucket in errors["buckets"]) == pytest.approx(1.0)

    closers = {of_closer["closer"]: of_closer for of_closer in found["matches"]}
    assert set(closers) == {")", '"'}
    assert sum(each["count"] for each in closers[")"]["bins"]) == closers[")"]["pairs"] > 0
    assert [each["from"] for each in closers[")"]["bins"]] == [2]  # every pair is 2 or 3 apart

    (flow,) = found["gradients"]
    again = gradient_flow(model, ids, spread(len(ids), 64, 20), distance=20)
    assert (flow["title"], len(flow["layers"])) == ("LSTM 2×6", 2)
    np.testing.assert_allclose(flow["layers"], again.norms, rtol=1e-4)


def test_two_models_side_by_side(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = ("--gradients", "--distance", "10", "--beside", str(home / "rnn.safetensors"))
    found = analyzed(home, capsys, *beside)
    assert [flow["title"] for flow in found["gradients"]] == ["LSTM 2×6", "RNN 2×6"]


def test_a_text_to_learn_from_leaves_the_whole_text_to_be_judged(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = analyzed(home, capsys, "--errors", "--train", str(home / "train.txt"))
    assert found["judged"] == {"start": 0, "characters": len(TEXT) - 1}
    rare = next(bucket for bucket in found["errors"]["buckets"] if bucket["name"] == "rare word")
    assert rare["levels"][0]["count"] > 0  # words such as `say` are not in it
    found = analyzed(home, capsys, "--errors", "--train", str(home / "train.txt"), "--characters", "50")
    assert found["judged"]["characters"] == 49


def test_a_stretch_is_found_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # the text repeats itself, and so the units do
    period = TEXT.index('say "', 1)
    trace = record(load_model(home / "lstm.safetensors"), Vocabulary.of(TEXT).encode(TEXT[: period * 4]))
    values = np.concatenate([trace.shown(layer, "cell") for layer in (1, 2)], axis=1)
    start = next(at for at in range(period * 2, period * 3) if len(select(values, at, at + 3)) > 1)
    found = analyzed(home, capsys, "--select", f"{start}:{start + 3}")["selection"]
    assert (found["text"], found["quantity"]) == (TEXT[start : start + 3], "cell")
    expected = select(values, start, start + 3)
    assert [(each["layer"] - 1) * 6 + each["unit"] for each in found["neurons"]] == expected.units.tolist()
    assert [each["sign"] for each in found["neurons"]] == expected.signs.tolist()
    best = found["matches"][0]
    assert (best["start"] - start) % period == 0
    assert best["shared"] == len(expected)
    assert best["text"] == TEXT[best["start"] : best["stop"]]


def test_tables_are_for_people_and_nothing_in_them_acts(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    given = ["analyze", str(home / "lstm.safetensors"), "-", "--saturation", "--errors", "--matches"]
    assert main([*given, "--gradients", "--ngrams", "--distance", "12", "--select", "10:14"]) == 0
    out = capsys.readouterr().out
    for title in (
        "saturation",
        "n-gram",
        "errors in",
        "loss at )",
        "gradient",
        "on over exactly 10:14",
        "where else",
    ):
        assert title in out
    assert "\x1b[31mc" not in out
    assert main(["analyze", str(home / "rnn.safetensors"), str(home / "text.txt"), "--saturation"]) == 0
    assert "a plain RNN has no gates" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "name a model, a text and an analysis"),
        (("--select", "12"), "two positions"),
        (("--select", "9:9"), "no stretch"),
        (("--select", "0:99999"), "no stretch"),
        (("--errors", "--held-out", "1"), "share between 0 and 1"),
        (("--errors", "--characters", "1"), "at least 2"),
        (("--gradients", "--distance", "0"), "at least 1"),
        (("--gradients", "--distance", "99999"), "too few to look"),
        (("--saturation", "--beside", "x"), "--beside is for --gradients"),
        (("--gradients", "--beside", "no-such"), "no-such"),
        (("--saturation", "--threshold", "1"), "--threshold"),
        (("--errors", "--train", "no-such.txt"), "no-such.txt"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: tuple[str, ...], why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(home / "lstm.safetensors"), str(home / "text.txt"), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert len(err.splitlines()) == 1


def test_another_models_text_and_diverged_weights_are_told(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = str(home / "text.txt")
    assert main(["analyze", str(home / "other.safetensors"), text, "--saturation"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    model = load_model(home / "lstm.safetensors")
    with torch.no_grad():
        model.readout.bias[0] = torch.nan
    save_model(model, tmp_path / "diverged.safetensors", {})
    for flag in ("--errors", "--gradients"):
        assert main(["analyze", str(tmp_path / "diverged.safetensors"), text, flag]) == 2
        assert "diverged" in capsys.readouterr().err
