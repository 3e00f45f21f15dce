"""The time in which the passage panel is drawn, relative to the same cells as a Rich `Text`.

Both draw a panel of 120×30 cells with every character in the style of its activation, in alternation and in
one process. The reference appends the characters one by one with their styles to a `Text` and renders it.

    python benchmarks/passage.py
"""

from __future__ import annotations

import asyncio
import statistics
import time

import numpy as np
from rich.console import Console
from rich.text import Text
from textual.app import App, ComposeResult

from rnnscope.app.panels.passage import Passage
from rnnscope.network.architecture import Architecture
from rnnscope.selection import Selection
from rnnscope.theme.palette import palette, signed_steps
from rnnscope.tracing.trace import Trace
from tests.app.conftest import FakeScope

COLUMNS, ROWS, ROUNDS = 120, 30, 40


def synthetic_trace(characters: int, units: int) -> Trace:
    """Words in lines, and units that drift like those of a network."""
    random = np.random.default_rng(0)
    symbols = tuple("\n abcdefghijklmnopqrstuvwxyz,.ABCDEFGHIJ")
    ids = random.integers(2, len(symbols), size=characters).astype(np.int32)
    ids[random.random(characters) < 0.17] = 1
    ids[random.random(characters) < 0.004] = 0
    drift = np.cumsum(random.normal(scale=0.12, size=(characters, units)), axis=0)
    logits = random.normal(scale=3.0, size=(characters, len(symbols)))
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Trace(
        Architecture("rnn", len(symbols), units),
        symbols,
        ids,
        log_probabilities.astype(np.float32),
        {"1/hidden": np.sin(drift).astype(np.float32)},
    )


class PassageApp(App[None]):
    """One passage that fills the screen."""

    def compose(self) -> ComposeResult:
        yield Passage(FakeScope())


def milliseconds(begin: float) -> float:
    """The time since `begin`, a value of `time.perf_counter`."""
    return 1000 * (time.perf_counter() - begin)


async def measure() -> None:
    trace = synthetic_trace(20_000, ROUNDS)
    console = Console(width=COLUMNS, height=ROWS, color_system="truecolor", force_terminal=True)
    styles = palette("dark", "truecolor").diverging
    times: dict[str, list[float]] = {"lines": [], "text": [], "cursor": [], "top five": []}
    async with PassageApp().run_test(size=(COLUMNS, ROWS)) as pilot:
        passage = pilot.app.query_one(Passage)
        for unit in range(ROUNDS):
            selection = Selection(trace, cursor=10_000, unit=unit, quantity="hidden")

            begin = time.perf_counter()
            passage.show(selection)  # another neuron: every character changes
            strips = [passage.render_line(y) for y in range(ROWS)]
            times["lines"].append(milliseconds(begin))
            shown = sum(len(strip.text.strip()) for strip in strips[1:])

            begin = time.perf_counter()
            text = Text()
            steps = signed_steps(selection.values[10_000 : 10_000 + shown]).tolist()
            for character, step in zip(trace.text[10_000 : 10_000 + shown], steps, strict=True):
                text.append(character, styles[step])
            console.render_lines(text, console.options.update(width=COLUMNS - 4))
            times["text"].append(milliseconds(begin))

            begin = time.perf_counter()
            passage.show(selection.moved(cursor=10_001))
            for y in range(ROWS):
                passage.render_line(y)
            times["cursor"].append(milliseconds(begin))

            begin = time.perf_counter()
            passage.show(selection.moved(top_five=True))
            for y in range(ROWS):
                passage.render_line(y)
            times["top five"].append(milliseconds(begin))
            passage.show(selection)
            assert all(strip.cell_length == COLUMNS for strip in strips)
    middle = {name: statistics.median(values) for name, values in times.items()}
    print(f"{COLUMNS}×{ROWS}, {ROUNDS} neurons, medians")
    print(f"  lines, another neuron   {middle['lines']:6.1f} ms")
    print(f"  lines, cursor moved     {middle['cursor']:6.1f} ms")
    print(f"  lines, top five shown   {middle['top five']:6.1f} ms")
    print(f"  Rich Text               {middle['text']:6.1f} ms")
    ratio = statistics.median(text / lines for text, lines in zip(times["text"], times["lines"], strict=True))
    print(f"  Text / lines            {ratio:6.1f}")


if __name__ == "__main__":
    asyncio.run(measure())
