"""The figure of the chapter hello: the essay's network, a column per letter, and its three matrices.

target          e        l        l        o
predicted       o        o        l        o
output   h    1.00 ↓   0.50 ↓   …           W_hy    0.61 −0.58  0.84
         e    2.20 ↑                                0.74 …
hidden   1    0.30     0.96                 W_hh    …
input    h    1        0                    W_xh    …
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar

import numpy as np
from rich.segment import Segment

from rnnscope.app.learn.canvas import Canvas, decimal, number
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.learn.curves import Curve, draw_curves
from rnnscope.learn import hello
from rnnscope.learn.hello import INPUTS, LETTERS, MATRICES, TARGETS, Network, Weight

_NUDGE = 0.1
_RATE_NUDGE = 0.01
_RATES = (0.01, 1.0)
_RATE = "learning rate"
_SCALES = {"W_xh": 2.0, "W_hh": 2.0, "W_hy": 4.0}
"""The magnitude of a weight that has the strongest color."""
_SHAPES = {"W_xh": (3, 4), "W_hh": (3, 3), "W_hy": (4, 3)}
_LONGEST_TRAINING = 1_000
_ROWS = 14
_HIGHEST_CHART = 14


class HelloChapter(Chapter[Network]):
    """A network that learns to spell hello."""

    name = "hello"
    title = "a network learns to spell one word"
    summary = "forward pass, loss and gradient descent, in 33 numbers"
    steps = (
        Step(
            "One-hot inputs",
            "The vocabulary has four letters: h, e, l, o. A letter enters as a vector with a single 1. "
            "The network reads h, e, l, l, and at each letter it must predict the next one: e, l, l, o.",
            emphasis="input target",
        ),
        Step(
            "Hidden state",
            "Each column is one time step: h(t) = tanh(W_xh x(t) + W_hh h(t−1)). The three hidden values "
            "are all that the network remembers.",
            "The two columns of l have the same input, but different hidden states: the states before "
            "them differ.",
            "Columns 3 and 4 read the same letter, l. Are their hidden states the same?",
            emphasis="hidden W_xh W_hh",
            hides="hidden",
        ),
        Step(
            "Output",
            "y(t) = W_hy h(t) has a score, called logit, for each letter; softmax turns the four into "
            "probabilities.",
            "Training raises the logit of the correct letter (green ↑) and lowers the others (red ↓).",
            "Which logit of each column will training raise, and which will it lower?",
            emphasis="output W_hy",
            hides="output",
        ),
        Step(
            "Change a weight",
            "←→ choose a weight, Tab chooses a matrix, ↑↓ change the number. What the key changed is "
            "bold. Choose a weight of W_hh and press ↑.",
            "Column 1 stays: no hidden state comes before it. All later columns change.",
            "Which columns change?",
            emphasis="W_hh hidden",
        ),
        Step(
            "Loss and gradient",
            "The loss is the sum of −log p(target) over the columns. The gradient says how the loss "
            "changes with each weight; it is shown for the chosen weight.",
            "A positive gradient means: lower the weight to lower the loss.",
            "If the gradient of a weight is positive, should the weight go up or down?",
            emphasis="loss gradient",
        ),
        Step(
            "Gradient descent",
            "s moves every weight a little against its gradient: w ← w − learning rate × gradient. Press "
            "s a few times: the logits move along their arrows, and the loss falls.",
            emphasis="loss gradient",
        ),
        Step(
            "Training",
            "space runs gradient descent. From h, the network writes the most probable letter, reads it, "
            "and goes on.",
            "After 13 steps it writes hello. The second l must give o and the first l: only the hidden "
            "state tells them apart.",
            "What must differ between the two l, so that one is followed by l and the other by o?",
            emphasis="loss hidden",
        ),
    )
    keys: ClassVar = {
        "advance": "step",
        "run": "train",
        "choose_left": "choose",
        "choose_right": "choose",
        "raise": "change",
        "lower": "change",
        "next_group": "matrix",
        "undo": "undo",
        "reset": "reset",
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, hello.start())
        self.chosen = Weight("W_hh", 0, 0)

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        matrices = tuple(
            tuple(
                Weight(name, row, column)
                for row in range(_SHAPES[name][0])
                for column in range(_SHAPES[name][1])
            )
            for name in MATRICES
        )
        return (*matrices, (_RATE,))

    def change(self, by: int) -> None:
        network = self.state
        if isinstance(self.chosen, Weight):
            value = network.value(self.chosen)
            self.set(hello.nudge(network, self.chosen, round(value + by * _NUDGE, 2) - value))
        else:
            rate = min(max(network.learning_rate + by * _RATE_NUDGE, _RATES[0]), _RATES[1])
            self.set(replace(network, learning_rate=round(rate, 2)))

    def advance(self) -> bool:
        self.set(hello.step(self.state))
        return self.state.steps < _LONGEST_TRAINING and hello.forward(self.state).loss < 1e6

    def headline(self, canvas: Canvas) -> list[Segment]:
        ink = canvas.palette.ink
        word = hello.spell(self.state)
        correct = "mint" if word == "hello" else "strong"
        return [
            Segment("writes ", ink("dim")),
            Segment("?????" if canvas.look.hides("output") else word, ink(correct, bold=True)),
            Segment("   loss ", ink("dim")),
            Segment(decimal(hello.forward(self.state).loss), ink("strong", bold=True)),
            Segment(f"   step {self.state.steps}", ink("dim")),
        ]

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        wide = canvas.width >= 108
        step, label, cell = (15, 12, 7) if wide else (8, 9, 6)
        matrices = label + 4 * step + (3 if wide else 1)
        left = max(0, (canvas.width - matrices - 7 - 4 * cell) // 2)
        spare = canvas.height - _ROWS
        gap = 1 if spare >= 3 else 0
        rows = min(_HIGHEST_CHART, spare - 3 * gap - 1)
        top = max(0, spare - 3 * gap - 1 - max(0, rows)) // 3 + (spare > 3)
        self._draw_network(canvas, left, top, label, step, gap)
        self._draw_matrices(canvas, left + matrices, top, cell, gap)
        below = top + _ROWS + 3 * gap + 1
        if rows >= 6:
            width = min(canvas.width, matrices + 7 + 4 * cell)
            self._draw_losses(canvas, left, below, width, min(rows, canvas.height - below))

    def _draw_network(self, canvas: Canvas, left: int, top: int, label: int, step: int, gap: int) -> None:
        run, before = hello.forward(self.state), hello.forward(self.previous)
        hides, ink = canvas.look.hides("output"), canvas.palette.ink
        at = [left + label + t * step for t in range(4)]
        canvas.label(left, top, "target", "target")
        canvas.label(left, top + 1, "predicted", "output")
        outputs, hidden = top + 2 + gap, top + 6 + 2 * gap
        inputs = hidden + 3 + gap
        for t, x in enumerate(at):
            target = TARGETS[t]
            best = int(np.argmax(run.logits[t]))
            canvas.put(x + 2, top, LETTERS[target], ink("mint", bold=True))
            share = run.probabilities[t]
            if hides:
                canvas.put(x + 2, top + 1, "?", "dim")
            else:
                is_right = best == target
                canvas.put(x + 2, top + 1, LETTERS[best], ink("mint" if is_right else "error", bold=True))
                canvas.put(x + 4, top + 1, f"{share[best]:.0%}", "mute")
            for k in range(4):
                changed = abs(run.logits[t, k] - before.logits[t, k]) > 1e-9
                token = "dim" if hides else "mint" if k == target else "error"
                canvas.put(x, outputs + k, number(run.logits[t, k], 5), ink(token, bold=changed))
                if not hides:
                    canvas.put(x + 6, outputs + k, "↑" if k == target else "↓", token)
                if step >= 15 and not hides:
                    eighths = max(0, round(share[k] * 40))
                    canvas.put(x + 8, outputs + k, ("█" * (eighths // 8) + _part(eighths % 8)), token)
            for i in range(3):
                changed = abs(run.hidden[t, i] - before.hidden[t, i]) > 1e-9
                if t == 3 and canvas.look.hides("hidden"):
                    canvas.put(x, hidden + i, "    ?", "dim")
                else:
                    canvas.signed(x, hidden + i, run.hidden[t, i], changed=changed)
                if i == 1 and t < 3:
                    canvas.put(x + 6, hidden + i, "─" * (step - 7 - (step > 8)) + "▶", "mute")
            for k in range(4):
                is_one = INPUTS[t] == k
                canvas.put(
                    x + 2, inputs + k, str(int(is_one)), ink("strong" if is_one else "mute", bold=is_one)
                )
            canvas.put(x + 2, inputs + 4 + min(gap, 0), LETTERS[INPUTS[t]], ink("strong", bold=True))
            if gap:
                for y, name in ((outputs - 1, ""), (hidden - 1, "W_hy"), (inputs - 1, "W_xh")):
                    if name:
                        canvas.put(x + 2, y, "▲", "mute")
                        canvas.put(x + 4, y, name if t == 0 else "", "mute")
        for k in range(4):
            canvas.label(left, outputs + k, "output" if k == 0 else "", "output")
            canvas.put(left + label - 2, outputs + k, LETTERS[k], "dim")
            canvas.label(left, inputs + k, "input" if k == 0 else "", "input")
            canvas.put(left + label - 2, inputs + k, LETTERS[k], "dim")
        for i in range(3):
            canvas.label(left, hidden + i, "hidden" if i == 0 else "", "hidden")
            canvas.put(left + label - 2, hidden + i, str(i + 1), "dim")
        canvas.label(left, inputs + 4, "letter", "input")

    def _draw_matrices(self, canvas: Canvas, left: int, top: int, cell: int, gap: int) -> None:
        network = self.state
        outputs, hidden = top + 2 + gap, top + 6 + 2 * gap
        inputs = hidden + 3 + gap
        places = {"W_hy": outputs, "W_hh": hidden, "W_xh": inputs + 1}
        for name in MATRICES:
            y = places[name]
            matrix = network.matrix(name)
            canvas.label(left, y, name, name)
            for column in range(3 if gap and name != "W_xh" else 0):
                canvas.put(left + 6 + column * cell + cell - 2, y - 1, str(column + 1), "mute")
            for row in range(matrix.shape[0]):
                for column in range(matrix.shape[1]):
                    weight = Weight(name, row, column)
                    canvas.signed(
                        left + 6 + column * cell,
                        y + row,
                        matrix[row, column],
                        cell,
                        scale=_SCALES[name],
                        target=weight,
                        chosen=weight == self.chosen,
                    )
        for k in range(4):
            canvas.put(left + 6 + k * cell + cell - 2, inputs, LETTERS[k], "mute")
        self._draw_chosen(canvas, left, top, inputs + 4)

    def _draw_chosen(self, canvas: Canvas, left: int, top: int, bottom: int) -> None:
        ink = canvas.palette.ink
        x = canvas.label(left, top, "learning rate ", "gradient")
        style = canvas.palette.cursor if self.chosen == _RATE else ink("strong", bold=True)
        canvas.put(x, top, f"{self.state.learning_rate:.2f}", style, _RATE)
        if isinstance(self.chosen, Weight):
            weight = self.chosen
            slope = hello.gradients(self.state)[weight.matrix][weight.row, weight.column]
            name = f"gradient of {_named(weight)} "
            x = canvas.label(left, top + 1, name, "gradient")
            canvas.put(x, top + 1, number(slope, 5), ink("strong", bold=True))

    def _draw_losses(self, canvas: Canvas, left: int, top: int, width: int, height: int) -> None:
        """The loss along the steps since the beginning."""
        losses = [hello.forward(each).loss for each in [*self._past[-500:], self.state]]
        canvas.label(left, top, "loss", "loss")
        curve = Curve("", np.array(losses), "azure")
        draw_curves(
            canvas,
            (left, top + 1, width, height - 1),
            (curve,),
            low=min(0.05, *losses),
            high=max(6.0, *[each for each in losses if math.isfinite(each)]),
            steps=max(40, len(losses) - 1),
            x_label="changes",
        )


def _part(eighths: int) -> str:
    return " ▏▎▍▌▋▊▉"[eighths] if eighths else ""


def _named(weight: Weight) -> str:
    """Such as `W_hh[1,2]`; rows and columns count from 1, letters by their names."""
    row = LETTERS[weight.row] if weight.matrix == "W_hy" else str(weight.row + 1)
    column = LETTERS[weight.column] if weight.matrix == "W_xh" else str(weight.column + 1)
    return f"{weight.matrix}[{row},{column}]"
