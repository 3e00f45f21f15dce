"""Corpora by name: made once, kept in the user's cache, and found again by a run that was trained on one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rnnscope.cli import main
from rnnscope.corpora import archive
from rnnscope.corpora.archive import archive_text
from rnnscope.corpora.named import ARCHIVE_SHA256, corpus_name, corpus_of, is_corpus, resolve_text
from rnnscope.errors import TextError
from rnnscope.session import Session


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Work in an empty directory with an empty cache and a short archive; the lengths that were made."""
    lengths: list[int] = []

    def short(characters: int, seed: int) -> str:
        lengths.append(characters)
        return archive_text(20_000, seed)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(archive, "archive_text", short)
    monkeypatch.chdir(tmp_path)
    return lengths


def test_a_corpus_is_made_once_and_again_where_it_was_deleted(made: list[int]) -> None:
    assert is_corpus("archive")
    path = Path(resolve_text("archive"))
    assert path.read_text() == archive_text(20_000, 1)
    assert resolve_text("archive") == resolve_text(str(path)) == str(path)
    assert made == [1_500_000]
    path.unlink()
    assert resolve_text(str(path)) == str(path)
    assert path.is_file()
    assert corpus_name(str(path)) == "archive"


def test_a_file_of_the_name_takes_precedence(made: list[int]) -> None:
    Path("archive").write_text("mine")
    assert not is_corpus("archive")
    assert resolve_text("archive") == "archive"
    assert made == []


def test_a_mistyped_name_is_corrected(made: list[int]) -> None:
    with pytest.raises(TextError, match=r"there is no file shakespear; did you mean shakespeare\?"):
        resolve_text("shakespear")
    assert resolve_text("notes.txt") == "notes.txt"


def test_the_hash_is_that_of_the_shipped_text(repository: Path) -> None:
    """The archive's own tests compare that file with what the generator makes."""
    assert hashlib.sha256((repository / "data" / "input.txt").read_bytes()).hexdigest() == ARCHIVE_SHA256


def test_a_corpus_is_found_by_its_hash(made: list[int]) -> None:
    assert corpus_of("0" * 64) is None
    path = Path(resolve_text("archive"))
    assert corpus_of(hashlib.sha256(path.read_bytes()).hexdigest()) == str(path)


def test_a_run_on_a_corpus_resumes_without_its_file(
    made: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--hidden-size", "8", "--batch-size", "4", "--sequence-length", "8", "--threads", "1"]
    assert main(["train", "archive", "--plain", "--steps", "3", "--run", "run", *sizes]) == 0
    assert capsys.readouterr().out.startswith("archive   LSTM 1×8")
    recorded = json.loads(Path("run/run.json").read_text())
    assert recorded["options"]["text"] == "archive"
    Path(recorded["corpus"]["path"]).unlink()
    assert main(["train", "--resume", "run", "--plain", "--steps", "5"]) == 0
    assert "resumed at step 3" in capsys.readouterr().out
    Path(recorded["corpus"]["path"]).unlink()
    assert main(["eval", "run", "--split", "validation"]) == 0
    assert Session.open("run").name == "archive, held out"


def test_commands_read_a_corpus_by_its_name(made: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "archive-rnn", "archive", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["characters"] == len(archive_text(20_000, 1)) - 1
    assert main(["export", "archive-rnn", "archive", "--unit", "1/3", "-o", "page.json"]) == 0
    assert main(["trace", "archive-rnn", "archive", "-o", "trace.npz"]) == 0
    analysis = ["analyze", "archive-rnn", "archive", "histogram", "--layer", "1", "--unit", "3"]
    assert main([*analysis, "--characters", "500", "--json"]) == 0
