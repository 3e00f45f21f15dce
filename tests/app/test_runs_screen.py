"""The screen of many runs: curves, table, filter, pins, axes, and opening a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.screens.runs import RunsScreen
from rnnscope.cli import main
from rnnscope.training.events import Finished
from tests.unit.training.test_overview import begun, evaluated, steps


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return write_runs(tmp_path)


def write_runs(tmp_path: Path) -> Path:
    """A directory of three runs."""
    for number, (name, options) in enumerate(
        (("a-lstm", {}), ("b-gru", {"cell": "gru"}), ("c-wide", {"hidden_size": 256})), 1
    ):
        with begun(tmp_path, name, **options) as run:
            run.write(steps(1, 100 * number, 3 - number / 2))
            run.write(evaluated(50, 2.5 - number / 4))
            run.write(evaluated(100 * number, 2.0 - number / 4))
            if number == 2:
                run.write(Finished(200, 20.0, "steps", 1.5))
    return tmp_path


@asynccontextmanager
async def shown(root: Path) -> AsyncIterator[tuple[Pilot[Any], RunsScreen]]:
    screen = RunsScreen([root])
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(screen.runs) == 3 and "c-wide" in text(screen))
        yield pilot, screen


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    for _ in range(400):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError(text(pilot.app.screen))


def text(screen: Any) -> str:
    lines = []
    for panel in (screen.chart, screen.table):
        lines += ["".join(segment.text for segment in panel.render_line(y)) for y in range(panel.size.height)]
    return "\n".join(lines)


def order(screen: RunsScreen) -> list[str]:
    return [run.name for run in screen.view.runs]


async def test_runs_are_listed_drawn_filtered_pinned_and_opened(runs: Path) -> None:
    async with shown(runs) as (pilot, screen):
        drawn = text(screen)
        assert "3 runs" in "".join(segment.text for segment in screen.header.render_line(0))
        for row in ("a-lstm", "stopped", "finished", "1.500", "cell", "hidden size", "256"):
            assert row in drawn
        for number in (" 1", " 2", " 3"):  # at the ends of the curves
            assert any(line.rstrip().endswith(number) for line in drawn.splitlines()[:22])
        assert screen.view.selected == runs / "a-lstm"
        await pilot.press("down", "asterisk", "O")
        assert order(screen) == ["b-gru", "c-wide", "a-lstm"]  # the pinned one, then by best loss
        assert screen.view.selected == runs / "b-gru"
        numbers = dict(screen.view.numbers)

        await pilot.press("backslash", *"hidden_size>=256", "enter")
        assert order(screen) == ["b-gru", "c-wide"]
        assert "1 filtered out" in text(screen)
        assert screen.view.numbers == numbers  # colors stay
        await pilot.press("backslash", "ctrl+u", *"hiden_size>1", "enter")
        hint = screen.query_one(Prompt).query_one("#hint")
        assert hint.has_class("complaint")
        await pilot.press("escape", "escape")
        assert len(order(screen)) == 3

        for axis in ("characters", "seconds", "steps"):
            await pilot.press("I")
            await pilot.pause()
            assert axis in text(screen)
        await pilot.press("u")
        assert "bits per character" in text(screen)
        assert "2.164" in text(screen)  # 1.5 nats
        await pilot.press("exclamation_mark")
        assert "no passage to present" in screen.banner.log_of_messages[-1].message
        await pilot.press("2", "3")
        assert "a-lstm" in text(screen)

        await pilot.press("j", "enter")
        await pilot.pause()
    assert screen.opened == runs / "c-wide"


async def test_a_click_selects_and_two_open(runs: Path) -> None:
    async with shown(runs) as (pilot, screen):
        row = next(y for y in range(20) if "c-wide" in line(screen, y))
        await pilot.click(screen.table, offset=(12, row))
        assert screen.view.selected == runs / "c-wide"
        await pilot.click(screen.table, offset=(12, row), times=2)
        await pilot.pause()
    assert screen.opened == runs / "c-wide"


def line(screen: RunsScreen, y: int) -> str:
    return "".join(segment.text for segment in screen.table.render_line(y))


def test_many_runs_need_a_terminal(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([str(runs)], [str(runs / "a-lstm"), str(runs / "b-gru")]):
        assert main(["watch", *arguments, "--plain"]) == 2
        assert "several runs need a terminal" in capsys.readouterr().err
    assert main(["watch"]) == 2
    assert "is missing" in capsys.readouterr().err
