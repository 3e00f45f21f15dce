"""What is remembered between sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnscope.state import recall, remember, state_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "new" / "state.json"
    monkeypatch.setenv("RNNSCOPE_STATE", str(path))
    return path


def test_values_are_remembered_next_to_one_another(file: Path) -> None:
    assert recall("layout", "inspect") is None
    remember("layout", "inspect", "gates")
    remember("layout", "train", "charts")
    remember("opened", "model", {"unit": 41})
    remember("layout", "inspect", "reading")
    assert recall("layout", "inspect") == "reading"
    assert recall("opened", "model") == {"unit": 41}
    assert json.loads(file.read_text()) == {
        "layout": {"inspect": "reading", "train": "charts"},
        "opened": {"model": {"unit": 41}},
    }


@pytest.mark.parametrize("content", ["", "[1]", '{"layout": 3}', "{", "\udcff"])
def test_a_damaged_file_is_read_as_empty_and_replaced(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert recall("layout", "inspect") is None
    remember("layout", "inspect", "gates")
    assert recall("layout", "inspect") == "gates"


def test_nothing_is_remembered_where_the_variable_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_STATE", "")
    remember("layout", "inspect", "gates")
    assert state_file() is None
    assert recall("layout", "inspect") is None


def test_the_file_is_in_the_users_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RNNSCOPE_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = state_file()
    assert path is not None
    assert path.name == "state.json"
    assert "rnnscope" in str(path)
