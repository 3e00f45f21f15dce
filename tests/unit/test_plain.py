"""A run without a screen: lines for people and files, a bar for terminals, JSON for programs."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rnnscope.network.architecture import Architecture
from rnnscope.plain import JsonLog, PlainLog
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Sampled,
    Saved,
    Started,
    Traced,
    Warned,
)
from rnnscope.training.records import to_json

NETWORK = Architecture(vocabulary_size=2, hidden_size=256)
STARTED = Started(
    0,
    0.0,
    run="runs/input-1",
    corpus="input.txt",
    architecture=NETWORK,
    symbols=("a", "b"),
    parameters=351_682,
    device="cpu",
    precision="bfloat16",
    train_characters=1_003_854,
    held_out_characters=111_540,
    characters_per_step=2048,
    notes=("bfloat16 is 1.9 times as fast here",),
)
BEST = Saved(250, 6.1, "runs/input-1/best.safetensors", "best")
TRACE = Trace(NETWORK, ("a", "b"), np.zeros(1, np.int32), np.zeros((1, 2), np.float32), {})


def _progress(first: int, last: int, **changes: object) -> Progress:
    steps = np.arange(first, last + 1)
    values: dict[str, object] = {
        "learning_rate": 0.004,
        "characters_per_second": 90112.4,
        "epoch": 0.51,
        "fraction": 0.25,
        "remaining_seconds": 75.0,
    }
    losses = np.linspace(3, 2, len(steps))
    return Progress(last, last / 50, steps, losses, np.ones(len(steps)), **(values | changes))  # type: ignore[arg-type]


def _evaluated(step: int, nats: float = 2.01314, is_best: bool = True) -> Evaluated:
    return Evaluated(step, step / 50, held_out_nats=nats, characters=50_000, is_best=is_best)


STORY: list[Event] = [
    STARTED,
    Compared(0, 0.0, {"uniform": 4.17}),
    _progress(1, 100),
    _progress(101, 250),
    _evaluated(250),
    BEST,
    Saved(250, 6.1, "runs/input-1/snapshots/250.safetensors", "snapshot"),
    Sampled(250, 6.2, "the ferry", np.ones(9, np.float32), 0.8),
    Traced(250, 6.2, TRACE),
    Compared(250, 6.3, {"uniform": 4.17, "1-gram": 3.31}),
    _progress(251, 500),
    _evaluated(500, 1.9),
    replace(BEST, step=500),
    Warned(500, 10.0, "the disk is full", "disk"),
    Finished(
        1000, 20.0, "steps", held_out_nats=1.5, path="runs/input-1/best.safetensors", notes=("well done",)
    ),
]


def _lines(events: list[Event]) -> list[str]:
    """What a log that is not a terminal shows; as narrow as can be, which must not matter."""
    file = io.StringIO()
    with PlainLog(Console(file=file, width=20)) as log:
        for event in events:
            log.say(event)
    return file.getvalue().splitlines()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(events: list[Event], width: int = 100) -> str:
    """All that is written to a terminal."""
    file = Terminal()
    console = Console(file=file, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    with PlainLog(console, bar_seconds=0.0) as log:
        for event in events:
            log.say(event)
    return file.getvalue()


def test_a_log_that_is_no_terminal_has_one_line_an_evaluation() -> None:
    lines = [line for line in _lines(STORY) if line.startswith("step ")]
    assert lines == [
        "step     250   epoch   0.51   train 2.5000   held out 2.0131 nats    90,112 char/s   0:00:05   best",
        "step     500   epoch   0.51   train 2.5000   held out 1.9000 nats    90,112 char/s   0:00:10   best",
    ]


def test_the_rest_is_told_when_it_happens() -> None:
    lines = [line for line in _lines(STORY) if not line.startswith("step ")]
    assert lines == [
        "input.txt   LSTM 1×256   351,682 parameters   cpu, bfloat16   "
        "1,003,854 training characters, 111,540 held out",
        "bfloat16 is 1.9 times as fast here",
        "the run is runs/input-1",
        "baseline uniform: held out 4.1700 nats",
        "the best weights are kept in runs/input-1/best.safetensors",
        "baseline 1-gram: held out 3.3100 nats",
        "! the disk is full",
        "done: all steps, at step 1,000 after 0:00:20: held out 1.5000 nats, 2.164 bits per character",
        "well done",
        "sample:  rnnscope sample runs/input-1",
        "inspect: rnnscope inspect runs/input-1",
        "replay:  rnnscope replay runs/input-1",
    ]


def test_the_training_loss_is_the_mean_since_the_last_evaluation() -> None:
    first = _progress(1, 4, characters_per_second=1.0)
    second = replace(_progress(5, 6), losses_nats=np.array([7.0, 9.0]))
    lines = _lines([STARTED, first, _evaluated(4), second, _evaluated(6, is_best=False), _evaluated(6)])
    trains = [re.findall(r"train (\S+)", line) for line in lines if line.startswith("step")]
    assert trains == [["2.5000"], ["8.0000"], []]
    assert not lines[-2].endswith("best")


def test_a_resumed_and_a_stopped_run_say_so() -> None:
    resumed = replace(STARTED, step=500, resumed=True, run="runs/my run", unknown_characters=12)
    lines = _lines([resumed, Finished(600, 12.0, "stopped")])
    assert "runs/my run, resumed at step 500" in lines
    assert "12 rare characters are read as the unknown symbol" in lines
    assert "resume:  rnnscope train --resume 'runs/my run'" in lines


def test_nothing_that_is_shown_can_act_on_a_terminal() -> None:
    evil = "a\x1b[2J\x1b]0;owned\x07\x9bm\u202e\nb"
    events: list[Event] = [
        replace(STARTED, corpus=evil, run=evil, notes=(evil,)),
        Compared(0, 0.0, {evil: 1.0}),
        replace(BEST, path=evil),
        Warned(1, 0.1, evil),
        Finished(1, 0.1, "stopped", notes=(evil,)),
    ]
    for shown in ("\n".join(_lines(events)), _shown(events)):
        assert "\x1b" not in shown
        assert not set(shown) & set("\x07\x9b\u202e")
        assert "a␛[2J" in shown
        assert "↵b" in shown


def test_markup_in_a_name_is_text() -> None:
    assert "[red]x[/red]" in _shown([replace(STARTED, corpus="[red]x[/red]")])


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = _shown([*STORY[:6], _progress(251, 260, fraction=0.5)], width)
    last = shown.rsplit("step 260", 1)[1].splitlines()[0]
    for told in ("━", "train", "held out 2.013", "90,112 char/s", "0:01:15 left"):
        assert told in last
    assert ("epoch 0.5" in last) == (width > 80)
    assert all(len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line)) <= width for line in last.splitlines())
    assert "\x1b[?25l" in shown, "the cursor is hidden while the bar moves"
    assert shown.count("\x1b[?25h") == 1, "and shown again"
    assert "step     250" not in shown


def test_a_run_without_an_end_has_a_bar_too() -> None:
    shown = _shown([STARTED, _progress(1, 9, fraction=None, remaining_seconds=None)])
    assert "step 9" in shown
    assert "left" not in shown


def test_the_terminal_is_given_back_when_the_run_fails() -> None:
    file = Terminal()
    log = PlainLog(Console(file=file, force_terminal=True, width=80), bar_seconds=0.0)

    def fail() -> None:
        with log:
            log.say(_progress(1, 9))
            raise RuntimeError("cut short")

    with pytest.raises(RuntimeError, match="cut short"):
        fail()
    assert file.getvalue().count("\x1b[?25l") == file.getvalue().count("\x1b[?25h") == 1


def test_the_bar_is_drawn_four_times_a_second_at_most() -> None:
    seconds = 0.0
    file = Terminal()
    console = Console(file=file, force_terminal=True, width=80, get_time=lambda: 0.0)
    with PlainLog(console, clock=lambda: seconds) as log:
        for step in range(1, 101):  # ten seconds
            seconds = step / 10
            log.say(_progress(step, step))
        drawn = len(set(re.findall(r"step (\d+)", file.getvalue())))
    assert 30 <= drawn <= 41


def test_a_dumb_terminal_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    shown = _shown(STORY)
    assert "\x1b" not in shown
    assert "step     250" in shown


def test_an_output_that_knows_no_unicode_is_no_reason_to_stop() -> None:
    buffer = io.BytesIO()
    with PlainLog(Console(file=io.TextIOWrapper(buffer, encoding="ascii"))) as log:
        log.say(STARTED)
    assert b"LSTM 1?256" in buffer.getvalue()


def test_json_is_what_the_run_directory_keeps_and_nothing_else() -> None:
    file = io.StringIO()
    with JsonLog(file) as log:
        for event in [*STORY, Paused(1, 0.1, True)]:
            log.say(event)
    told = [json.loads(line) for line in file.getvalue().splitlines()]
    assert told == [to_json(event) for event in STORY if not isinstance(event, Traced | Compared)]


def test_each_event_is_out_before_the_next(tmp_path: Path) -> None:
    """Through a pipe, where Python would hold text back."""
    program = (
        "import os; from tests_story import STORY\n"
        "from rnnscope.plain import JsonLog, PlainLog\n"
        "for log in (JsonLog(), PlainLog()):\n"
        "    log.say(STORY)\n"
        "os._exit(0)  # nothing is flushed at the end"
    )
    (tmp_path / "tests_story.py").write_text(
        "from rnnscope.training.events import Warned\nSTORY = Warned(1, 0.5, 'the disk is full', 'disk')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert json.loads(first)["message"] == "the disk is full"
    assert second == "! the disk is full"


def test_a_log_needs_neither_torch_nor_a_screen() -> None:
    program = "import sys, rnnscope.plain\nassert not {'torch', 'textual'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
