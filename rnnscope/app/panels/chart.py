"""A chart of a run over its steps: one curve over its envelope, in braille, on log axes.

    4.0 ⣀⣀⣀ ┈┈┈┈┈┈┈┈┈┈┈┈┈ uniform  4.17     value labels | plot | names in value order
    2.5    ⠈⠉⠢⢄ ┈┈┈┈┈┈┈┈┈ 2-gram   2.49
    1.4        ⠈⠑⠢⠤⣀⣀⣀   train    1.43
        1    10   100 9,273 steps           the current step in the color of text

A picture is cached until its inputs change, and only rows that differ from the previous one are repainted.
The limits of the value axis only grow during a run; zooming resets them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.binding import BindingType

from rnnscope.app import braille, plot
from rnnscope.app.axes import StepAxis, ValueAxis, Window, grown
from rnnscope.app.history import History, Series
from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.app.plot import Columns, Curves, Level, Rule

Float = NDArray[np.float64]

LABELS_WIDTH = 5
"""Columns of the value labels, including the gap after them."""
AXIS_FROM = 8
"""Minimum number of body rows for the step axis."""
_WHEEL = 0.7
"""How much of the window is left when the wheel zooms in."""
_LEAST_DRAG = 2
"""Columns; a shorter drag is a click."""
_LEAST = 1e-6
"""Smaller values, including zero, are drawn as this value on the log axis."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn chart: its rows, its step axis and the width of its plot."""

    rows: list[list[Segment]]
    steps: StepAxis
    plot_width: int


class Content:
    """The content of a chart; `Loss` and `Gradient` derive from it.

    `subject`, `legend` and `series` are required, the other methods are optional.
    """

    heading: ClassVar[str]
    roomy_above: ClassVar[int] = 1_000
    """Panels higher than this have a blank row under the title."""

    def subject(self, chart: Chart) -> str:
        """The title after the heading."""
        raise NotImplementedError

    def legend(self, chart: Chart) -> list[Segment]:
        """The right end of the title."""
        raise NotImplementedError

    def series(self, history: History) -> Series:
        """The series whose smoothed curve and envelope are drawn."""
        raise NotImplementedError

    def second(self, history: History) -> Series | None:
        """A second series, drawn where the two differ."""
        return None

    def levels(self, history: History) -> Sequence[Level]:
        """Values that are drawn as dotted lines."""
        return ()

    def in_unit(self, values: Float) -> Float:
        """Values in the unit of the axis."""
        return values

    def value_labels(self, values: ValueAxis) -> dict[int, str]:
        """Labels of the value axis by row."""
        return values.ticks()

    def names_width(self, chart: Chart, width: int) -> int:
        """Columns right of the plot, including their gap."""
        return 0

    def names(
        self, chart: Chart, values: ValueAxis, width: int
    ) -> tuple[dict[int, list[Segment]], Sequence[Level]]:
        """Segments right of the plot by row, and the levels that are drawn; `width` is without the gap."""
        return {}, self.levels(chart.history)


class Chart(Panel):
    """A content over the steps of a run."""

    roomy_above: ClassVar[int] = 1_000

    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("left", "crosshair_left", "Read the value one column to the left", "read"),
        focus_key("right", "crosshair_right", "Read the value one column to the right", "read"),
        focus_key("up", "zoom_in", "Zoom in on the last half (mouse: wheel, or drag over steps)", "zoom"),
        focus_key("down", "zoom_out", "Zoom out (mouse: wheel; a double click shows all steps)", "zoom"),
        focus_key("shift+left", "pan_left", "Earlier steps", "pan"),
        focus_key("shift+right", "pan_right", "Later steps", "pan"),
        focus_key("a", "toggle_log", "Steps on a log axis / a linear axis (toggle)", "log/linear"),
        focus_key("escape", "no_crosshair", "Stop reading values, then show all steps"),
    ]

    def __init__(
        self,
        content: Content,
        *,
        on_choose: Callable[[int], object] | None = None,
        on_window: Callable[[], object] = lambda: None,
        id: str | None = None,
    ) -> None:
        """on_choose: called with a step that the user chooses by the mouse or the keys of the crosshair; the
        crosshair then stays on the step of `read_step`. on_window: called when other steps are shown.
        """
        super().__init__(id=id)
        self.content = content
        self._on_choose = on_choose
        self._on_window = on_window
        self.heading = content.heading
        self.history = History()
        self.log_steps = True
        self._window = Window()
        self._drag: tuple[int, int] | None = None
        """The columns between which the mouse selects steps."""
        self._was_dragged = False
        self._crosshair: int | None = None
        """The step that is read; its column moves with the axis."""
        self._crosshair_is_pinned = False
        self._limits: tuple[float, float] | None = None
        self._picture: Picture | None = None
        self._painted_for: tuple[object, ...] = ()

    @property
    def body_top(self) -> int:
        return 2 if self.outer_size.height > self.content.roomy_above else super().body_top

    def subject(self) -> str:
        return self.content.subject(self)

    def legend(self) -> list[Segment]:
        return self.content.legend(self)

    @property
    def _series(self) -> Series:
        return self.content.series(self.history)

    # -- called by the screen ----------------------------------------------------------------------------

    def show_history(self, history: History) -> None:
        """Draw the current state of a history; only rows that changed are repainted."""
        if history is not self.history:
            self.history = history
            self._window, self._limits = Window(), None
        self.update()

    def read_step(self, step: int) -> None:
        """Put the crosshair on a step, where it stays."""
        self._read(step, pinned=True)

    def step_axis(self, columns: int) -> StepAxis:
        """The axis of the steps for a plot of some number of columns."""
        return self._window.of(self._whole_axis(columns * braille.DOTS_WIDE))

    def zoom_in(self) -> None:
        """Show the last half of the current window."""
        self._set_window(self._window.scaled(self._whole, 0.5))

    def zoom_out(self) -> None:
        """Show twice as much."""
        self._set_window(self._window.scaled(self._whole, 2.0))

    def show_all(self) -> bool:
        """Show all steps. Returns True if only some were shown."""
        was_zoomed = self._is_zoomed
        if was_zoomed:
            self._set_window(Window())
        return was_zoomed

    def pan(self, halves: int) -> None:
        """Move by half windows: a negative number to earlier steps, a positive one to later steps."""
        self._set_window(self._window.moved(self._whole, halves / 2))

    def toggle_log(self) -> None:
        """Steps on a log axis, or on a linear one."""
        self.log_steps = not self.log_steps
        self._set_window(self._window)

    def update(self) -> None:
        """Compute the picture again, and repaint the rows that changed."""
        before = self._picture
        self._painted_for = ()
        if before is None:
            self.redraw()
            return
        after = self._paint(self.body_width, self.body_height)
        if len(before.rows) != len(after.rows):
            self.redraw()
            return
        changed = [row for row, cells in enumerate(after.rows) if cells != before.rows[row]]
        self.redraw([*range(-self.body_top, 0), *changed])

    @property
    def zoomed(self) -> str:
        """The steps that are shown for the title, such as `, steps 300–1,200`; empty if all are."""
        if not self._is_zoomed:
            return ""
        steps = self._window.of(self._whole)
        return f", steps {round(steps.low):,}–{round(steps.high):,}"

    @property
    def _is_zoomed(self) -> bool:
        return not self._window.is_whole(self._whole)

    @property
    def _whole(self) -> StepAxis:
        """The axis of all steps, one dot for each column of dots in the plot."""
        width = self._picture.plot_width if self._picture is not None else 1
        return self._whole_axis(width * braille.DOTS_WIDE)

    def _whole_axis(self, dots: int) -> StepAxis:
        return StepAxis(1.0, float(max(self.history.step, 10)), dots, self.log_steps)

    def _set_window(self, window: Window) -> None:
        self._window = window
        self._limits = None
        self.update()
        self._on_window()

    # -- drawing -----------------------------------------------------------------------------------------

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        rows = self._paint(width, height).rows
        return rows[row] if row < len(rows) else []

    def _paint(self, width: int, height: int) -> Picture:
        key = (width, height, self.history.version, self.palette, self._crosshair, self._drag)
        if self._picture is None or key != self._painted_for:
            self._picture = self._draw_picture(width, height)
            self._painted_for = key
        return self._picture

    def _draw_picture(self, width: int, height: int) -> Picture:
        names_width = self.content.names_width(self, width)
        plot_width = max(1, width - LABELS_WIDTH - names_width)
        steps = self.step_axis(plot_width)
        if not len(self._series) or height < 1:
            return Picture(self._waiting_rows(width, height), steps, plot_width)
        rows = height - 1 if height >= AXIS_FROM else height
        columns = Columns.of(self._series, steps)
        values = self._value_axis(steps, columns, rows)
        names, levels = self.content.names(self, values, max(0, names_width - 1))
        curves = self._curves(columns, levels)
        # The unit is right of the plot if the current step is at its end, else next to that step.
        at_end = names_width > 0 and (self._is_zoomed or self.history.step >= steps.high)
        present = round(steps.high) if self._is_zoomed else self.history.step
        diverged = [step for step in self.history.divergences if steps.low <= step <= steps.high]
        below, marks = plot.step_labels(
            self.palette, steps, present, diverged, unit="" if at_end else " steps"
        )
        if rows == height:
            marks = [plot.column_of(steps, step) for step in diverged]
        rules = [
            Rule(mark.kind, min(plot.column_of(steps, mark.step), plot_width - 1))
            for mark in self.history.marks
            if steps.low <= mark.step <= steps.high
        ]
        crosshair = self._column_of_crosshair(steps, plot_width)
        marked = [] if crosshair is None else [crosshair]
        if self._drag is not None:
            marked = [*range(min(self._drag), min(max(self._drag) + 1, plot_width))]
        cells = plot.draw(self.palette, curves, steps, values, marked=marked, marks=marks, rules=rules)
        labels = self.content.value_labels(values)
        mute, gap = self.palette.ink("mute"), Segment(" ", self.fill)
        picture = []
        for row in range(rows):
            label = Segment(f"{labels.get(row, ''):>{LABELS_WIDTH - 1}} "[:LABELS_WIDTH], mute)
            picture.append([label, *cells[row], *names.get(row, [gap])])
        if rows < height:
            left, right = Segment(" " * LABELS_WIDTH, mute), Segment(" steps" if at_end else "", mute)
            picture.append([left, *below, right])
        return Picture(picture, steps, plot_width)

    def _value_axis(self, steps: StepAxis, columns: Columns, rows: int) -> ValueAxis:
        """Limits that include the curves and, without zoom, all levels."""
        seen = [columns.range()]
        second = self.content.second(self.history)
        if second is not None:
            within = (second.steps >= steps.low) & (second.steps <= steps.high)
            seen.append(second.smooth[within])
        if not self._is_zoomed:
            seen.append(np.array([level.value for level in self.content.levels(self.history)]))
        values = np.maximum(np.concatenate(seen), _LEAST)
        if len(values):
            self._limits = grown(self._limits, float(values.min()), float(values.max()))
        low, high = self.content.in_unit(np.array(self._limits or (1.0, 10.0))).tolist()
        return ValueAxis(low, high, rows)

    def _curves(self, columns: Columns, levels: Sequence[Level]) -> Curves:
        def drawn(values: Float) -> Float:
            return self.content.in_unit(np.maximum(values, _LEAST))

        second = self.content.second(self.history)
        none = np.empty(0)
        return Curves(
            Columns(*(drawn(part) for part in (columns.low, columns.high, columns.smooth))),
            none if second is None else second.steps,
            none if second is None else drawn(second.smooth),
            [Level(level.name, float(drawn(np.array(level.value)))) for level in levels],
        )

    def _waiting_rows(self, width: int, height: int) -> list[list[Segment]]:
        """Empty axes with a message, before the first step."""
        ink, room = self.palette.ink, max(0, width - LABELS_WIDTH)
        indent = Segment(" " * LABELS_WIDTH, self.fill)
        rows = [[indent, Segment("┈" * room, ink("rule"))] if row % 2 == 0 else [] for row in range(height)]
        if rows:
            rows[height // 2] = [indent, Segment("waiting for the first step"[:room], ink("dim"))]
        return rows

    # -- the crosshair -----------------------------------------------------------------------------------

    @property
    def crosshair_step(self) -> int | None:
        """The step of the series at the crosshair."""
        if self._crosshair is None or not len(self._series):
            return None
        return int(self._series.steps[self._series.nearest(self._crosshair)])

    @property
    def crosshair_column(self) -> int | None:
        """The column of the plot with the crosshair; None if it is not visible."""
        picture = self._picture
        return None if picture is None else self._column_of_crosshair(picture.steps, picture.plot_width)

    def read_column(self, column: int | None, *, pinned: bool = False) -> None:
        """Put the crosshair on a column of the plot; None removes it."""
        self._choose(None if column is None else self._step_in(column), pinned=pinned)

    def stop_reading(self) -> bool:
        """Remove the crosshair. Returns True if there was one."""
        was_read = self._crosshair is not None and self._on_choose is None
        self._choose(None)
        return was_read

    def _choose(self, step: int | None, *, pinned: bool = False) -> None:
        """Read a step that the user chose, or leave that to the owner of the crosshair."""
        if self._on_choose is None:
            self._read(step, pinned=pinned)
        elif pinned and step is not None:
            self._on_choose(step)

    def _read(self, step: int | None, *, pinned: bool = False) -> None:
        self._crosshair_is_pinned = pinned and step is not None
        if step != self._crosshair:
            self._crosshair = step
            self.update()

    def _step_in(self, column: int) -> int | None:
        """The step of the series nearest to the middle of a column."""
        if self._picture is None or not len(self._series):
            return None
        column = max(0, min(column, self._picture.plot_width - 1))
        middle = float(self._picture.steps.step(braille.DOTS_WIDE * column + 0.5))
        return int(self._series.steps[self._series.nearest(middle)])

    def _column_of_crosshair(self, steps: StepAxis, width: int) -> int | None:
        step = self.crosshair_step
        if step is None or not steps.low <= max(step, 1) <= steps.high:
            return None
        return min(plot.column_of(steps, step), width - 1)

    def _plot_column(self, event: events.MouseEvent) -> int | None:
        column = event.x - PADDING - LABELS_WIDTH
        width = self._picture.plot_width if self._picture is not None else 0
        return column if 0 <= column < width and event.y >= self.body_top else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        column = self._plot_column(event)
        self._was_dragged = False
        if column is not None:
            self._drag = (column, column)
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Show the steps over which the mouse was dragged."""
        if self._drag is None or self._picture is None:
            return
        first, last = min(self._drag), max(self._drag)
        self._drag = None
        self.release_mouse()
        self._was_dragged = last - first >= _LEAST_DRAG
        if self._was_dragged:
            dots = braille.DOTS_WIDE * np.array([first, last + 1])
            low, high = self._picture.steps.step(dots).tolist()
            self._set_window(Window(low, None if high >= self._whole.high else high))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._drag is not None and self._picture is not None:
            column = max(0, min(event.x - PADDING - LABELS_WIDTH, self._picture.plot_width - 1))
            self._drag = (self._drag[0], column)
            self.read_column(column)
            self.update()
        elif not self._crosshair_is_pinned:
            self.read_column(self._plot_column(event))

    def on_leave(self, event: events.Leave) -> None:
        if not self._crosshair_is_pinned:
            self.stop_reading()

    def on_click(self, event: events.Click) -> None:
        column = self._plot_column(event)
        if column is not None and event.chain == 2:
            self.show_all()
        elif not self._was_dragged:
            self.read_column(column, pinned=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._zoom_at(event, _WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._zoom_at(event, 1 / _WHEEL)

    def _zoom_at(self, event: events.MouseEvent, factor: float) -> None:
        """Zoom so that the step under the mouse stays there."""
        event.stop()
        column = self._plot_column(event)
        at = 1.0 if column is None or self._picture is None else (column + 0.5) / self._picture.plot_width
        self._set_window(self._window.scaled(self._whole, factor, at))

    def action_crosshair_left(self) -> None:
        self._step_crosshair(-1)

    def action_crosshair_right(self) -> None:
        self._step_crosshair(+1)

    def _step_crosshair(self, by: int) -> None:
        """Move the crosshair by one column, and at least by one step of the series."""
        if self._picture is None or not len(self._series):
            return
        column, steps = self.crosshair_column, self._series.steps
        step = self._step_in((self._picture.plot_width if column is None else column) + by)
        if step is not None and step == self.crosshair_step:
            step = int(steps[max(0, min(self._series.nearest(step) + by, len(steps) - 1))])
        self._choose(step, pinned=True)

    def action_zoom_in(self) -> None:
        self.zoom_in()

    def action_zoom_out(self) -> None:
        self.zoom_out()

    def action_pan_left(self) -> None:
        self.pan(-1)

    def action_pan_right(self) -> None:
        self.pan(+1)

    def action_toggle_log(self) -> None:
        self.toggle_log()

    def action_no_crosshair(self) -> None:
        if not self.stop_reading() and not self.show_all():
            raise SkipAction
