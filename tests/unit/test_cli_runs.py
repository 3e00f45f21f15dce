"""`train` and `watch`, in this process: what they print, how they end, and what a signal does."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.train import TrainScreen
from rnnscope.cli import main
from rnnscope.commands import reading
from rnnscope.training import launch
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.events import Finished, OnEvent, Warned
from rnnscope.training.options import TrainOptions
from tests.unit.terminals import Terminal


def _train_by(
    monkeypatch: pytest.MonkeyPatch, train: Callable[[TrainOptions, Controls, OnEvent], None]
) -> None:
    monkeypatch.setattr(
        launch, "train", lambda options, controls, say, given=None: train(options, controls, say)
    )


@pytest.fixture
def text(models: Path) -> str:
    return str(models / "text.txt")


def test_options_reach_the_training_run(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[TrainOptions, Controls]] = []
    _train_by(monkeypatch, lambda options, controls, say: seen.append((options, controls)))
    assert main(["train", text, "--cell", "gru", "--layers", "2", "--minutes", "1.5", "--plain"]) == 0
    assert (
        main(["train", text, "--temperature", "0.5", "--prime", "The", "--tied", "--embedding-size", "256"])
        == 0
    )
    first, second = seen
    assert first[0] == TrainOptions(text=text, cell="gru", layers=2, minutes=1.5)
    assert second[0].tied
    assert (second[1].state.temperature, second[1].state.prime) == (0.5, "The")
    assert not second[1].state.observing


def test_what_is_typed_is_given_whatever_its_value(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(
        launch, "train", lambda options, controls, say, given: seen.append(launch.given_names(options, given))
    )
    main(["train", text, "--hidden-size", "256", "--seed=1", "--temperature", "0.8", "--plain"])
    assert seen == [{"text", "hidden_size", "seed", "temperature"}]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_is_the_exit_status(
    text: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[bool] = []

    def train(_: TrainOptions, controls: Controls, say: OnEvent) -> None:
        say(Warned(0, 0.0, "training"))
        os.kill(os.getpid(), number)
        for _attempt in range(500):
            if controls.state.stop:
                saved.append(True)
                return
            time.sleep(0.01)

    # Whoever started the tests may have the signal ignored, which the command would respect.
    before = signal.signal(number, signal.default_int_handler)
    try:
        _train_by(monkeypatch, train)
        assert main(["train", text, "--plain"]) == 128 + number
        assert saved == [True]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_second_interrupt_does_not_wait(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(_: TrainOptions, controls: Controls, say: OnEvent) -> None:
        say(Warned(0, 0.0, "training"))
        for _attempt in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        pytest.fail("went on after a second interrupt")

    _train_by(monkeypatch, train)
    assert main(["train", text, "--plain"]) == 130


def test_an_ignored_hangup_stays_ignored(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(_: TrainOptions, controls: Controls, say: OnEvent) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.05)
        assert not controls.state.stop

    _train_by(monkeypatch, train)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(["train", text, "--plain"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_json_prints_events_and_nothing_else(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _train_by(monkeypatch, lambda options, controls, say: say(Warned(3, 1.5, "a\x1bb")))
    assert main(["train", text, "--json"]) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert (printed["event"], printed["step"], printed["message"]) == ("warned", 3, "a\x1bb")
    assert err == ""


def test_a_run_whose_log_nobody_reads_is_saved(text: str, tmp_path: Path) -> None:
    """The reader leaves after the first line; the run ends as if it had been stopped."""
    run = tmp_path / "run"
    arguments = ["train", text, "--json", "--run", str(run), "--hidden-size", "8", "--minutes", "5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnscope", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["event"] == "started"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 128 + signal.SIGPIPE
    process.stderr.close()
    assert (run / "resume.safetensors").is_file()
    assert json.loads((run / "events.jsonl").read_text().splitlines()[-1])["reason"] == "stopped"


def test_a_finished_run_is_watched_to_its_end(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    options = ["--hidden-size", "8", "--steps", "3", "--batch-size", "2", "--sequence-length", "4"]
    assert main(["train", text, "--json", "--run", run, *options, "--precision", "float32"]) == 0
    trained = capsys.readouterr().out
    assert main(["watch", run, "--json"]) == 0
    watched = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert watched[0] == "started"
    assert "finished" in watched
    assert json.loads(trained.splitlines()[-1])["event"] == "finished"
    assert main(["info", run, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["hidden_size"] == 8
    assert facts["run"]["options"]["text"] == text


@pytest.mark.parametrize(
    ("plain", "json", "terminals", "term", "opens"),
    [
        (False, False, (True, True, True), "xterm", True),
        (True, False, (True, True, True), "xterm", False),
        (False, True, (True, True, True), "xterm", False),
        (False, False, (False, True, True), "xterm", False),
        (False, False, (True, False, True), "xterm", False),
        (False, False, (True, True, False), "xterm", False),
        (False, False, (True, True, True), "dumb", False),
    ],
)
def test_a_screen_opens_where_there_is_a_terminal(
    plain: bool,
    json: bool,
    terminals: tuple[bool, ...],
    term: str,
    opens: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams = [(Terminal if is_one else io.TextIOWrapper)(io.BytesIO()) for is_one in terminals]
    monkeypatch.setenv("TERM", term)
    assert reading.has_screen(plain=plain, json=json, streams=streams) is opens


async def _quit_once_ended(pilot: Pilot[Any]) -> None:
    """Leave the screen once its run has ended."""
    app, screen = pilot.app, pilot.app.screen_stack[-1]
    assert isinstance(app, RnnscopeApp)
    assert isinstance(screen, TrainScreen)
    while app.failure is None and screen.status.phase != "finished":
        await pilot.pause(0.02)
    await pilot.press("q")


def test_an_error_that_ends_a_run_under_the_screen_is_raised_after_it() -> None:
    def start(controls: Controls, say: OnEvent) -> None:
        raise ZeroDivisionError("of the run")

    with pytest.raises(ZeroDivisionError, match="of the run"):
        reading.read_on_screen(start, ControlState(), corpus="text", theme="dark", pilot=_quit_once_ended)


@pytest.mark.parametrize("live", [True, False])
def test_how_to_go_on_is_told_after_the_screen(live: bool, capsys: pytest.CaptureFixture[str]) -> None:
    ending = Finished(7, 1.0, "stopped", path="runs/mine/last.safetensors")
    status = reading.read_on_screen(
        lambda controls, say: say(ending),
        ControlState(),
        corpus="text",
        theme="dark",
        live=live,
        pilot=_quit_once_ended,
    )
    assert status == 0
    assert ("rnnscope train --resume runs/mine" in capsys.readouterr().out) is live
