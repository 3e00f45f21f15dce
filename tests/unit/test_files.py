"""Files are whole or not there."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from rnnscope.files import FileLock, is_locked, remove_temporaries, write_atomically, write_json


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, lambda file: file.write(b"old"))
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, kind: type[BaseException]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def half(file: BinaryIO) -> None:
        file.write(b"half of the new")
        file.flush()
        raise kind

    with pytest.raises(kind):
        write_atomically(path, half)
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, lambda file: file.write(b"new"))
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file"]


def test_the_content_is_on_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def told(name: str) -> Callable[..., object]:
        function = getattr(os, name)

        def call(*arguments: object) -> object:
            calls.append(name)
            return function(*arguments)

        return call

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, told(name))
    write_atomically(tmp_path / "file", lambda file: file.write(b"new"))
    assert calls == ["fsync", "replace", "fsync"]


def test_a_file_is_as_private_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", lambda file: file.write(b""))
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = [bytes([value]) * 100_000 for value in range(30)]
    write_atomically(path, lambda file: file.write(versions[0]))

    def write_all() -> None:
        for version in versions:
            write_atomically(path, lambda file, version=version: file.write(version))  # type: ignore[misc]

    writer = threading.Thread(target=write_all)
    writer.start()
    while writer.is_alive():
        assert path.read_bytes() in versions
    writer.join()


def test_json_is_written_for_people_and_refuses_what_json_lacks(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"name": "Ödön", "loss": 1.5})
    assert json.loads(path.read_bytes()) == {"name": "Ödön", "loss": 1.5}
    assert "Ödön" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": float("nan")})
    assert json.loads(path.read_bytes())["loss"] == 1.5


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    for name in (".last.safetensors.0badf00d.tmp", "last.safetensors", "mine.tmp"):
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(tmp_path)
    assert _names(tmp_path) == ["last.safetensors", "mine.tmp"]


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_an_error_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whatever fails, the old file stays, no temporary file is left, and the message has the file's name."""
    path = tmp_path / "trace.npz"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        if call == "open":
            patch.setattr(Path, "open", fail)
        elif call != "write":
            patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="Input/output error") as error:
            write_atomically(path, fail if call == "write" else lambda file: file.write(b"new"))
    assert error.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["trace.npz"]


def test_a_lock_belongs_to_the_file_and_not_to_its_name(tmp_path: Path) -> None:
    path = tmp_path / "log"
    lock = FileLock.acquire(path)
    assert is_locked(path)
    with pytest.raises(BlockingIOError):
        FileLock.acquire(path, seconds=0.0)
    path.rename(tmp_path / "moved")
    assert not lock.is_named()
    assert is_locked(tmp_path / "moved")
    lock.release()
    assert not is_locked(tmp_path / "moved")
    assert not is_locked(tmp_path / "nowhere")


def test_a_lock_waits_for_the_file_that_replaces_the_locked_one(tmp_path: Path) -> None:
    path = tmp_path / "remarks"
    first = FileLock.acquire(path)
    write_atomically(path, lambda file: file.write(b"new"))
    first.release()
    second = FileLock.acquire(path)
    assert second.is_named()
    second.release()
