"""Notes on neurons: merged under a lock, read from anyone, and never next to an installed package."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from rnnscope.app.notes import Notes, edit_notes, load_notes, notes_path
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.locate import resolve_model, sidecar


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.remarks.json"


def test_two_programs_on_one_model_keep_each_others_notes(path: Path) -> None:
    edit_notes(path, lambda notes: notes.with_note((1, 3), "first"))
    edit_notes(path, lambda notes: notes.with_note((1, 4), "second"))
    edit_notes(path, lambda notes: notes.with_star((1, 3), is_starred=True))
    assert load_notes(path) == Notes(frozenset({(1, 3)}), {(1, 3): "first", (1, 4): "second"})


def test_many_writers_at_once_lose_nothing(path: Path) -> None:
    def write(number: int) -> None:
        for unit in range(5):
            edit_notes(path, lambda notes, unit=unit: notes.with_note((number, unit), f"{number}.{unit}"))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(load_notes(path).notes) == 20
    assert [name for name in os.listdir(path.parent) if name.endswith(".tmp")] == []


def test_the_file_is_json_with_names_and_the_older_spelling_is_read(path: Path) -> None:
    edit_notes(path, lambda notes: notes.with_note((1, 97), "counts columns"))
    assert json.loads(path.read_text()) == {"favorites": [], "notes": {"1/97": "counts columns"}}
    path.write_text('{"favourites": ["1/2"], "notes": {}}')
    assert load_notes(path).starred == {(1, 2)}


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense", b"[]", b'{"favorites": 1}', b'{"favorites": [1]}', b'{"notes": []}',
        b'{"notes": {"x": "y"}}',
        b'{"notes": {"1/2": 3}}', b'{"notes": {"1/2": {"a": 1}}}', b'{"favorites": ["1/2/3"]}', b"\xff\xfe",
        b'{"favorites": ["-1/2"]}', b'{"favorites": ["1/99999999999999999999"]}', b"[" * 100_000,
        b'{"notes": ' * 5_000 + b"1" + b"}" * 5_000, b'{"notes": {"1/2": "\\ud800"}}', b"1" * 5_000_000,
    ],
    ids=lambda content: repr(content)[:30],
)  # fmt: skip
def test_another_kind_of_file_is_refused_in_one_line_and_stays(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for attempt in (
        lambda: load_notes(path),
        lambda: edit_notes(path, lambda notes: notes.with_note((1, 1), "x")),
    ):
        with pytest.raises(OptionError, match=r"cannot be read: .*; move it away") as error:
            attempt()
        assert len(str(error.value).splitlines()) == 1
    assert path.read_bytes() == content


def test_a_pipe_in_place_of_the_file_blocks_nothing(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OptionError, match="regular file"):
        load_notes(path)


def test_a_note_with_half_of_a_surrogate_pair_is_kept_without_it(path: Path) -> None:
    edit_notes(path, lambda notes: notes.with_note((1, 1), "a\ud800b"))
    assert load_notes(path).notes == {(1, 1): "a?b"}


def test_notes_on_neurons_that_the_network_lacks_are_not_shown_but_kept(path: Path) -> None:
    path.write_text('{"favorites": ["0/1", "1/3", "1/4", "2/0"], "notes": {"9/9": "x", "1/0": "y"}}')
    notes = load_notes(path).of_network(Architecture(hidden_size=4, layers=1))
    assert notes == Notes(frozenset({(1, 3)}), {(1, 0): "y"})
    edit_notes(path, lambda notes: notes.with_note((1, 0), ""))
    assert (9, 9) in load_notes(path).notes


def test_only_the_suffix_of_a_model_file_is_dropped_from_its_name(tmp_path: Path) -> None:
    names = {notes_path(tmp_path / f"lm1.{loss}.safetensors").name for loss in (43, 57)}
    assert names == {"lm1.43.remarks.json", "lm1.57.remarks.json"}
    assert notes_path(tmp_path / "model").name == "model.remarks.json"


def test_what_is_kept_about_a_shipped_model_is_in_the_users_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    shipped = resolve_model("archive-gru")
    for suffix in (".remarks.json", ".findings.json"):
        path = sidecar(shipped, suffix)
        assert path == tmp_path / "data" / "rnnscope" / "models" / f"archive-gru{suffix}"
    edit_notes(notes_path(shipped), lambda notes: notes.with_note((1, 1), "x"))
    assert load_notes(notes_path(shipped)).notes == {(1, 1): "x"}


def test_so_it_is_of_a_model_whose_directory_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(tmp_path / "fixed")))
    one, other = (sidecar(tmp_path / "fixed" / place / "m.safetensors", ".x.json") for place in ("a", "b"))
    assert one.parent == other.parent == tmp_path / "data" / "rnnscope" / "models"
    assert one != other, "models of one name do not share a file"
    assert sidecar(tmp_path / "m.safetensors", ".x.json") == tmp_path / "m.x.json"
