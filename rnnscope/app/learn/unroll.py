"""The figure of the chapter unroll: the network unrolled, and a table of the terms of a gradient.

            h ──▶ e ──▶ l ──▶ l ──▶ o        states are carried forward
              ◀──   ◀──   ╳╳╳   ◀──          gradients go back, except across a cut
loss of e     0.06
        l    −0.06  0.03
        l    (0.01)(0.01) −0.35              terms in parentheses are cut
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment

from rnnscope.app.learn.canvas import Canvas, decimal, number
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.learn import unroll
from rnnscope.learn.unroll import LENGTH, TEXT, State

_NUDGE = 0.1
_LENGTH = "length"
_ROWS = LENGTH + 5
_LABEL = 11


class UnrollChapter(Chapter[State]):
    """Truncated backpropagation through time, term by term."""

    name = "unroll"
    title = "backpropagation through time, and where it is cut"
    summary = "the gradient as a sum over time, and what truncation cuts"
    steps = (
        Step(
            "The same network, many times",
            "Unrolled in time, the network is one long feed-forward network that uses the same W_hh at "
            "every arrow. It reads hellohell and predicts ellohello.",
            emphasis="forward",
        ),
        Step(
            "One gradient, many terms",
            "The gradient of a weight of W_hh is a sum: for each loss (row), a term for each earlier use "
            "of the weight (arrow).",
            "The loss at the last letter has 8 terms: it is sent back through all 8 arrows.",
            "How many terms does the loss at the last letter have?",
            emphasis="terms",
            hides="last",
        ),
        Step(
            "Long texts",
            "A text of a million characters would need a million steps back for a single update, and all "
            "hidden states in memory. So the text is cut into parts of fixed length.",
            emphasis="terms",
        ),
        Step(
            "Truncation",
            "↑↓ change the truncation length. Within a part, gradients go back; at a cut ╳ they stop. Cut"
            " terms are in parentheses, and are not added. Press ↓ until the length is 4.",
            "Of 36 terms, 19 are cut.",
            "Of the 36 terms, will more or fewer than half be cut?",
            emphasis="length backward",
            hides="cut",
        ),
        Step(
            "What is lost",
            "Kept and whole gradient differ by the cut terms. The cosine compares the directions for all "
            "of W_hh: 1 is the same direction, 0 unrelated.",
            "Far terms are often small, so short parts may still give a good direction; long dependencies"
            " are not learned from them.",
            "Which terms are larger here: near the diagonal, or far from it?",
            emphasis="sum",
            hides="terms",
        ),
        Step(
            "States are not cut",
            "Only gradients stop at a cut. The hidden state is carried across, as all forward arrows "
            "show: the network may remember more than one part.",
            "→ chooses a weight of W_hh, ↑↓ change it, s takes a step of gradient descent.",
            emphasis="forward W_hh",
        ),
    )
    keys: ClassVar = {
        "advance": "step",
        "run": "train",
        "choose_left": "choose",
        "choose_right": "choose",
        "raise": "change",
        "lower": "change",
        "next_group": "group",
        "undo": "undo",
        "reset": "reset",
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, State())

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        return ((_LENGTH,), tuple((row, column) for row in range(3) for column in range(3)))

    def choose(self, by: int) -> None:
        super().choose(by)
        self._show_chosen()

    def choose_group(self, by: int) -> None:
        super().choose_group(by)
        self._show_chosen()

    def click(self, target: Hashable) -> None:
        super().click(target)
        self._show_chosen()

    def _show_chosen(self) -> None:
        """The table shows the terms of the weight that was chosen last."""
        if isinstance(self.chosen, tuple):
            self.state = replace(self.state, row=self.chosen[0], column=self.chosen[1])

    def change(self, by: int) -> None:
        if self.chosen == _LENGTH:
            self.set(unroll.truncate(self.state, by))
        else:
            value = float(self.state.network.W_hh[self.state.row, self.state.column])
            self.set(unroll.nudge(self.state, round(value + by * _NUDGE, 2) - value))

    def advance(self) -> bool:
        self.set(unroll.step(self.state))
        return self.state.network.steps < 200

    def headline(self, canvas: Canvas) -> list[Segment]:
        ink = canvas.palette.ink
        name = f"W_hh[{self.state.row + 1},{self.state.column + 1}]"
        return [Segment("terms of the gradient of ", ink("dim")), Segment(name, ink("strong", bold=True))]

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        cell = 7 if canvas.width < 108 else 8 if canvas.width < 140 else 10
        side = 32 if canvas.width >= 108 else 0
        left = max(0, (canvas.width - _LABEL - (LENGTH - 1) * cell - side) // 2) if side else 0
        spare = canvas.height - _ROWS
        stride = 2 if spare >= LENGTH else 1
        top = max(0, spare - (LENGTH if stride == 2 else 0)) // 3
        self._draw_chain(canvas, left + _LABEL, top, cell)
        self._draw_terms(canvas, left, top + 2, cell, stride)
        below = top + 2 + (LENGTH - 1) * stride + (1 if stride == 2 else 0)
        self._draw_sums(canvas, left, below, cell)
        if side:
            x = left + _LABEL + (LENGTH - 1) * cell + 6
            self._draw_length(canvas, x, top + 1)
            self._draw_matrix(canvas, x, top + 5)
        else:
            self._draw_length(canvas, left, below + 3, is_flat=True)
            self._draw_matrix(canvas, left + _LABEL + 4 * cell + 5, top + 2, cell=6)

    def _draw_chain(self, canvas: Canvas, x: int, y: int, cell: int) -> None:
        """The letters with forward arrows, and below them the arrows of the gradients."""
        ink = canvas.palette.ink
        canvas.label(x - _LABEL, y, "state", "forward")
        canvas.label(x - _LABEL, y + 1, "gradient", "backward")
        for t in range(LENGTH):
            canvas.put(x + t * cell, y, TEXT[t], ink("strong", bold=True))
            if t + 1 < LENGTH:
                canvas.put(x + t * cell + 2, y, "─" * (cell - 4) + "▶", "azure")
                if (t + 1) % self.state.truncation:
                    canvas.put(x + t * cell + 2, y + 1, "◀" + "─" * (cell - 4), "azure")
                else:
                    canvas.put(x + t * cell + 2, y + 1, "╳".center(cell - 3), ink("error", bold=True))

    def _draw_terms(self, canvas: Canvas, left: int, top: int, cell: int, stride: int) -> None:
        """A row for each loss from the second letter on, a column for each arrow."""
        found = unroll.gradient(self.state)
        ink = canvas.palette.ink
        scale = max(0.5, float(abs(found.terms).max()) / 1.5)
        for t in range(1, LENGTH):
            y = top + (t - 1) * stride
            canvas.label(left, y, f"loss of {TEXT[t + 1]}", "terms")
            for k in range(1, t + 1):
                x = left + _LABEL + (k - 1) * cell
                value = float(found.terms[t, k])
                if (canvas.look.hides("last") and t == LENGTH - 1) or canvas.look.hides("terms"):
                    canvas.put(x, y, "?".rjust(cell - 2), "dim")
                elif found.kept[t, k]:
                    canvas.signed(x, y, value, cell - 1, scale=scale)
                else:
                    canvas.put(x - 1, y, f"({number(value, 5).strip()})".rjust(cell), ink("mute"))

    def _draw_sums(self, canvas: Canvas, left: int, y: int, cell: int) -> None:
        found = unroll.gradient(self.state)
        ink = canvas.palette.ink
        canvas.label(left, y, "kept sum", "sum")
        for k in range(1, LENGTH):
            total = float(found.terms[:, k][found.kept[:, k]].sum())
            canvas.put(left + _LABEL + (k - 1) * cell, y, number(total, cell - 2), "text")
        x = canvas.put(left, y + 1, "kept ", "dim")
        x = canvas.put(x, y + 1, decimal(found.truncated), ink("strong", bold=True))
        x = canvas.put(x, y + 1, " of the whole gradient ", "dim")
        x = canvas.put(x, y + 1, decimal(found.whole), ink("strong", bold=True))
        cut = "?" if canvas.look.hides("cut") else found.cut
        x = canvas.put(x, y + 1, f"   {cut} of 36 terms cut   cosine ", "dim")
        canvas.put(x, y + 1, decimal(found.cosine), ink("strong", bold=True))

    def _draw_length(self, canvas: Canvas, x: int, y: int, *, is_flat: bool = False) -> None:
        ink = canvas.palette.ink
        style = canvas.palette.cursor if self.chosen == _LENGTH else ink("strong", bold=True)
        x_number = canvas.label(x, y, "truncation length ", "length")
        canvas.put(x_number, y, f" {self.state.truncation} ", style, _LENGTH)
        if not is_flat:
            canvas.put(x, y + 1, f"letters per part, 1 to {LENGTH}", "mute")

    def _draw_matrix(self, canvas: Canvas, x: int, y: int, cell: int = 7) -> None:
        """W_hh, in the empty half of the table or next to it."""
        state = self.state
        canvas.label(x, y, "W_hh", "W_hh")
        for row in range(3):
            for column in range(3):
                is_shown = (row, column) == (state.row, state.column)
                canvas.signed(
                    x + 6 + column * cell,
                    y + row,
                    float(state.network.W_hh[row, column]),
                    cell,
                    scale=2.0,
                    target=(row, column),
                    chosen=(row, column) == self.chosen,
                    changed=is_shown,
                )
