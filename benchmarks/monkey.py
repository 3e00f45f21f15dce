"""Random keys, clicks and resizes on each screen, with every overlay: none may end the app or show an error.

    python benchmarks/monkey.py [--inputs 10000] [--seed 0] [--screen inspect] [--screen train] …

The inspect screen shows a small random network, the train screen a run of made-up events, the replay screen a
scripted run, `runs` the table of `rnnscope watch`, and `learn` one chapter of the course after another. Every
200 inputs begin a new app. A failure prints its seed and the inputs that led to it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, chdir
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnnscope.app.actions import actions_of
from rnnscope.app.frame.banner import Banner
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.learn.course import NAMES
from tests.app import looking, showing, test_learn, test_replay, test_runs_screen
from tests.app.conftest import make_trace
from tests.app.fake import FakeRun
from tests.app.real import session
from tests.scripted_run import write_run

Shown: TypeAlias = Callable[[], AbstractAsyncContextManager[tuple[Pilot[int], Any]]]


def replay() -> AbstractAsyncContextManager[tuple[Pilot[int], Any]]:
    return test_replay.shown(write_run(Path(tempfile.mkdtemp())), plays=True, now=time.monotonic)


def runs() -> AbstractAsyncContextManager[tuple[Pilot[int], Any]]:
    return test_runs_screen.shown(test_runs_screen.write_runs(Path(tempfile.mkdtemp())))


chapters = cycle(NAMES)

SCREENS: dict[str, Shown] = {
    "learn": lambda: test_learn.learning(next(chapters)),
    "replay": replay,
    "runs": runs,
    "inspect": lambda: looking.shown(session(), notes=Path("notes.json")),
    "train": lambda: showing.shown(FakeRun(make_trace(), begin=400, tick_seconds=0.02), now=time.monotonic),
}
OVERLAYS = ("ctrl+p", "question_mark", "M", "slash", "e", "backslash", "t", "p", "l", "f")
TYPED = (
    *(
        "enter",
        "escape",
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
        "tab",
        "shift+tab",
    ),
    *("slash", "backspace", "delete", "ctrl+home", "ctrl+end", "ctrl+j", "a", "(", "0", "5", "%", "*", "z"),
)
LEAVES = {"q", "ctrl+q", "ctrl+c", "ctrl+z"}
LARGEST = (300, 100)
INPUTS_PER_APP = 200


@dataclass
class Monkey:
    """Presses, clicks and resizes at random, the same for one seed."""

    seed: int
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def play(self, shown: Shown, inputs: int) -> None:
        """Do so many things to an app, and to another one where the first was quit.

        Raises what the app raises, or AssertionError.
        """
        while len(self.done) < inputs:
            await self._play_once(shown, inputs)

    async def _play_once(self, shown: Shown, inputs: int) -> None:
        async with shown() as (pilot, screen):
            for number in range(inputs - len(self.done)):
                await self._act(pilot, screen)
                if pilot.app.is_leaving or getattr(screen, "opened", None):  # "q quit", or a run to open
                    return
                assert pilot.app.return_code is None, "the app has ended"
                assert len(pilot.app.screen_stack) > 1, "the screen is gone"
                screen = pilot.app.screen_stack[1]  # the course opens others
                if number % 10 == 9:
                    await pilot.pause(0.01)
            log = screen.query_one(Banner).log_of_messages
            errors = [notice.message for notice in log if "internal error" in notice.message]
            assert not errors, errors

    async def _act(self, pilot: Pilot[int], screen: Any) -> None:
        chance, size = self._random.random(), pilot.app.size
        if chance < 0.08:
            width, height = (
                self._random.choice((1, 20, 60, 80, self._random.randint(1, most))) for most in LARGEST
            )
            self.done.append(f"resize {width}×{height}")
            await pilot.resize_terminal(width, min(height, LARGEST[1]))
        elif chance < 0.25:
            place = self._random.randrange(size.width), self._random.randrange(size.height)
            times = self._random.choice((1, 1, 2, 3))
            self.done.append(f"click {place} ×{times}")
            await pilot.click(offset=place, times=times)
        elif chance < 0.27:
            ends = [(self._random.randrange(size.width), self._random.randrange(size.height)) for _ in "12"]
            self.done.append(f"drag {ends}")
            await pilot.mouse_down(offset=ends[0])
            await pilot.hover(offset=ends[1])
            await pilot.mouse_up(offset=ends[1])
        elif chance < 0.29 and isinstance(pilot.app.screen, CommandPalette):
            query = self._random.choice(("zoom", "no such action", "", "a"))
            self.done.append(f"look for {query!r}")
            pilot.app.screen.query_one(Input).value = query
        elif chance < 0.31:
            self.done.append("a long warning")
            screen.scope.announce("a directory cannot be written: " + "runs/name " * 60, "warning")
        else:
            key = self._random.choice(self._keys(pilot, screen))
            self.done.append(key)
            await pilot.press(key)

    def _keys(self, pilot: Pilot[int], screen: Any) -> tuple[str, ...]:
        if pilot.app.screen is not screen or screen.query_one(Prompt).display:
            return TYPED
        return OVERLAYS if self._random.random() < 0.15 else keys_of(type(screen))


@cache
def keys_of(screen: Any) -> tuple[str, ...]:
    """The keys of a screen that do not leave it."""
    return tuple(sorted({key for action in actions_of(screen.OWNERS) for key in action.keys} - LEAVES))


def main() -> None:
    parser = argparse.ArgumentParser(description="Random inputs to the screens.")
    parser.add_argument("--inputs", type=int, default=10_000, help="for each screen")
    parser.add_argument("--seed", type=int, default=0, help="of the first app; the next has the next seed")
    parser.add_argument("--screen", action="append", choices=sorted(SCREENS))
    chosen = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as directory, chdir(directory):
        for name in chosen.screen or sorted(SCREENS):
            began = time.monotonic()
            for number in range(-(-chosen.inputs // INPUTS_PER_APP)):
                monkey = Monkey(chosen.seed + number)
                try:
                    asyncio.run(monkey.play(SCREENS[name], min(INPUTS_PER_APP, chosen.inputs)))
                except Exception as error:
                    failures += 1
                    print(f"{name}, seed {monkey.seed}: {type(error).__name__}: {error}")
                    print("    " + ", ".join(monkey.done[-12:]), flush=True)
            print(f"{name}: {chosen.inputs:,} inputs in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{failures} failures")
    sys.stdout.flush()
    os._exit(failures > 0)


if __name__ == "__main__":
    main()
