"""A run without a screen: a readable log, with a progress bar in a terminal, or the events as JSON.

input.txt   LSTM 1×256   351,682 parameters   cpu, bfloat16   1,003,854 training characters, 111,540 held out
step    250   epoch  0.51   train 2.1035   held out 2.0131 nats   90,112 char/s   0:00:06   best
"""

from __future__ import annotations

import io
import math
import shlex
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from rnnscope.text.display import counted, glyph, safe
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    FinishReason,
    Progress,
    Saved,
    Started,
    Warned,
)
from rnnscope.training.records import to_json, to_line

BAR_SECONDS = 0.25

_LATELY = 100
"""The bar shows the mean loss over this many steps."""

_WIDE = 90
"""Columns from which the bar has room for the epoch."""

_ENDINGS: dict[FinishReason, str] = {
    "steps": "done: all steps",
    "minutes": "done: time budget used",
    "epochs": "done: all epochs",
    "finish": "finished",
    "patience": "stopped early: validation loss plateaued",
    "stopped": "stopped",
    "killed": "stopped without finishing",
}


class JsonLog:
    """Prints each event that a run directory keeps as one line of JSON, and nothing else."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdout

    def say(self, event: Event) -> None:
        record = to_json(event)
        if record is not None:
            self._file.write(to_line(record).decode("ascii"))
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to close."""


class PlainLog:
    """Prints a line for each event of interest and, in a terminal, keeps a progress bar below.

    Use it as a context manager, so that the bar is always removed.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        bar_seconds: float = BAR_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """bar_seconds: the bar is drawn again after this time at the earliest. clock: the time in seconds."""
        self._console = console or Console(highlight=False)
        if isinstance(self._console.file, io.TextIOWrapper):
            self._console.file.reconfigure(errors="replace")  # × in an ASCII terminal must not raise
        has_bar = self._console.is_terminal and not self._console.is_dumb_terminal
        self._bar = _LiveBar(self._console, bar_seconds, clock) if has_bar else None
        self._losses_nats: list[float] = []  # since the last evaluation
        self._progress: Progress | None = None
        self._baselines: set[str] = set()
        self._is_best_reported = False
        self._is_saving = True
        self._has_snapshots = False
        self._run = ""

    def say(self, event: Event) -> None:
        """Print an event. Raises OSError, and BrokenPipeError for a closed pipe."""
        for line in self._lines(event):
            self._print(line)
        if self._bar is not None:
            self._bar.say(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _print(self, line: str) -> None:
        line = safe(line).replace("\n", glyph("\n"))
        if self._bar is not None:
            self._console.print(Text(line), soft_wrap=True)
            return
        self._console.file.write(line + "\n")  # not wrapped, unlike Rich output
        self._console.file.flush()

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case Started():
                self._run = event.run
                yield from _beginning(event)
            case Progress():
                self._progress = event
                self._losses_nats += event.losses_nats.tolist()
            case Evaluated():
                if self._bar is None:
                    yield self._evaluation(event)
                self._losses_nats.clear()
            case Compared():
                for name, nats in event.baselines_nats.items():
                    if name not in self._baselines:
                        self._baselines.add(name)
                        yield f"baseline {name}: held out {_nats(nats)} nats"
            case Saved():
                if not self._is_saving:
                    self._is_saving = True
                    yield f"saved again: {event.path}"
                self._has_snapshots |= event.kind == "snapshot"
                if event.kind == "best" and not self._is_best_reported:
                    self._is_best_reported = True
                    yield f"the best weights are kept in {event.path}"
            case Warned():
                self._is_saving = self._is_saving and event.kind != "disk"
                yield f"! {event.message}"
            case Finished():
                yield from self._ending(event)

    def _evaluation(self, event: Evaluated) -> str:
        losses = self._losses_nats
        columns = [
            f"step {event.step:>7,}",
            f"epoch {self._progress.epoch:>6.2f}" if self._progress else "",
            f"train {_nats(math.fsum(losses) / len(losses))}" if losses else "",
            f"held out {_nats(event.held_out_nats)} nats",
            f"{self._progress.characters_per_second:>7,.0f} char/s" if self._progress else "",
            _clock(event.elapsed_seconds),
            "best" if event.is_best else "",
            "" if self._is_saving else "NOT SAVED",
        ]
        return "   ".join(filter(None, columns))

    def _ending(self, event: Finished) -> Iterator[str]:
        summary = f"{_ENDINGS[event.reason]}, at step {event.step:,} after {_clock(event.elapsed_seconds)}"
        if event.held_out_nats is not None:
            bits = event.held_out_nats / math.log(2)
            summary += f": held out {_nats(event.held_out_nats)} nats, {bits:.3f} bits per character"
        yield summary
        yield from event.notes
        run = shlex.quote(str(Path(event.path).parent) if event.path else self._run)
        if event.reason in ("stopped", "killed"):
            yield f"resume:  rnnscope train --resume {run}"
        if event.path:
            yield f"sample:  rnnscope sample {run}"
            yield f"inspect: rnnscope inspect {run}"
            if self._has_snapshots:
                yield f"replay:  rnnscope replay {run}"


class _LiveBar:
    """One line that is redrawn in place: step, loss, speed and remaining time."""

    def __init__(self, console: Console, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._bar = Bar(
            TextColumn("step {task.fields[step]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[report]}"),
            console=console,
            auto_refresh=False,  # no extra thread during training
            expand=True,
            transient=True,
        )
        self._task: TaskID | None = None
        self._drawn = -math.inf
        self._lately: deque[float] = deque(maxlen=_LATELY)
        self._held_out_nats: float | None = None

    def say(self, event: Event) -> None:
        match event:
            case Evaluated():
                self._held_out_nats = event.held_out_nats
            case Progress():
                self._lately.extend(event.losses_nats[-_LATELY:].tolist())
                if self._clock() - self._drawn >= self._seconds:
                    self._draw(event)
            case Finished():
                self.stop()

    def stop(self) -> None:
        self._bar.stop()

    def _draw(self, event: Progress) -> None:
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", step="", report="")
        report = [
            f"train {math.fsum(self._lately) / len(self._lately):.3f}" if self._lately else "",
            f"held out {self._held_out_nats:.3f}" if self._held_out_nats is not None else "",
            f"epoch {event.epoch:.1f}" if self._bar.console.width >= _WIDE else "",
            f"{event.characters_per_second:,.0f} char/s",
            f"{_clock(event.remaining_seconds)} left" if event.remaining_seconds is not None else "",
        ]
        self._bar.update(
            self._task,
            total=None if event.fraction is None else 1.0,
            completed=event.fraction or 0.0,
            step=f"{event.step:,}",
            report="  ".join(filter(None, report)),
        )
        self._bar.refresh()
        self._drawn = self._clock()


def _beginning(event: Started) -> Iterator[str]:
    facts = [
        event.corpus,
        event.architecture.title,
        f"{event.parameters:,} parameters",
        f"{event.device}, {event.precision}",
        f"{counted(event.train_characters, 'training character')}, {event.held_out_characters:,} held out",
    ]
    yield "   ".join(facts)
    if event.unknown_characters:
        yield f"{event.unknown_characters:,} rare characters are read as the unknown symbol"
    yield from event.notes
    yield f"{event.run}, resumed at step {event.step:,}" if event.resumed else f"the run is {event.run}"


def _nats(value: float) -> str:
    return f"{value:.4f}"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
