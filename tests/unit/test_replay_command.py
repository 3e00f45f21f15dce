"""`rnnscope replay` where it cannot play: one line, exit status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnscope.cli import main
from rnnscope.commands.replay import speed_of
from rnnscope.errors import OptionError
from rnnscope.training.run import Run
from tests.scripted_run import write_run


def test_what_cannot_be_replayed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run.create(tmp_path / "empty", {"options": {}}).close()
    run = write_run(tmp_path / "scripted")
    for arguments, reason in (
        ([str(tmp_path / "none")], "does not exist"),
        ([str(tmp_path)], "holds no run"),
        ([str(tmp_path / "empty")], "has no snapshots to replay"),
        ([str(run.directory)], "replay needs a terminal"),
        ([str(run.directory), "--speed", "fast"], "--speed is fast"),
        ([str(run.directory), str(tmp_path / "missing.txt")], "missing.txt"),
    ):
        assert main(["replay", *arguments]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert reason in said.err


def test_a_speed_is_a_multiple() -> None:
    assert [speed_of(text) for text in ("10x", "1", "0.5×", "64 x", "0.125")] == [10.0, 1.0, 0.5, 64.0, 0.125]
    for text in ("0", "0.1x", "65x", "x", "1.2.3", "-1x", "nan", ""):
        with pytest.raises(OptionError, match="must be from"):
            speed_of(text)
