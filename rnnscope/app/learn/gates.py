"""The figure of the chapter gates: one unit reads a text; its gates as numbers and as bars along the text.

           x·w   + h·u   +  b   =  sum          I said "not now" and left.
input i   10.00    0.00   −6.00     4.00  0.98         █       █
forget f …                                      ▇▇▇▇▇▇▇▁▇▇▇▇▇▇▇▁▇▇▇▇
cell c   f·c(t−1) + i·g = 0.02·0.00 + 0.98·1.00 = 0.98
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import ClassVar, cast

import numpy as np
from rich.segment import Segment

from rnnscope.app.bars import gate_rows, signed_rows, styles
from rnnscope.app.learn.canvas import Canvas, decimal, number
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.question import Question
from rnnscope.learn import gates
from rnnscope.learn.gates import CELLS, LONGEST, Gate, Part, State

_NUDGE = 0.5
_SYMBOLS: Mapping[Gate, str] = {
    "input": "i",
    "forget": "f",
    "output": "o",
    "candidate": "g",
    "reset": "r",
    "update": "z",
}
_ORDER: tuple[Gate, ...] = ("reset", "update", "input", "forget", "candidate", "output")
_TITLES = {"lstm": "LSTM", "peephole": "peephole LSTM", "coupled": "coupled LSTM", "gru": "GRU"}
_EQUATIONS = {
    "lstm": ("i, f, o = σ(w·x + u·h(t−1) + b)", "g = tanh(w·x + u·h(t−1) + b)"),
    "peephole": (
        "i, f = σ(w·x + u·h(t−1) + p·c(t−1) + b)",
        "o = σ(w·x + u·h(t−1) + p·c(t) + b)   g as in the LSTM",
    ),
    "coupled": ("i, o = σ(w·x + u·h(t−1) + b)   f = 1 − i", "g = tanh(w·x + u·h(t−1) + b)"),
    "gru": ("r, z = σ(w·x + u·h(t−1) + b)", "n = tanh(w·x + b + r·u·h(t−1))"),
}
_NAME = 12
_LEAST_TEXT = 40


class GatesChapter(Chapter[State]):
    """One unit with gates, a character at a time."""

    name = "gates"
    title = "one LSTM unit reads a text"
    summary = "one LSTM unit reads your text; peephole, coupled, GRU"
    steps = (
        Step(
            "One unit",
            "This unit sees only whether a character is a quotation mark: x = 1, else 0. ←→ read the text"
            " a character at a time, space reads on, e takes your own text.",
            emphasis="x text",
        ),
        Step(
            "Input gate and candidate",
            "The candidate g is what could be written into the cell; the input gate i, from 0 to 1, says "
            "how much of it is.",
            "At the first quotation mark i opens and g is +1.",
            "At which characters does the input gate open?",
            emphasis="input candidate",
            hides="input candidate",
        ),
        Step(
            "Forget gate and cell",
            "c(t) = f·c(t−1) + i·g. The forget gate f says how much of the old cell state is kept.",
            "Between quotation marks f is near 1 and i near 0: the cell keeps its value. At a mark f is "
            "near 0: the old value goes.",
            "What must i and f be for the cell to keep its value?",
            emphasis="forget cell",
            hides="forget cell",
        ),
        Step(
            "Output gate and hidden state",
            "h(t) = o·tanh(c(t)) is what the rest of the network sees, and what the gates see at the next"
            " character.",
            "At the second mark, h(t−1) is positive: it turns the candidate to −1. So the unit knows "
            "inside from outside.",
            "Why is g −1 at the second mark, although x is 1 as at the first?",
            emphasis="output hidden",
            hides="output hidden",
        ),
        Step(
            "Change a weight",
            "Tab chooses a weight, ↑↓ change it, and the whole text is read again. Lower the bias b of "
            "the forget gate with ↓.",
            "At a bias of 1, f is 0.73: after five characters, a fifth of the cell state is left.",
            "What happens to the cell between the marks when the bias of f falls?",
            emphasis="forget",
        ),
        Step(
            "Variants",
            "o shows the next cell. Peephole: the gates also see the cell. Coupled: f = 1 − i, new in "
            "proportion to old. GRU: one state, gates r and z.",
            "All four read the same text with the same result; 0 resets the weights.",
            emphasis="equations",
        ),
    )
    keys: ClassVar = {
        "choose_left": "read",
        "choose_right": "read",
        "run": "",
        "raise": "change",
        "lower": "change",
        "next_group": "weight",
        "switch": "cell",
        "edit_text": "text",
        "undo": "undo",
        "reset": "reset",
    }

    def __init__(self, host: Host) -> None:
        super().__init__(host, gates.start())
        self.cursor = self.state.text.find(gates.MARK)
        self.chosen = ("forget", "bias")

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        state = self.state
        return tuple(
            tuple((gate, part) for part in state.weights[gate].parts(state.cell, gate))
            for gate in _ORDER
            if gate in state.weights
        )

    def arrive(self, step: int) -> None:
        """Go to the first or the second quotation mark, which the text is about."""
        marks = [i for i, character in enumerate(self.state.text) if character == gates.MARK]
        if len(marks) > 1:
            self.cursor = marks[1 if "output" in self.steps[step].emphasis else 0]

    def choose(self, by: int) -> None:
        """Go to the character before or after."""
        self.cursor = min(max(self.cursor + by, 0), max(0, len(self.state.text) - 1))

    def choose_group(self, by: int) -> None:
        """Choose the weight before or after."""
        super().choose(by)

    def click(self, target: Hashable) -> None:
        if isinstance(target, int):
            self.cursor = target
        else:
            super().click(target)

    def change(self, by: int) -> None:
        gate, part = cast("tuple[Gate, Part]", self.chosen)
        self.set(gates.nudge(self.state, gate, part, by * _NUDGE))

    def advance(self) -> bool:
        """Read the next character; from the end, begin again."""
        last = len(self.state.text) - 1
        self.cursor = self.cursor + 1 if self.cursor < last else 0
        return self.cursor < last

    def switch(self, by: int) -> None:
        cell = CELLS[(CELLS.index(self.state.cell) + by) % len(CELLS)]
        self._use(gates.start(cell, self.state.text))

    def undo(self) -> bool:
        undone = super().undo()
        self._use(self.state, remembers=False)
        return undone

    def reset(self) -> None:
        self._use(gates.start(self.state.cell, self.state.text))

    def edit(self) -> None:
        def accept(answer: str) -> str | None:
            if not answer:
                return "type at least one character"
            self._use(replace(self.state, text=answer.replace("\n", " ")[:LONGEST]))
            self.host.refresh_figure()
            return None

        hint = 'quotation marks " open and close   Enter   Esc'
        self.host.ask(Question("text", self.state.text, hint, accept))

    def _use(self, state: State, *, remembers: bool = True) -> None:
        if remembers:
            self.set(state)
        else:
            self.state = state
        self.cursor = min(self.cursor, max(0, len(state.text) - 1))
        everything = [each for group in self.groups for each in group]
        if self.chosen not in everything:
            self.chosen = everything[0]

    def headline(self, canvas: Canvas) -> list[Segment]:
        ink = canvas.palette.ink
        names = []
        for cell in CELLS:
            is_shown = cell == self.state.cell
            names.append(Segment(_TITLES[cell], ink("azure" if is_shown else "mute", bold=is_shown)))
            names.append(Segment("  ", ink("dim")))
        return names[:-1]

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        steps = gates.read(self.state)
        step = steps[self.cursor]
        shown = [gate for gate in _ORDER if gate in step.gates]
        has_cell = self.state.cell != "gru"
        spare = canvas.height - 4 - len(shown) - (4 if has_cell else 2) - 4
        stride = 2 if spare >= len(shown) + 2 else 1
        number_width = 8 if canvas.width >= 108 else 6
        columns = 6 if self.state.cell == "peephole" else 5
        left = _NAME + number_width * columns + 2
        needed = left + max(_LEAST_TEXT, len(steps))
        if canvas.width > needed + 30:
            canvas.indent((canvas.width - needed) // 2)
        first = self._first_character(canvas.width - left)
        used = len(shown) * (stride - 1) + (4 if stride == 2 else 0)
        top = max(0, spare - used) // 3 + (spare > 0)
        self._draw_text(canvas, left, top, first)
        self._draw_header(canvas, top, number_width)
        y = top + 1
        for gate in shown:
            self._draw_gate(canvas, y, gate, step, number_width)
            values = [each.gates[gate] for each in steps]
            hides = canvas.look.hides(gate)
            self._draw_bars(
                canvas, left, y, values, first, is_signed=gate == "candidate", rows=stride, hides=hides
            )
            y += stride
        y += stride - 1
        for name in ("cell", "hidden") if has_cell else ("hidden",):
            values = [np.tanh(getattr(each, name)) if name == "cell" else each.hidden for each in steps]
            self._draw_state(canvas, y, name, getattr(step, name), number_width)
            hides = canvas.look.hides(name)
            self._draw_bars(canvas, left, y, values, first, is_signed=True, rows=2 * stride, hides=hides)
            y += 2 * stride + stride - 1
        self._draw_equations(canvas, min(y + (spare > 1), canvas.height - 4), step)

    def _first_character(self, room: int) -> int:
        """The first character in sight: the cursor stays in the middle of a long text."""
        length = len(self.state.text)
        return max(0, min(self.cursor - room // 2, length - room))

    def _draw_text(self, canvas: Canvas, left: int, y: int, first: int) -> None:
        palette = canvas.palette
        for i, character in enumerate(self.state.text[first:], first):
            x = left + i - first
            if x >= canvas.width:
                break
            style = palette.ink("azure" if character == gates.MARK else "text", bold=character == gates.MARK)
            canvas.put(x, y, character, palette.cursor if i == self.cursor else style, i)

    def _draw_header(self, canvas: Canvas, y: int, width: int) -> None:
        character = self.state.text[self.cursor]
        x = canvas.label(0, y, f"x = {int(character == gates.MARK)}", "x")
        parts = ["w", "u", "b", *(["p"] if self.state.cell == "peephole" else []), "sum", "value"]
        x = _NAME
        for part in parts:
            canvas.put(x, y, part.rjust(width - 1), "mute")
            x += width

    def _draw_gate(self, canvas: Canvas, y: int, gate: Gate, step: gates.Step, width: int) -> None:
        state, ink = self.state, canvas.palette.ink
        symbol = "n" if state.cell == "gru" and gate == "candidate" else _SYMBOLS[gate]
        canvas.label(0, y, gate, gate, "text")
        canvas.put(_NAME - 2, y, symbol, ink("strong", bold=True))
        x = _NAME
        if gate in state.weights:
            weights = state.weights[gate]
            for part in weights.parts(state.cell, gate):
                is_chosen = self.chosen == (gate, part)
                value = getattr(weights, part)
                style = canvas.palette.cursor if is_chosen else ink("text" if value else "mute")
                canvas.put(x, y, number(value, width - 1, 1), style, (gate, part))
                x += width
            if state.cell == "peephole" and len(weights.parts(state.cell, gate)) == 3:
                x += width
            canvas.put(x, y, number(step.sums[gate], width - 1, 1), "dim")
        else:
            canvas.put(x, y, "= 1 − i".rjust(2 * width), "dim")
            x += 3 * width
        self._draw_value(canvas, x + width, y, step.gates[gate], width, gate=gate)

    def _draw_value(
        self, canvas: Canvas, x: int, y: int, value: float, width: int, *, gate: str, scale: float = 1.0
    ) -> None:
        if canvas.look.hides(gate):
            canvas.put(x, y, "?".rjust(width - 1), "dim")
        elif gate in ("candidate", "cell", "hidden"):
            canvas.signed(x, y, value, width, scale=scale)
        else:
            canvas.share(x, y, value, number(value, width - 1) + " ", "gate")

    def _draw_state(self, canvas: Canvas, y: int, name: str, value: float, width: int) -> None:
        ink = canvas.palette.ink
        canvas.label(0, y, name, name, "text")
        canvas.put(_NAME - 2, y, name[0], ink("strong", bold=True))
        x = _NAME + width * (5 if self.state.cell == "peephole" else 4)
        self._draw_value(canvas, x, y, value, width, gate=name)

    def _draw_bars(
        self,
        canvas: Canvas,
        left: int,
        y: int,
        values: list[float],
        first: int,
        *,
        is_signed: bool,
        rows: int,
        hides: bool,
    ) -> None:
        if hides:
            values = values[: self.cursor]
        columns = np.array(values[first : first + max(0, canvas.width - left)], dtype=np.float64)
        if not len(columns):
            return
        points, keys = signed_rows(columns, rows) if is_signed else gate_rows(columns, rows)
        table = styles(canvas.palette)
        for row in range(rows):
            for i in range(len(columns)):
                canvas.put(left + i, y + row, chr(int(points[row, i])), table[int(keys[row, i])], first + i)

    def _draw_equations(self, canvas: Canvas, y: int, step: gates.Step) -> None:
        """The equations of the gates, and those of the states with the numbers of the character."""
        cell, look = self.state.cell, canvas.look
        for i, line in enumerate(_EQUATIONS[cell]):
            canvas.label(0, y + i, line, "equations", "mute")

        def shown(value: float, *parts: str) -> str:
            return "?" if any(map(look.hides, parts)) else decimal(value)

        if cell == "gru":
            z, n = step.gates["update"], step.gates["candidate"]
            line = (
                f"h = (1−z)·n + z·h(t−1) = {shown(1 - z)}·{shown(n, 'candidate')} + {shown(z)}·"
                f"{shown(step.hidden_before)} = {shown(step.hidden, 'hidden')}"
            )
            canvas.put(0, y + 2, line, "text")
            return
        values = step.gates
        line = (
            f"c = f·c(t−1) + i·g = {shown(values['forget'], 'forget')}·{shown(step.cell_before)} + "
            f"{shown(values['input'], 'input')}·{shown(values['candidate'], 'candidate')} = "
            f"{shown(step.cell, 'cell')}"
        )
        canvas.put(0, y + 2, line, "text")
        line = (
            f"h = o·tanh(c) = {shown(values['output'], 'output')}·{shown(np.tanh(step.cell), 'cell')} = "
            f"{shown(step.hidden, 'hidden')}"
        )
        canvas.put(0, y + 3, line, "text")
