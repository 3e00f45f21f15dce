"""A recording of a screen: what a player draws from it is what the terminal showed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pyte
import pytest

from rnnscope.app.recording import Recording
from rnnscope.cli import main
from rnnscope.errors import OptionError
from tests.terminal.test_smoke import COLUMNS, ROWS, Terminal


def played(path: Path) -> pyte.Screen:
    """The screen after all of a recording was played."""
    header, *events = [json.loads(line) for line in path.read_text().splitlines()]
    assert header["version"] == 2
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    last = 0.0
    for seconds, kind, data in events:
        assert seconds >= last
        last = seconds
        if kind == "r":
            columns, rows = map(int, data.split("x"))
            screen.resize(rows, columns)
        else:
            assert kind == "o"
            stream.feed(data)
    return screen


def test_a_recording_shows_what_the_terminal_showed(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be\n" * 60)
    arguments = ["train", "text.txt", "--hidden-size", "8", "--run", "run", "--record", "talk.cast"]
    terminal = Terminal(arguments, tmp_path)
    terminal.wait_for(r"passage")
    terminal.child.send("?")
    terminal.wait_for("Esc back")
    terminal.read(0.5)
    screen = played(tmp_path / "talk.cast")
    assert (screen.columns, screen.lines) == (COLUMNS, ROWS)
    assert screen.display == terminal.screen.display
    terminal.child.send("qq")
    assert terminal.wait_until_it_ends() == 0
    assert played(tmp_path / "talk.cast").columns == COLUMNS


def test_a_recording_has_times_and_sizes_and_replaces_no_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.cast"
    times = iter([10.0, 10.0, 12.5, 13.0])
    recording = Recording(path, clock=lambda: next(times))
    recording.draw("ä\x1b[1m", (80, 24))
    recording.draw("b", (100, 30))
    recording.close()
    recording.draw("after the end", (100, 30))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["width"] == 80
    assert lines[1:] == [[0.0, "o", "ä\x1b[1m"], [2.5, "r", "100x30"], [2.5, "o", "b"]]
    with pytest.raises(OptionError, match="exists; remove it"):
        Recording(path)


def test_a_recording_that_cannot_begin_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNSCOPE_SERVED", "1")  # a screen without a terminal
    for name, reason in (("none/talk.cast", "No such file"), ("talk.cast", "exists")):
        (tmp_path / "talk.cast").touch()
        assert main(["inspect", "archive-gru", "--record", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert reason.lower() in err.lower()
        assert err.count("\n") == 1


def test_the_frames_of_a_recording_are_evenly_spaced_and_pauses_are_cut(
    repository: Path, tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("cast", repository / "docs" / "cast.py")
    assert spec is not None
    assert spec.loader is not None
    cast = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cast)
    recording = [{"version": 2, "width": 10, "height": 2}]
    recording += [[second / 10, "o", f"\r{second}"] for second in (0, 1, 2, 3, 5, 10, 100, 101)]  # type: ignore[misc]
    path = tmp_path / "talk.cast"
    path.write_text("".join(json.dumps(each) + "\n" for each in recording))
    shown = [
        (round(seconds, 6), screen.display[0].strip()) for seconds, screen in cast.frames(path, 0.4, 2.0)
    ]
    assert shown == [(0.5, "3"), (0.5, "5"), (2.0, "10"), (2.0, "101")]
    assert [cast.color(name, "#fff") for name in ("default", "ff8800", "red")] == ["#fff", "#ff8800", "red"]
