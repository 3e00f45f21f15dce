"""The time in which a chart panel draws an update, for short and long runs.

Each panel gets an update (50 steps, or a cursor move) and draws all its lines. The reference draws the same
cells as a Rich `Text`, appended one by one with their styles, in alternation and in one process. Medians of
40 rounds.

    python benchmarks/chart.py
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.text import Text
from textual.app import App, ComposeResult

from rnnscope.app.history import History
from rnnscope.app.panels.chart import Chart
from rnnscope.app.panels.gates import Gates
from rnnscope.app.panels.gradient import Gradient
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.loss import Loss
from rnnscope.app.panels.panel import Panel
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.selection import Selection
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Compared, Evaluated, Progress
from tests.app.conftest import FakeScope

ROUNDS = 40
STEPS_AT_ONCE = 50


class Run:
    """A synthetic run: the loss falls as a power of the steps."""

    def __init__(self, steps: int) -> None:
        self.history = History()
        self.history.add(Compared(0, 0.0, {"uniform": 4.2, "1-gram": 3.3, "2-gram": 2.5, "5-gram": 1.6}))
        self._random = np.random.default_rng(0)
        self._step = 0
        self.advance(steps)

    def advance(self, count: int) -> None:
        """Add the events of `count` steps."""
        steps = np.arange(self._step + 1, self._step + count + 1)
        losses = 4.2 * steps**-0.1 * (1 + 0.02 * self._random.normal(size=count))
        norms = 0.4 * np.exp(0.3 * self._random.normal(size=count))
        self._step += count
        self.history.add(Progress(self._step, 1.0, steps, losses, norms, 1e-3, 1e5, 1.0))
        self.history.add(Evaluated(self._step, 1.0, float(4.3 * self._step**-0.09), 1000, True))


def synthetic_trace() -> Trace:
    """A random trace of 2,000 characters and 512 units."""
    random = np.random.default_rng(0)
    length, vocabulary, units = 2_000, 65, 512
    shape = Architecture("lstm", vocabulary, units)
    logits = random.normal(scale=2.0, size=(length, vocabulary))
    return Trace(
        shape,
        tuple(chr(32 + i) for i in range(vocabulary)),
        random.integers(0, vocabulary, size=length).astype(np.int32),
        (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32),
        {f"1/{name}": random.random((length, units), dtype=np.float32) for name in QUANTITIES[shape.cell]},
    )


class PanelApp(App[None]):
    """One panel that fills the screen."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel

    def compose(self) -> ComposeResult:
        yield self.panel


def milliseconds(work: Callable[[], object]) -> float:
    """The time that `work` takes."""
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


async def measure(name: str, panel: Panel, size: tuple[int, int], change: Callable[[], None]) -> None:
    """Print the times of the panel and of the reference, and their ratio."""
    console = Console(width=size[0], color_system="truecolor")
    async with PanelApp(panel).run_test(size=size) as pilot:
        await pilot.pause()

        def update() -> None:
            change()
            for y in range(panel.size.height):
                panel.render_line(y)

        def reference() -> None:
            text = Text()
            for strip in strips:
                for segment in strip:
                    for character in segment.text:
                        text.append(character, segment.style)
                text.append("\n")
            console.render_lines(text)

        own, other = [], []
        for _ in range(ROUNDS):
            own.append(milliseconds(update))
            strips = [panel.render_line(y) for y in range(panel.size.height)]
            other.append(milliseconds(reference))
    panel_ms, reference_ms = statistics.median(own), statistics.median(other)
    ratio = statistics.median(b / a for a, b in zip(own, other, strict=True))
    print(
        f"{name:<34} {size[0]:>3}×{size[1]:<3} {panel_ms:6.2f} ms   "
        f"Rich Text per cell {reference_ms:6.2f} ms   {ratio:5.1f} times faster"
    )


async def main() -> None:
    for steps in (10_000, 2_000_000):
        run = Run(steps)
        for kind in (Loss, Gradient):
            chart = Chart(kind())

            def learn(chart: Chart = chart, run: Run = run) -> None:
                run.advance(STEPS_AT_ONCE)
                chart.show_history(run.history)

            await measure(f"{chart.heading}, {steps:,} steps", chart, (64, 11), learn)
    trace = synthetic_trace()
    for panel, size in (
        (Gates(FakeScope()), (64, 11)),
        (Gates(FakeScope()), (126, 23)),
        (HeatMap(FakeScope(), id="neurons"), (50, 11)),
        (HeatMap(FakeScope(), id="neurons"), (68, 44)),
    ):
        selections = iter(range(ROUNDS + 1))

        def move(panel: Gates | HeatMap = panel, selections: object = selections) -> None:
            panel.show(Selection(trace, cursor=900 + next(selections), unit=97))  # type: ignore[call-overload]

        await measure(f"{panel.heading}, the cursor moves", panel, size, move)


if __name__ == "__main__":
    asyncio.run(main())
