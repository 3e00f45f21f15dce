"""Gradient flow: the gradient of a loss with respect to earlier states, in this network and in another.

  1 ⠤⠤⣀⡀
.01 ⠁ ⠈⠉⠑⠒⠒⠤⠤⢄⣀⣀⣀⣀   LSTM hidden 6e-4     solid and azure is this network, dotted and gray the other
1e-4     ⠂ ⠄ ⡀            RNN hidden  2e-6     a line for each layer and state
    0   20   40   60   80  100 steps back
━ LSTM: half is left after 3 steps, 1 % after 44, 7e-4 after 100
┄ RNN: …
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.binding import BindingType

from rnnscope.analysis.gradient_flow import Flow, GradientFlow, GradientFlowResult
from rnnscope.app import braille
from rnnscope.app.actions import Action
from rnnscope.app.axes import StepAxis, ValueAxis, grown
from rnnscope.app.panels.chart import AXIS_FROM, LABELS_WIDTH
from rnnscope.app.panels.loss import spread
from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.app.plot import step_labels
from rnnscope.app.question import Question
from rnnscope.app.scope import Scope
from rnnscope.app.served import is_served
from rnnscope.errors import CheckpointError
from rnnscope.network.locate import resolve_model, sample_models
from rnnscope.render.gradient_flow import curves
from rnnscope.render.text import about
from rnnscope.theme.segments import coded_segments

Float = NDArray[np.float64]

_DEEPEST = 1e-9
"""Of the highest value; what is lower leaves the chart."""
_DASH = 4
"""Dash length of the other network's lines, in columns of dots."""
_EMPTY, _OWN, _OTHER = range(3)
_TOKENS = ("text", "azure", "dim")
_WORDS_FROM = 6
"""The least rows of body that have room for words under the chart."""
_VALUES_FROM = 60
"""The least columns of body in which the lines' last values stand next to their names."""


@dataclass(frozen=True, eq=False)
class _Line:
    """A curve, and the key of its color."""

    name: str
    norms: Float
    key: int


class FlowChart(Panel):
    """Gradients of a loss at earlier steps."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "gradients",
            ("d",),
            "Gradient flow back through time, compared with another model",
            "analysis",
            synonyms="vanishing exploding BPTT",
        ),
        Action("compare", ("D",), "Choose the comparison model", "analysis", synonyms="other network"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("left", "crosshair(-1)", "Read the values one column to the left", "read"),
        focus_key("right", "crosshair(1)", "Read the values one column to the right", "read"),
        focus_key("enter", "another", "Compare with another model (mouse: click the words)", "compare"),
        focus_key("escape", "no_crosshair", "Stop reading values"),
    ]
    heading = "gradient flow"
    roomy_above: ClassVar[int] = 1_000

    def __init__(self, scope: Scope, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scope = scope
        self._found: GradientFlowResult | None = None
        self._crosshair: int | None = None

    @property
    def result(self) -> GradientFlowResult | None:
        """What is shown."""
        return self._found

    def action_gradients(self) -> None:
        self._ask(GradientFlow())

    def action_compare(self) -> None:
        """Ask for another model to compare this one with."""

        def accept(answer: str) -> str | None:
            if is_served() and answer.strip() not in sample_models():
                return "a web page compares with sample models only"
            try:
                resolve_model(answer.strip())
            except CheckpointError as error:
                return str(error)
            self._ask(GradientFlow(other=answer.strip()))
            return None

        hint = "a file, a run, or a sample model (↑↓, Tab)   Enter   Esc"
        self._scope.prompt(Question("compare with", "", hint, accept, suggestions=tuple(sample_models())))

    def _ask(self, query: GradientFlow) -> None:
        self._scope.show_panel("gradients", focus=True)
        self._scope.ask("gradients", query, self.show_result)

    def show_result(self, result: GradientFlowResult) -> None:
        """Chart a result."""
        self._found, self._crosshair = result, None
        self.redraw()

    # -- title -----------------------------------------------------------------------------------------------

    def subject(self) -> str:
        found = self._found
        if found is None:
            return ""
        if self._crosshair is not None:
            back = self._steps_at(self._crosshair)
            values = [f"{line.name} {about(line.norms[back])}" for line in self._lines_shown()]
            text = f"{back} back: {', '.join(values)}"
            fits = len(self.heading) + len(text) + PADDING <= self.body_width
            return text if fits else f"{back}: {' '.join(values)}"
        compared = f"compared with {self._other_name}"
        if self.body_width >= _VALUES_FROM:
            return f"‖∂ loss/∂ state‖ by steps back, {compared}"
        return self.longest_subject(compared, f"and {self._other_name}")

    def legend(self) -> list[Segment]:
        if self._found is None or self._crosshair is not None:
            return []
        return [Segment("Enter: another", self.palette.ink("dim"))]

    @property
    def _other_name(self) -> str:
        assert self._found is not None
        return self._found.other.name or f"an untrained {self._found.other.title}"

    # -- drawing ---------------------------------------------------------------------------------------------

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        if self._found is None:
            hint = "press d for gradient flow through time"
            return [Segment(hint, self.palette.ink("dim"))] if row == 0 else []
        word_rows = self._word_rows(height)
        if row >= height - word_rows:
            return self._words(row - (height - word_rows), width)
        return self._plot_rows(width, height - word_rows)[row]

    def _word_rows(self, height: int) -> int:
        return 2 if height >= _WORDS_FROM else 0

    def _lines_shown(self) -> list[_Line]:
        """This network's curves, then the other's."""
        found = self._found
        assert found is not None
        return [_Line(each.name, each.norms, _OWN if each.is_own else _OTHER) for each in curves(found)]

    def _plot_width(self, width: int) -> int:
        return max(1, width - LABELS_WIDTH - self._names_width(width))

    def _names_width(self, width: int) -> int:
        names = max(len(line.name) for line in self._lines_shown())
        return 1 + min(names, 13) + (6 if width >= _VALUES_FROM else 0)

    def _axis(self, width: int) -> StepAxis:
        assert self._found is not None
        last = self._found.distance
        return StepAxis(0.0, float(last), self._plot_width(width) * braille.DOTS_WIDE, logarithmic=False)

    def _plot_rows(self, width: int, height: int) -> list[list[Segment]]:
        steps = self._axis(width)
        rows = height - 1 if height + self._word_rows(self.body_height) >= AXIS_FROM - 1 else height
        lines = self._lines_shown()
        values = _value_axis(lines, rows)
        cells = self._cells(lines, steps, values)
        names = self._names(lines, values, self._names_width(width) - 1)
        labels, ink = values.ticks(aligned=False), self.palette.ink
        drawn = []
        for row in range(rows):
            label = Segment(f"{labels.get(row, ''):>{LABELS_WIDTH - 1}} "[:LABELS_WIDTH], ink("mute"))
            drawn.append([label, *cells[row], Segment(" ", self.fill), *names.get(row, [])])
        if rows < height:
            unit = " steps back" if self._names_width(width) >= 12 else " back"
            below, _ = step_labels(self.palette, steps, round(steps.high), (), unit="")
            drawn.append(
                [
                    Segment(f"{'steps' if unit == ' back' else '':<{LABELS_WIDTH}}", ink("mute")),
                    *below,
                    Segment(unit, ink("mute")),
                ]
            )
        return drawn

    def _cells(self, lines: list[_Line], steps: StepAxis, values: ValueAxis) -> list[list[Segment]]:
        """The rows of the plot: the other's lines dotted, and where they share cells the two take turns."""
        height = values.rows * braille.DOTS_HIGH
        at = steps.step(np.arange(steps.dots))
        dots = {key: np.zeros((height, steps.dots), np.bool_) for key in (_OWN, _OTHER)}
        for line in lines:
            norms = np.interp(at, np.arange(len(line.norms)), np.log(np.maximum(line.norms, 1e-300)))
            places = values.dots(np.exp(norms))
            drawn = braille.line(places, height)
            if line.key == _OTHER:
                drawn[:, np.arange(steps.dots) % _DASH >= _DASH // 2] = False
            dots[line.key] |= drawn
        own, other = braille.cells(dots[_OWN]), braille.cells(dots[_OTHER])
        shared = (own > 0) & (other > 0)
        shared[:, ::2] = False
        own[shared] = 0
        keys = np.where(own > 0, _OWN, np.where(other > 0, _OTHER, _EMPTY)).astype(np.intp)
        codes = np.where(own > 0, own, other).astype(np.uint32)
        points = np.where(codes > 0, braille.BLANK + codes, ord(" ")).astype(np.uint32)
        styles = [self.palette.ink(token) for token in _TOKENS]
        styles += [self.palette.ink(token, on="crosshair") for token in _TOKENS]
        if self._crosshair is not None and self._crosshair < keys.shape[1]:
            keys[:, self._crosshair] += len(_TOKENS)
            if self.palette.depth in ("16", "none"):
                column = points[:, self._crosshair]
                points[:, self._crosshair] = np.where(column == ord(" "), ord("│"), column)
        return [coded_segments(points[row], keys[row], styles) for row in range(values.rows)]

    def _names(self, lines: list[_Line], values: ValueAxis, width: int) -> dict[int, list[Segment]]:
        """Names where the lines end, and what they end at."""
        shown = sorted(lines, key=lambda line: -line.norms[-1])[: values.rows]
        rows = spread([values.row(float(line.norms[-1])) for line in shown], values.rows)
        named = {}
        for line, row in zip(shown, rows, strict=True):
            value = f" {about(line.norms[-1]):>5}" if self.body_width >= _VALUES_FROM else ""
            name = line.name[: width - len(value)]
            text = f"{name:<{width - len(value)}}{value}"
            named[row] = [Segment(text, self.palette.ink(_TOKENS[line.key], bold=line.key == _OWN))]
        return named

    def _words(self, number: int, width: int) -> list[Segment]:
        """A network in the longest words that fit."""
        found, ink = self._found, self.palette.ink
        assert found is not None
        flow = (found.own, found.other)[number]
        sign = Segment("━ " if number == 0 else "╍ ", ink(_TOKENS[_OWN if number == 0 else _OTHER]))
        is_named = number == 0 or bool(flow.name)
        name = flow.title if is_named else f"{flow.title}, untrained"
        short = flow.title.rpartition(" ")[0]
        short = short if is_named else f"untrained {short}"
        unknown = f"; {found.unknown_share:.0%} of the characters are not in its vocabulary"
        choices = [f"{title}: {words}" for words in in_words(flow) for title in (name, short)]
        if number == 1 and found.unknown_share >= 0.005:
            choices.insert(0, choices[0] + unknown)
        room = width - 2
        text = next((words for words in choices if len(words) <= room), choices[-1][:room])
        return [sign, Segment(text, ink("text"))]

    # -- reading values --------------------------------------------------------------------------------------

    def _steps_at(self, column: int) -> int:
        """The distance that is read in a column of the plot."""
        axis = self._axis(self.body_width)
        return int(np.clip(np.rint(axis.step(braille.DOTS_WIDE * column + 0.5)), 0, axis.high))

    def _move_crosshair(self, column: int | None) -> None:
        if column is not None:
            column = max(0, min(column, self._plot_width(self.body_width) - 1))
        if column != self._crosshair:
            self._crosshair = column
            self.redraw()

    def action_crosshair(self, by: int) -> None:
        if self._found is not None:
            self._move_crosshair(
                (self._plot_width(self.body_width) if self._crosshair is None else self._crosshair) + by
            )

    def action_no_crosshair(self) -> None:
        if self._crosshair is None:
            raise SkipAction
        self._move_crosshair(None)

    def action_another(self) -> None:
        if self._found is None:
            self.action_gradients()
        else:
            self.action_compare()

    def _column(self, event: events.MouseEvent) -> int | None:
        """The column of the plot under the mouse."""
        column, row = event.x - PADDING - LABELS_WIDTH, event.y - self.body_top
        height = self.body_height - self._word_rows(self.body_height)
        inside = self._found is not None and 0 <= row < height
        return column if inside and 0 <= column < self._plot_width(self.body_width) else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._move_crosshair(self._column(event))

    def on_leave(self, event: events.Leave) -> None:
        self._move_crosshair(None)

    def on_click(self, event: events.Click) -> None:
        words_from = self.body_height - self._word_rows(self.body_height)
        if self._found is None or event.y - self.body_top >= words_from:
            self.action_another()


def in_words(flow: Flow) -> list[str]:
    """How fast the gradient with respect to all hidden states decays, from long to short."""
    together = np.sqrt((flow.hidden.mean**2).sum(axis=0))
    shares = together / max(float(together.max()), 1e-300)
    last = len(shares) - 1

    def fades(share: float) -> int | None:
        """The step from which on no more than a share is left."""
        above = np.flatnonzero(shares > share)
        after = int(above[-1]) + 1 if len(above) else 0
        return after if after <= last else None

    half, hundredth, left = fades(0.5), fades(0.01), about(float(shares[last]))
    if half is None:
        return [
            f"more than half is left after {last} steps",
            f"{left} left after {last}",
            f"{left} at {last}",
        ]
    if hundredth is None or hundredth == last:
        return [
            f"half is left after {half} steps, {left} of it after {last}",
            f"half after {half} steps, {left} after {last}",
            f"½ at {half} steps, {left} at {last}",
            f"½ at {half}, {left} at {last}",
        ]
    return [
        f"half is left after {half} steps, 1 % after {hundredth}, {left} of it after {last}",
        f"half left after {half} steps, 1 % after {hundredth}, {left} after {last}",
        f"half after {half} steps, {left} after {last}",
        f"½ at {half} steps, {left} at {last}",
        f"½ at {half}, {left} at {last}",
    ]


def _value_axis(lines: list[_Line], rows: int) -> ValueAxis:
    values = np.concatenate([line.norms for line in lines])
    high = max(float(values.max()), 1e-12)
    low = max(float(values[values > 0].min(initial=high)), high * _DEEPEST)
    return ValueAxis(*grown(None, low, high), rows)
