"""A real terminal: replay a run, and end it by a signal."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.scripted_run import write_run
from tests.terminal.test_smoke import Terminal


def test_a_run_is_replayed_and_a_signal_gives_the_terminal_back(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    terminal = Terminal(["replay", str(run.directory), str(run.text), "--speed", "64x"], tmp_path)
    terminal.wait_for("snapshot 13 of 13")
    terminal.wait_for("‖ paused")
    terminal.child.send(":8\r")
    terminal.wait_for("step +8 ")
    terminal.wait_for("the bell rang")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.wait_until_it_ends() == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in terminal.raw[-4_000:]
    for mode in (b"1000", b"1003", b"2004", b"1006"):  # the mouse, pasting
        assert terminal.raw.rfind(b"\x1b[?" + mode + b"l") > terminal.raw.rfind(b"\x1b[?" + mode + b"h")
    assert b"Traceback" not in terminal.raw
