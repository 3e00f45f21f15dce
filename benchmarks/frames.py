"""The processor time of each kind of frame, relative to a full repaint of the same screen.

    python benchmarks/frames.py [--size 120x40]

The output is discarded. The time is that of the drawing thread, so that other processes do not count. The
last line is the share of one core that the screen takes during training.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.screens.train import TrainScreen
from rnnscope.training.controls import Controls
from rnnscope.training.events import Event, Traced
from tests.app.conftest import PASSAGE, make_trace
from tests.app.fake import progress, run_until, sampled

ROUNDS = 60
TRACES_PER_SECOND = 0.7
"""A typical rate: the interval between traces depends on their cost."""


async def measure(columns: int, rows: int) -> None:
    trace = make_trace(PASSAGE * 5, hidden_size=256)
    other = make_trace(PASSAGE * 5, hidden_size=256, seed=1)
    clock = [0.0]
    step = [9_273]

    def start(controls: Controls, post: Callable[[Event], None]) -> None:
        for event in run_until(trace):
            post(event)
        while not controls.state.stop:
            time.sleep(0.02)

    mailbox = Mailbox()
    screen = TrainScreen(start, mailbox=mailbox, now=lambda: clock[0])
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=(columns, rows)) as pilot:
        while screen.scope.selection is None:
            await pilot.pause(0.02)

        def tick() -> None:
            clock[0] += 0.1
            mailbox.post(progress(step[0] + 1, step[0] + 8))
            step[0] += 8
            if step[0] % 160 < 8:
                mailbox.post(sampled(step[0]))
            screen.tick()

        turn = [0]

        def new_trace() -> None:
            turn[0] += 1
            shown = trace if turn[0] % 2 else other
            mailbox.post(Traced(step[0], 0.0, replace(shown, step=step[0])))
            screen.tick()

        def repaint() -> None:
            app.refresh_css(animate=False)

        kinds: dict[str, Callable[[], None]] = {
            "full repaint": repaint,
            "cursor": screen.passage.action_cursor_right,
            "neuron": lambda: screen.heat_map.step(1),
            "quantity": screen.navigation.action_quantity,
            "new trace": new_trace,
            "tick": tick,
            "idle tick": screen.tick,
        }
        costs = {name: await _seconds(pilot, act) for name, act in kinds.items()}
        screen.controls.stop()
    reference = costs["full repaint"]
    for name, seconds in costs.items():
        print(f"{name:13} {1e3 * seconds:6.2f} ms   ratio {seconds / reference:.2f}")
    share = 10 * costs["tick"] + TRACES_PER_SECOND * costs["new trace"]
    print(f"while training the screen takes {share:.1%} of one core")


async def _seconds(pilot: object, act: Callable[[], None]) -> float:
    """The median processor time of an action and of the repaint that it causes."""
    found = []
    for _ in range(ROUNDS):
        await asyncio.sleep(0.03)
        start = time.thread_time()
        act()
        for _ in range(12):
            await asyncio.sleep(0.002)
        found.append(time.thread_time() - start)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="120x40")
    columns, rows = map(int, parser.parse_args().size.split("x"))
    asyncio.run(measure(columns, rows))


if __name__ == "__main__":
    main()
