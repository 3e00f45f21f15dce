"""The figure of the chapter vanish: gradient norms against distance, and the norms of batches, clipped.

100 ⠁⠉⠑⠒⠒        RNN ρ 1.5           ┈ clip ┈┈┈┈┈┈▒┈┈▒┈┈    what is above the line is scaled down to it
  1 ⠒⠒⠒⠒⠤⠤⠤⣀     RNN ρ 1.0                 ▆ ▂ ▅ █ ▃ █
.01    ⠑⠢⣀       LSTM c
    0  20  40    steps back          batches
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import lru_cache
from typing import ClassVar

import numpy as np
from rich.segment import Segment

from rnnscope.app.learn.canvas import Canvas
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.learn.curves import Curve, draw_curves
from rnnscope.learn import vanish
from rnnscope.learn.vanish import BATCHES, DISTANCES, KNOBS, Float, Knob, State

_LOW, _HIGH = 1e-6, 1e4
_REFERENCES = (0.5, 1.0, 1.5)
_BAR_LOW, _BAR_HIGH = 0.05, 1e3
_NAMES = {"radius": "spectral radius ρ", "forget_bias": "forget-gate bias", "clip": "clip norm at"}
_BLOCKS = " ▁▂▃▄▅▆▇█"

rnn_norms = lru_cache(maxsize=64)(vanish.rnn_norms)
lstm_norms = lru_cache(maxsize=64)(vanish.lstm_norms)
clipping = lru_cache(maxsize=256)(vanish.clipping)


class VanishChapter(Chapter[State]):
    """Vanishing and exploding gradients, in a plain RNN and in an LSTM."""

    name = "vanish"
    title = "how gradients vanish and explode"
    summary = "vanishing and exploding gradients, clipping, forget bias"
    steps = (
        Step(
            "Back through time",
            "A gradient of norm 1 starts at the last state and is sent back. In the RNN, each step "
            "multiplies it by the transposed recurrent matrix and by the slope of tanh, which is at most "
            "1.",
            emphasis="rnn",
        ),
        Step(
            "Spectral radius",
            "The spectral radius ρ is the largest modulus of the matrix's eigenvalues. ↑↓ change it. "
            "Below 1 the gradient vanishes.",
            "At 0.5 the gradient halves at each step: after 20 steps, a millionth is left.",
            "At ρ = 0.5, how much is left after 20 steps?",
            emphasis="radius",
            hides="curves",
        ),
        Step(
            "Exploding",
            "Raise ρ to 1.5.",
            "The gradient explodes, but by less than ρ to the power of the distance (dotted): large "
            "states saturate tanh, and its slope falls below 1.",
            "Does the gradient grow exactly as ρ to the power of the distance (dotted)?",
            emphasis="radius",
            hides="curves",
        ),
        Step(
            "Clipping by norm",
            "Right: the gradient norm of 24 batches. If a norm exceeds the threshold, the gradient is "
            "scaled down to it: its direction stays.",
            "Clipping bounds exploding gradients. It does nothing against vanishing ones.",
            "Does clipping help against vanishing gradients?",
            emphasis="clip",
        ),
        Step(
            "The LSTM",
            "In an LSTM the cell state has a direct way back: c(t) = f·c(t−1) + i·g. Each step multiplies"
            " its gradient by the forget gate f, not by a matrix. Tab chooses the forget-gate bias.",
            emphasis="lstm forget_bias",
        ),
        Step(
            "Forget-gate bias",
            "With a bias of 0, f is about 1/2. Raise the bias with ↑.",
            "At a bias of 2, f is about 0.9 and the gradient lasts for dozens of steps. Therefore an "
            "LSTM's forget bias starts at 1 or more.",
            "Which bias keeps a tenth of the gradient for 30 steps: 0, 1 or 2?",
            emphasis="lstm forget_bias",
            hides="curves",
        ),
    )
    keys: ClassVar = {
        "choose_left": "choose",
        "choose_right": "choose",
        "raise": "change",
        "lower": "change",
        "next_group": "",
        "undo": "undo",
        "reset": "reset",
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, State())

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        return tuple((knob,) for knob in KNOBS)

    def arrive(self, step: int) -> None:
        """Choose the number that the step is about."""
        meant = self.steps[step].emphasis.split()
        self.chosen = next((knob for knob in KNOBS if knob in meant), self.chosen)

    def change(self, by: int) -> None:
        knob: Knob = self.chosen  # type: ignore[assignment]
        self.set(vanish.nudge(self.state, knob, by))

    def headline(self, canvas: Canvas) -> list[Segment]:
        dim, strong = canvas.palette.ink("dim"), canvas.palette.ink("strong", bold=True)
        if canvas.look.hides("curves"):
            return [Segment("left after 20 steps: ?", dim)]
        rnn, lstm = rnn_norms(self.state.radius)[20], lstm_norms(self.state.forget_bias)[20]
        return [
            Segment("left after 20 steps: RNN ", dim),
            Segment(f"{rnn:.2g}", strong),
            Segment("  LSTM ", dim),
            Segment(f"{lstm:.2g}", strong),
        ]

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        bars = 2 * BATCHES + 8 if canvas.width >= 108 else BATCHES + 5
        chart = canvas.width - bars - 3
        top = self._draw_knobs(canvas)
        height = canvas.height - top
        self._draw_norms(canvas, (0, top, chart, height))
        self._draw_clipping(canvas, chart + 3, top, 2 if canvas.width >= 108 else 1)

    def _draw_knobs(self, canvas: Canvas) -> int:
        """The numbers that can be changed, in a row; returns the row below."""
        ink = canvas.palette.ink
        x = 0
        for knob in KNOBS:
            value = getattr(self.state, knob)
            style = canvas.palette.cursor if knob == self.chosen else ink("strong", bold=True)
            x = canvas.label(x, 0, f"{_NAMES[knob]} ", knob)
            x = canvas.put(x, 0, f" {value:.1f} ".replace("-", "−"), style, knob) + 3
        return 1 if canvas.height < 16 else 2

    def _draw_norms(self, canvas: Canvas, box: tuple[int, int, int, int]) -> None:
        state = self.state
        curves = [Curve(f"ρ {each}", rnn_norms(each), "raw") for each in _REFERENCES if each != state.radius]
        if canvas.look.hides("curves"):
            curves = []
        else:
            power: Float = state.radius ** np.arange(DISTANCES + 1.0)
            curves.append(Curve("", power, "mute", is_dotted=True))
            curves.append(Curve("LSTM c", lstm_norms(state.forget_bias), "azure"))
            curves.append(Curve(f"RNN ρ {state.radius:.1f}", rnn_norms(state.radius), "amber"))
        draw_curves(
            canvas, box, curves, low=_LOW, high=_HIGH, steps=DISTANCES, x_label="steps back", names_width=10
        )

    def _draw_clipping(self, canvas: Canvas, left: int, top: int, stride: int) -> None:
        """Bars on a log axis; the part above the threshold is what clipping removes."""
        found, ink = clipping(self.state), canvas.palette.ink
        x = canvas.label(left, top, "gradient norm " if stride > 1 else "norm ", "clip")
        canvas.put(x, top, f"{found.clipped} of {BATCHES} batches clipped", ink("text"))
        rows = canvas.height - top - 2
        bottom = top + rows

        def level(norm: float) -> float:
            """In rows above the bottom."""
            share = np.log(max(norm, _BAR_LOW) / _BAR_LOW) / np.log(_BAR_HIGH / _BAR_LOW)
            return float(min(share, 1.0)) * rows

        limit = round(level(self.state.clip))  # a whole row, so that what is removed begins at the line
        for column in range(stride * BATCHES):
            canvas.put(left + column, bottom - limit, "┈", "rule")
        for i, (before, after) in enumerate(zip(found.before, found.after, strict=True)):
            is_clipped = after < before
            kept = limit if is_clipped else min(level(float(before)), limit)
            for row in range(math.ceil(kept)):
                eighths = max(1, round(8 * min(kept - row, 1.0)))
                canvas.put(left + i * stride, bottom - row, _BLOCKS[eighths], "azure")
            for row in range(limit, max(limit + 1, round(level(float(before)))) if is_clipped else limit):
                canvas.put(left + i * stride, bottom - row, "░", "amber")
        canvas.put(left + stride * BATCHES + 1, bottom - limit, f"{self.state.clip:g}", "strong")
        x = canvas.put(left, bottom + 1, "█", "azure")
        x = canvas.put(x, bottom + 1, " kept  ", "mute")
        x = canvas.put(x, bottom + 1, "░", "amber")
        canvas.put(x, bottom + 1, " removed", "mute")
