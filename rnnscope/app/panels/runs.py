"""The curves and the table of many runs: one color and one number for each run in both.

    ▎ loss  validation, nats per character                          ▎ runs  by best
    4.0 ⣀                                                             1 ● lstm-256   training  9,000  1.412
    2.0  ⠈⠢⢄                                                         ▸2 ● gru-512    finished  9,000  1.430
    1.4     ⠈⠑⠢⠤⣀⣀ 2
        1    10   100   9,000 steps

A run keeps its color. Runs that share a color differ by the number at the end of their curves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import BindingType

from rnnscope.app import braille
from rnnscope.app.axes import StepAxis, ValueAxis, grown
from rnnscope.app.panels.loss import UNITS, Unit
from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.render.text import tick
from rnnscope.text.display import safe
from rnnscope.theme.segments import coded_segments
from rnnscope.training.overview import CURVES, CurveName, RunOverview

Axis: TypeAlias = Literal["steps", "characters", "seconds"]
AXES: tuple[Axis, ...] = ("steps", "characters", "seconds")
COLORS = ("azure", "amber", "mint", "violet", "error", "strong", "dim", "raw")
"""The tokens of the first eight runs; further runs begin again."""

_LEAST = 1e-6
"""Smaller losses are drawn as this one."""
_LABELS_WIDTH = 6
_NUMBER_WIDTH = 7
_STATE_WIDTH = 9
_LEAD = 6
"""Columns of the number and the mark of a run."""
_NOT_LISTED = ("text", "run", "resume", "rescue", "threads", "device", "init_from", "prime", "temperature")
"""Options that are no columns of the table."""


@dataclass(frozen=True)
class RunsView:
    """What both panels show.

    runs: in the order of the table, the pinned ones first. numbers: the number of each run, which sets its
    color. selected: the directory of the selected run. filtered: how many runs the filter leaves out.
    """

    runs: tuple[RunOverview, ...] = ()
    numbers: Mapping[Path, int] = field(default_factory=dict)
    selected: Path | None = None
    pinned: Set[Path] = frozenset()
    axis: Axis = "steps"
    unit: Unit = UNITS[0]
    log_steps: bool = True
    order: str = "name"
    filtered: int = 0

    def token(self, run: RunOverview) -> str:
        """The color of a run."""
        return COLORS[(self.numbers[run.directory] - 1) % len(COLORS)]

    def columns(self) -> tuple[str, ...]:
        """The options in which the runs differ."""
        names = dict.fromkeys(name for run in self.runs for name in run.options)
        return tuple(
            name
            for name in names
            if name not in _NOT_LISTED and len({str(run.options.get(name)) for run in self.runs}) > 1
        )


class RunsChart(Panel):
    """The validation losses of all runs, and the training loss of the selected one behind them."""

    heading = "loss"
    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("a", "toggle_log", "Steps on a log axis / a linear axis (toggle)", "log/linear"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._view = RunsView()
        self._log_steps = True
        self._rows: list[list[Segment]] = []
        self._drawn_for: tuple[object, ...] = ()

    def show_runs(self, view: RunsView) -> None:
        """Draw another view."""
        self._view = view
        self._drawn_for = ()
        self.redraw()

    def action_toggle_log(self) -> None:
        self._log_steps = not self._log_steps
        self._drawn_for = ()
        self.redraw()

    def subject(self) -> str:
        return f"validation, {self._view.unit.name}"

    def legend(self) -> list[Segment]:
        selected = next((run for run in self._view.runs if run.directory == self._view.selected), None)
        if selected is None:
            return []
        return [
            Segment("▄▄ ", self.palette.ink("rule")),
            Segment(f"training loss of {self._view.numbers[selected.directory]}", self.palette.ink("dim")),
        ]

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        key = (self._view, width, height, self.palette, self._log_steps)
        if key != self._drawn_for:
            self._rows, self._drawn_for = self._picture(width, height), key
        return self._rows[row] if row < len(self._rows) else []

    def _picture(self, width: int, height: int) -> list[list[Segment]]:
        view, ink = self._view, self.palette.ink
        drawn = [run for run in view.runs if len(run.validation.nats) or len(run.training.nats)]
        if not drawn or height < 3:
            return [[Segment("waiting for the first loss", ink("dim"))]]
        rows, plot_width = height - 1, max(4, width - _LABELS_WIDTH - _NUMBER_WIDTH)
        axis = self._axis(drawn, plot_width * braille.DOTS_WIDE)
        # The selected run is drawn last, over the others and over its own training loss.
        drawn.sort(key=lambda run: run.directory == view.selected)
        lines = [self._columns(run, "validation", axis) for run in drawn]
        training = np.full(axis.dots, np.nan)
        if drawn[-1].directory == view.selected:
            training = self._columns(drawn[-1], "training", axis)
        values = np.concatenate([training, *lines])
        values = np.maximum(values[np.isfinite(values)], _LEAST)
        low, high = grown(None, float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
        scale = ValueAxis(low, high, rows)
        places = [scale.dots(line) for line in lines]
        tokens = [view.token(run) for run in drawn]
        cells = self._cells([scale.dots(training), *places], ["rule", *tokens], rows)
        ends: dict[int, list[Segment]] = {}
        for run, token, line in zip(drawn, tokens, places, strict=True):
            if len(known := line[np.isfinite(line)]):
                row = min(rows - 1, max(0, round(known[-1]) // braille.DOTS_HIGH))
                number = f" {view.numbers[run.directory]}"
                ends.setdefault(row, []).append(Segment(number, ink(token, bold=True)))
        labels = scale.ticks()
        picture = []
        for row in range(rows):
            label = Segment(f"{labels.get(row, ''):>{_LABELS_WIDTH - 1}} ", ink("mute"))
            picture.append([label, *cells[row], *ends.get(row, [])[-2:]])
        return [*picture, self._ticks(axis, plot_width)]

    def _axis(self, runs: Sequence[RunOverview], dots: int) -> StepAxis:
        """The horizontal axis of all curves; logarithmic from the first point on."""
        every = [self._x(run, curve) for run in runs for curve in CURVES]
        ends = [(float(x[0]), float(x[-1])) for x in every if len(x)]
        first, last = max(1.0, min(low for low, _ in ends)), max(high for _, high in ends)
        is_log = self._log_steps and last > first
        return StepAxis(first if is_log else 0.0, max(last, first + 1), dots, is_log)

    def _cells(
        self, places: Sequence[NDArray[np.float64]], tokens: Sequence[str], rows: int
    ) -> list[list[Segment]]:
        """Curves over one another, each in its color; a cell shows the last one in it."""
        colors = ("text", *dict.fromkeys(tokens))
        width = len(places[0]) // braille.DOTS_WIDE
        codes = np.full((rows, width), ord(" "), np.uint32)
        keys = np.zeros((rows, width), np.intp)
        for line, token in zip(places, tokens, strict=True):
            dots = braille.cells(braille.line(line, rows * braille.DOTS_HIGH))
            present = dots > 0
            codes[present] = braille.BLANK + dots[present].astype(np.uint32)
            keys[present] = colors.index(token)
        styles = tuple(map(self.palette.ink, colors))
        return [coded_segments(codes[row], keys[row], styles) for row in range(rows)]

    def _x(self, run: RunOverview, curve: CurveName) -> NDArray[np.float64]:
        """The places of a curve's points on the horizontal axis."""
        points = run.curve(curve)
        if self._view.axis == "seconds":
            return points.seconds
        return points.steps * (max(1, run.characters_per_step) if self._view.axis == "characters" else 1)

    def _columns(self, run: RunOverview, curve: CurveName, axis: StepAxis) -> NDArray[np.float64]:
        """(dots,) the mean of a curve within each column, joined by straight lines; NaN outside of it."""
        found = np.full(axis.dots, np.nan)
        x, nats = self._x(run, curve), self._view.unit.of_nats(run.curve(curve).nats)
        bounds = np.searchsorted(x, axis.edges())
        filled = np.flatnonzero(np.diff(bounds))
        if not len(filled):
            return found
        sums = np.add.reduceat(nats[: int(bounds[-1])], bounds[filled])
        found[filled] = sums / (bounds[filled + 1] - bounds[filled])
        columns = np.arange(axis.dots)
        joined: NDArray[np.float64] = np.interp(columns, filled, found[filled], left=np.nan, right=np.nan)
        return joined

    def _ticks(self, axis: StepAxis, plot_width: int) -> list[Segment]:
        """The row of round numbers below the plot."""
        row = [" "] * plot_width
        unit = f" {self._view.axis}"
        taken = -1
        for step in axis.ticks():
            label = tick(step)
            at = int(axis.dot(step) / braille.DOTS_WIDE) - (len(label) - 1) // 2
            at = max(0, min(at, plot_width - len(label)))
            if at > taken and at + len(label) <= plot_width - len(unit):
                row[at : at + len(label)] = label
                taken = at + len(label)
        row[plot_width - len(unit) :] = unit
        return [Segment(" " * _LABELS_WIDTH, self.fill), Segment("".join(row), self.palette.ink("mute"))]


class RunsTable(Panel):
    """The runs with their states, best losses, and the options in which they differ."""

    heading = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("up", "step(-1)", "Previous run", "run"),
        focus_key("down", "step(1)", "Next run", "run"),
        focus_key("k", "step(-1)", "Previous run"),
        focus_key("j", "step(1)", "Next run"),
        focus_key("enter", "open", "Open the run", "open"),
    ]

    def __init__(
        self, on_select: Callable[[Path], object], on_open: Callable[[Path], object], *, id: str
    ) -> None:
        """on_select, on_open: called with the directory of a run."""
        super().__init__(id=id)
        self._view = RunsView()
        self._on_select, self._on_open = on_select, on_open
        self._first = 0
        self._longest_name = 0
        self._options: tuple[tuple[str, int], ...] = ()
        """The options that are columns, and their widths."""

    def show_runs(self, view: RunsView) -> None:
        """List another view."""
        self._view = view
        self._longest_name = max((cell_len(safe(run.name)) for run in view.runs), default=0)
        self._options = tuple(
            (name, max([len(name), *(len(_shown(run, name)) for run in view.runs)]))
            for name in view.columns()
        )
        self._scroll()
        self.redraw()

    def subject(self) -> str:
        hidden = f", {self._view.filtered} filtered out" if self._view.filtered else ""
        return f"by {self._view.order}{hidden}"

    def legend(self) -> list[Segment]:
        return [Segment(f"best in {self._view.unit.name}", self.palette.ink("dim"))]

    def mark(self, row: int) -> Segment | None:
        run = self._at(row)
        if run is None or run.directory != self._view.selected:
            return None
        return Segment("▸", self.palette.ink("strong", bold=True))

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        view = self._view
        if row == 0:
            return self._cells(None, ("run", "state", "step", "best"), width)
        run = self._at(row)
        if run is None:
            waiting = "no run matches the filter; Esc shows all" if view.filtered else "no run yet"
            is_empty = not view.runs and row == 1
            return [Segment(waiting, self.palette.ink("dim"))] if is_empty else []
        best = "—" if run.best is None else tick(float(view.unit.of_nats(run.best[1])), 3)
        return self._cells(run, (safe(run.name), run.state, f"{run.step:,}", best), width)

    def _cells(self, run: RunOverview | None, cells: Sequence[str], width: int) -> list[Segment]:
        """A row: number, name, state, step, best loss, and as many options as fit; None for the header."""
        view, ink = self._view, self.palette.ink
        row = [Segment(" " * _LEAD, ink("mute"))]
        token, bold = "mute", False
        if run is not None:
            bold = run.directory == view.selected
            token = "strong" if bold else "text"
            pin = "*" if run.directory in view.pinned else " "
            number = f"{pin}{view.numbers[run.directory]:>2} "
            row = [Segment(number, ink(view.token(run), bold=True)), Segment("● ", ink(view.token(run)))]
        names = max(8, min(28, width - 40, self._longest_name))
        name, state, step, best = cells
        text = f"{set_cell_size(name, names)}  {state:<{_STATE_WIDTH}} {step:>9} {best:>8}"
        row.append(Segment(text, ink(token, bold=bold)))
        used = _LEAD + cell_len(text)
        for option, room in self._options:
            if used + 2 + room > width:
                break
            shown = option.replace("_", " ") if run is None else _shown(run, option)
            row.append(Segment(f"  {shown:>{room}}", ink("mute" if run is None else "dim")))
            used += 2 + room
        return row

    def _at(self, row: int) -> RunOverview | None:
        """The run in a body row."""
        index = row - 1 + self._first
        return self._view.runs[index] if row > 0 and 0 <= index < len(self._view.runs) else None

    def _scroll(self) -> None:
        """Keep the selected run in sight."""
        room = max(1, self.body_height - 1)
        index = next((i for i, run in enumerate(self._view.runs) if run.directory == self._view.selected), 0)
        self._first = max(0, min(max(self._first, index - room + 1), index))

    def on_resize(self, event: events.Resize) -> None:
        self._scroll()
        super().on_resize(event)

    def action_step(self, by: int) -> None:
        runs = self._view.runs
        if runs:
            index = next((i for i, run in enumerate(runs) if run.directory == self._view.selected), -by)
            self._on_select(runs[max(0, min(len(runs) - 1, index + by))].directory)

    def action_open(self) -> None:
        if self._view.selected is not None:
            self._on_open(self._view.selected)

    def on_click(self, event: events.Click) -> None:
        run = self._at(event.y - self.body_top)
        if run is not None and event.x >= PADDING:
            if event.chain > 1:
                self._on_open(run.directory)
            else:
                self._on_select(run.directory)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_step(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_step(-1)


def _shown(run: RunOverview, option: str) -> str:
    """The value of an option in the table."""
    return safe(str(run.options.get(option, "—")))
