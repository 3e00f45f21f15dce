"""The snapshots of a run along the steps of its loss chart, and the score of a neuron at each.

     ▎ timeline  step 1,024, snapshot 61 of 98                 ▶ 2×
     ▎      ━·━·━━━━━━━━━━━━━━━━━━━━━●────────────── 61/98     a dot where there is no snapshot
     ▎ 1.0  ┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈▂▄▅▅▅▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆ quotes    the dotted line is at 0.9
     ▎ 0.5  ▁▁▁▁▁▁▁▁▂▂▃▄▅▆▇█████████████████████████ AUC 0.94  gray where chance does as well

It has the axis of the chart over it, zoomed and logarithmic as that. A click or a drag on it goes to a step.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType

from rnnscope.analysis.find import Metric
from rnnscope.app import braille, plot
from rnnscope.app.axes import StepAxis
from rnnscope.app.panels.chart import LABELS_WIDTH, Chart
from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.app.player import Playing
from rnnscope.render.text import tick
from rnnscope.replay.biography import BORN, Score, births
from rnnscope.theme.segments import segments

_BLOCKS = " ▁▂▃▄▅▆▇█"
_METRICS: dict[Metric, str] = {"auc": "AUC", "spearman": "ρ"}


@dataclass(frozen=True)
class Life:
    """The scores of the chosen neuron, as far as they are computed."""

    feature: str
    metric: Metric
    scores: tuple[Score, ...]
    share: float
    """The computed share of the snapshots."""

    def height(self, value: float) -> float:
        """The distance of a score from chance, 0..1."""
        return max(0.0, min(1.0, 2 * value - 1 if self.metric == "auc" else value))

    @property
    def first_passed(self) -> int | None:
        """The first step at which the score is at least 0.9."""
        found = births([(score.step, score.value) for score in self.scores])
        return found[0] if found else None


class Timeline(Panel):
    """Shows a `Playing` and a `Life`."""

    heading = "timeline"
    roomy_above: ClassVar[int] = 1_000
    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("left", "move(-1)", "Previous snapshot (mouse: wheel, click or drag)", "snapshot"),
        focus_key("right", "move(1)", "Next snapshot (mouse: wheel, click or drag)", "snapshot"),
        focus_key("home", "first", "First snapshot", "first/last"),
        focus_key("end", "last", "Last snapshot", "first/last"),
    ]

    def __init__(
        self, chart: Chart, *, seek: Callable[[float], object], move: Callable[[int], object], id: str
    ) -> None:
        """chart: gives the axis. seek: goes to a step. move: goes a number of snapshots further."""
        super().__init__(id=id)
        self._chart = chart
        self._seek, self._move = seek, move
        self._playing = Playing()
        self._life: Life | None = None
        self._picture: list[list[Segment]] = []
        self._pictured_for: tuple[object, ...] = ()
        self._drags = False

    # -- called by the screen --------------------------------------------------------------------------------

    def show_playing(self, playing: Playing) -> None:
        """Show the snapshots, and which of them is on the screen."""
        if playing != self._playing:
            self._playing = playing
            self.redraw()

    def show_life(self, life: Life | None) -> None:
        """Show the scores of a neuron, or none."""
        if life != self._life:
            self._life = life
            self.redraw()

    # -- title -----------------------------------------------------------------------------------------------

    def subject(self) -> str:
        playing = self._playing
        if not playing.steps:
            return ""
        step = f"step {playing.step:,}"
        return self.longest_subject(f"{step}, snapshot {playing.place + 1} of {len(playing.steps)}", step)

    def legend(self) -> list[Segment]:
        playing, life, ink = self._playing, self._life, self.palette.ink
        if not playing.steps:
            return []
        sign, token = ("▶", "mint") if playing.plays else ("‖", "amber")
        state = [Segment(f"{sign} ", ink(token)), Segment(playing.speed_name, ink("strong"))]
        if life is None or life.share >= 1 or self.size.width < 50:
            return state
        return [Segment(f"scoring {100 * life.share:.0f} %   ", ink("dim")), *state]

    # -- drawing ---------------------------------------------------------------------------------------------

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        key = (width, height, self._playing, self._life, self.palette, self._axis(width))
        if key != self._pictured_for:
            self._picture, self._pictured_for = self._rows(width, height), key
        return self._picture[row] if row < len(self._picture) else []

    def _columns(self, width: int) -> int:
        """The columns of the plot, those of the chart."""
        return max(1, width - LABELS_WIDTH - self._chart.content.names_width(self._chart, width))

    def _axis(self, width: int) -> StepAxis:
        return self._chart.step_axis(self._columns(width))

    def _rows(self, width: int, height: int) -> list[list[Segment]]:
        playing, axis, columns = self._playing, self._axis(width), self._columns(width)
        if not playing.steps or height < 1:
            waiting = Segment("loading… (reading the snapshots)"[:width], self.palette.ink("dim"))
            return [[]] * (height // 2) + [[waiting]]
        at = _columns_of(axis, np.array(playing.steps), columns)
        head = int(_columns_of(axis, np.array([playing.step]), columns)[0])
        return [self._track(at, head, columns), *self._bars(axis, head, columns, width, height - 1)]

    def _track(self, at: NDArray[np.intp], head: int, columns: int) -> list[Segment]:
        """The snapshots: those before the present one, that one, and those after it."""
        ink = self.palette.ink
        played, rest, none = ink("azure"), ink("mute"), ink("rule")
        cells: list[tuple[str, Style]] = [("·", none)] * columns
        for column in at[at >= 0].tolist():
            cells[column] = ("━", played) if column < head else ("─", rest)
        if head >= 0:
            cells[head] = ("●", ink("strong", bold=True))
        playing = self._playing
        count = f"{playing.place + 1}/{len(playing.steps)}"
        return [Segment(" " * LABELS_WIDTH, self.fill), *segments(cells), *self._named(count, "mute")]

    def _bars(self, axis: StepAxis, head: int, columns: int, width: int, rows: int) -> list[list[Segment]]:
        """The scores as bars over the chance level, with the column of the present step through them."""
        if rows < 1:
            return []
        life, ink = self._life, self.palette.ink
        if life is None:
            hint = "/ finds a feature and scores it at every snapshot"
            short = "/ scores a feature"
            indent = Segment(" " * LABELS_WIDTH, self.fill)
            room = width - LABELS_WIDTH
            return [[indent, Segment(hint if len(hint) <= room else short[:room], ink("dim"))]]
        heights, tokens = self._by_column(life, axis, columns)
        eighths = np.rint(heights * 8 * rows).astype(int)
        eighths[(tokens != "") & (eighths == 0)] = 1  # chance is a line
        level = min(rows - 1, int(life.height(BORN) * rows))
        names = self._names(life, rows)
        table = []
        for row in range(rows):
            below = rows - 1 - row
            cells = []
            for column in range(columns):
                filled = max(0, min(8, int(eighths[column]) - 8 * below))
                on = "crosshair" if column == head else "panel"
                if filled or not tokens[column] or below != level:
                    glyph, token = _BLOCKS[filled], str(tokens[column]) or "mute"
                else:
                    glyph, token = "┈", "rule"
                cells.append((glyph, ink(token, on=on)))
            label = {0: tick(1, 1), rows - 1: tick(0.5 if life.metric == "auc" else 0, 1)}.get(row, "")
            label = label if rows > 1 else ""
            table.append(
                [
                    Segment(f"{label:>{LABELS_WIDTH - 1}} ", ink("mute")),
                    *segments(cells),
                    *names.get(row, []),
                ]
            )
        return table

    def _by_column(
        self, life: Life, axis: StepAxis, columns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
        """The height of each column's bar, and its color.

        A column without a score repeats the last one, darker where snapshots have not been scored yet.
        """
        heights, tokens = np.zeros(columns), np.full(columns, "", dtype="<U8")
        places = _columns_of(axis, np.array([score.step for score in life.scores]), columns).tolist()
        known = [each for each in zip(places, life.scores, strict=True) if each[0] >= 0]
        for place, score in known:
            is_above = score.value > score.null
            # Without color the bars of chance would look like the others.
            heights[place] = life.height(score.value) if is_above or self.palette.depth != "none" else 0
            tokens[place] = "azure" if is_above else "mute"
        steps = self._playing.steps
        for (place, score), (end, later) in pairwise(known):
            heights[place + 1 : end] = heights[place]
            tokens[place + 1 : end] = tokens[place]
            if bisect_left(steps, later.step) > bisect_right(steps, score.step):
                tokens[place + 1 : end] = "raw" if tokens[place] == "azure" else "rule"
        return heights, tokens

    def _names(self, life: Life, rows: int) -> dict[int, list[Segment]]:
        """What stands right of the bars: the feature, the score now, and when it first passed 0.9."""
        now = next((score for score in life.scores if score.step == self._playing.step), None)
        value = "" if now is None else f"{now.value:.2f}"
        if self._name_width < 10:
            return {0: self._named(value, "strong", bold=True)}
        lines = [(f"{_METRICS[life.metric]} {value}", "strong")]
        first = life.first_passed
        if rows > 1:
            lines.append((life.feature, "text"))
        if rows > 2:
            lines.append((f"{BORN:g} at {first:,}" if first is not None else f"below {BORN:g}", "dim"))
        return {row: self._named(text, token) for row, (text, token) in enumerate(lines)}

    @property
    def _name_width(self) -> int:
        return max(0, self._chart.content.names_width(self._chart, self.body_width) - 1)

    def _named(self, text: str, token: str, *, bold: bool = False) -> list[Segment]:
        gap = Segment(" ", self.fill)
        return [gap, Segment(text[: self._name_width], self.palette.ink(token, bold=bold))]

    # -- mouse and keys --------------------------------------------------------------------------------------

    def _seek_column(self, event: events.MouseEvent) -> None:
        """Go to the step at the mouse; left of the plot, to the first, which may share a column."""
        columns = self._columns(self.body_width)
        column = min(event.x - PADDING - LABELS_WIDTH, columns - 1)
        if column < 0:
            self._seek(0)
            return
        self._seek(float(self._axis(self.body_width).step(braille.DOTS_WIDE * column + 0.5)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button == 1 and event.y >= self.body_top:
            self._drags = True
            self.capture_mouse()
            self._seek_column(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._drags:
            self._seek_column(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._drags:
            self._drags = False
            self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._move(+1)

    def action_move(self, by: int) -> None:
        self._move(by)

    def action_first(self) -> None:
        self._seek(0)

    def action_last(self) -> None:
        if self._playing.steps:
            self._seek(self._playing.steps[-1])


def _columns_of(axis: StepAxis, steps: NDArray[np.integer], columns: int) -> NDArray[np.intp]:
    """The column of each step; −1 where the axis does not show it."""
    found = [plot.column_of(axis, max(1, step)) for step in steps.tolist()]
    shown = [axis.low <= max(1, step) <= axis.high + 0.5 for step in steps.tolist()]
    places = np.minimum(np.array(found, np.intp), columns - 1)
    return np.where(np.array(shown, bool), places, -1)
