"""`rnnscope analyze`: its errors are one line, and nothing in a text acts on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch

from rnnscope.analysis import QUERIES
from rnnscope.cli import main
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

TEXT = ('say "a (b) \x1b[31mc"\n' + "(ab) cab; 'tis a\n\n") * 90


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network and a text that holds escape sequences."""
    directory = tmp_path_factory.mktemp("analyze")
    vocabulary = Vocabulary.of(TEXT)
    model = CharRNN(
        Architecture("lstm", len(vocabulary), 6, 2), vocabulary, generator=torch.Generator().manual_seed(4)
    )
    save_model(model, directory / "lstm.safetensors", {})
    (directory / "text.txt").write_text(TEXT)
    return directory


@pytest.mark.parametrize("name", ["ngrams", "errors", "brackets", "gradient-flow"])
def test_standard_input_is_analyzed_and_nothing_in_it_acts(
    name: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert main(["analyze", str(home / "lstm.safetensors"), "-", name]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) > 5


def test_the_analyses_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in QUERIES)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "name a model, a text and an analysis"),
        (("--errors",), "without dashes"),
        (("erors",), "did you mean errors"),
        (("errors", "--characters", "1"), "--characters is 1, but must be at least 100"),
        (("errors", "--train", "no-such.txt"), "no-such.txt"),
        (("errors", "--train", "-"), "name a file"),
        (("gradient-flow", "--distance", "0"), "--distance is 0, but must be at least 1"),
        (("gradient-flow", "--other", "no-such"), "no-such"),
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


def test_a_text_that_the_model_cannot_read_as_characters_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    assert main(["analyze", str(home / "lstm.safetensors"), str(tmp_path / "binary"), "errors"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
