"""`rnnscope eval`: a text, or a split of the text that the model was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnscope.cli import main
from rnnscope.network.checkpoint import load_model
from rnnscope.text.corpus import Split, load_corpus
from rnnscope.training.evaluate import evaluate
from tests.unit.training.tiny import options, run_training


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("split")
    run_training(options(directory, test=0.2, held_out=0.1, document_separator=r"\.\n"))
    return directory / "run"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["eval", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_of_the_run_is_scored(run: Path, split: Split, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, str(run), "--split", split, "--device", "cpu")
    corpus = load_corpus(run.parent / "text.txt", held_out=0.1, test=0.2, document_separator=r"\.\n")
    expected = evaluate(
        load_model(run / "best.safetensors"),
        corpus.ids_of(split),
        document_starts=corpus.starts_in(split),
    )
    assert found["loss_nats"] == pytest.approx(expected.loss_nats, abs=1e-9)
    assert found["characters"] == len(corpus.ids_of(split)) - 1
    assert found["split"] == split


def test_the_validation_split_gives_the_loss_of_the_run(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(run), "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)["training"]["held_out_nats"]
    found = printed(capsys, str(run), "--split", "validation", "--device", "cpu")
    assert found["loss_nats"] == pytest.approx(recorded, abs=1e-6)


def test_another_text_is_read_with_the_documents_of_the_model(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(run), str(run.parent / "text.txt"), "--device", "cpu"]) == 0
    assert "60, each from a zero state" in capsys.readouterr().out


def test_what_is_missing_is_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.txt"
    other.write_text("the ferry")
    without_test = tmp_path / "without"
    without_test.mkdir()
    run_training(options(without_test, steps=2))
    for arguments, says in (
        ([str(run)], "TEXT is missing"),
        ([str(run), str(other), "--split", "test"], "is not the text"),
        ([str(run), str(tmp_path / "nowhere"), "--split", "test"], "name its new place as TEXT"),
        ([str(without_test / "run"), "--split", "test"], "no test split"),
        (["archive-lstm", "--split", "test"], ""),
    ):
        assert main(["eval", *arguments]) in (0, 2)
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") <= 1
