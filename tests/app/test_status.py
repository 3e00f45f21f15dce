"""What the header tells, and how."""

from __future__ import annotations

import pytest

from rnnscope.app.frame.header import Header
from rnnscope.app.status import Status, clock, short
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Finished, Paused
from tests.app.fake import progress, run_until


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "00:00"), (59.99, "00:59"), (117.2, "01:57"), (3600.0, "1:00:00"), (36_061.0, "10:01:01")],
)
def test_time_is_told_in_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (943, "943"),
        (999.6, "1.0k"),
        (9_940, "9.9k"),
        (9_960, "10k"),
        (162_400, "162k"),
        (1.2e6, "1.2M"),
    ],
)
def test_a_rate_has_three_figures_at_most(number: float, shown: str) -> None:
    assert short(number) == shown


def test_events_make_the_status(trace: Trace) -> None:
    status = Status(corpus="a text")
    for event in run_until(trace):
        status = status.after(event)
    assert (status.corpus, status.phase, status.step) == ("tinyshakespeare.txt", "training", 9_273)
    assert status.fraction == pytest.approx(9_273 / 15_000)
    paused = status.after(Paused(9_273, 115.9, True))
    assert paused.paused
    assert not paused.after(Paused(9_273, 115.9, False)).paused
    done = status.after(Finished(9_300, 116.0, "steps", 1.5))
    assert (done.phase, done.fraction) == ("finished", 1.0)
    stopped = status.after(Finished(9_300, 116.0, "stopped", 1.5))
    assert stopped.fraction == status.fraction


def test_annealing_is_said() -> None:
    from dataclasses import replace

    assert Status().after(replace(progress(1, 10), phase="annealing")).phase == "annealing"


@pytest.mark.parametrize(
    ("width", "there", "gone"),
    [
        (196, ("parameters", "cpu", "epoch", "412 MB", "01:11 left", "● training"), ()),
        (116, ("cpu", "epoch", "left", "● training", "162k char/s", "412 MB"), ("parameters",)),
        (78, ("● training", "LSTM 1×48", "162k char/s", "01:55"), ("parameters", "cpu", "epoch", "left")),
        (58, ("●", "tinyshakespeare.txt", "01:55"), ("parameters", "epoch", "left")),
    ],
)
async def test_what_matters_least_goes_first(
    trace: Trace, width: int, there: tuple[str, ...], gone: tuple[str, ...]
) -> None:
    from textual.app import App, ComposeResult

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield Header()

    app = Bare()
    async with app.run_test(size=(width, 4)):
        header = app.query_one(Header)
        status = Status()
        for event in run_until(trace):
            status = status.after(event)
        header.show(status)
        line = header.render_line(0)
        assert line.cell_length == width
        assert all(part in line.text for part in there), line.text
        assert not any(part in line.text for part in gone), line.text
        rule = header.render_line(1).text
        assert rule.count("━") == pytest.approx(width * 9_273 / 15_000, abs=1)
        assert len(rule) == width
