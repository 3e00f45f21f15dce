"""Chapter gates: one unit with gates reads a string, a character at a time.

The only input x(t) is 1 at a quotation mark and 0 elsewhere. The sum of every gate is  w·x + u·h(t−1) + b.

    lstm       i, f, o = σ(sum)   g = tanh(sum)   c = f·c(t−1) + i·g         h = o·tanh(c)
    peephole   the same; p·c(t−1) is added to the sums of i and f, and p·c(t) to that of o
    coupled    the same with f = 1 − i
    gru        r, z = σ(sum)   n = tanh(w·x + b + r·u·h(t−1))                h = (1 − z)·n + z·h(t−1)

The weights were set by hand, so that the unit is positive inside quotations and negative after them: the
candidate of a quotation mark is +1 where h is not positive, else −1; at other characters the state is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Cell = Literal["lstm", "peephole", "coupled", "gru"]
Gate = Literal["input", "forget", "output", "candidate", "reset", "update"]
Part = Literal["x", "h", "bias", "cell"]

CELLS: tuple[Cell, ...] = get_args(Cell)
MARK = '"'
TEXT = 'I said "not now" and left.'
LONGEST = 200
"""Characters of a text, at most."""


@dataclass(frozen=True)
class Weights:
    """The weights of one gate: of the input, of h(t−1), the bias, and of the cell state (peephole only)."""

    x: float = 0.0
    h: float = 0.0
    bias: float = 0.0
    cell: float = 0.0

    def parts(self, cell: Cell, gate: Gate) -> tuple[Part, ...]:
        """The weights that the gate of a cell has."""
        return (
            ("x", "h", "bias", "cell") if cell == "peephole" and gate != "candidate" else ("x", "h", "bias")
        )


_LSTM: dict[Gate, Weights] = {
    "input": Weights(x=10.0, bias=-6.0),
    "forget": Weights(x=-10.0, bias=6.0),
    "candidate": Weights(x=4.0, h=-10.0),
    "output": Weights(bias=2.0),
}
_WEIGHTS: dict[Cell, dict[Gate, Weights]] = {
    "lstm": _LSTM,
    "peephole": _LSTM | {"output": Weights(bias=1.0, cell=3.0)},
    "coupled": {gate: weights for gate, weights in _LSTM.items() if gate != "forget"},
    "gru": {
        "reset": Weights(bias=6.0),
        "update": Weights(x=-10.0, bias=6.0),
        "candidate": Weights(x=2.0, h=-5.0),
    },
}


@dataclass(frozen=True)
class State:
    """A unit and the text that it reads."""

    cell: Cell = "lstm"
    text: str = TEXT
    weights: Mapping[Gate, Weights] = field(default_factory=lambda: _LSTM)


@dataclass(frozen=True)
class Step:
    """What the unit computes at one character."""

    x: float
    gates: Mapping[Gate, float]
    """The value of each gate and of the candidate; of `coupled` also forget, 1 − input."""
    sums: Mapping[Gate, float]
    """What each is the sigmoid or the tanh of."""
    cell_before: float
    """c(t−1); in the GRU it has no cell state, and this is h(t−1)."""
    hidden_before: float
    cell: float
    """c(t); in the GRU h(t)."""
    hidden: float


def start(cell: Cell = "lstm", text: str = TEXT) -> State:
    """A unit with the weights that detect quotations."""
    return State(cell, text[:LONGEST], _WEIGHTS[cell])


def nudge(state: State, gate: Gate, part: Part, by: float) -> State:
    """Change one weight."""
    weights = state.weights[gate]
    changed = replace(weights, **{part: round(getattr(weights, part) + by, 6)})
    return replace(state, weights={**state.weights, gate: changed})


def read(state: State) -> list[Step]:
    """All steps along the text, from a zero state."""
    steps: list[Step] = []
    cell = hidden = 0.0
    for character in state.text:
        steps.append(read_one(state, character, cell, hidden))
        cell, hidden = steps[-1].cell, steps[-1].hidden
    return steps


def read_one(state: State, character: str, cell: float, hidden: float) -> Step:
    """One step: a character, after the states c(t−1) and h(t−1)."""
    x = float(character == MARK)
    if state.cell == "gru":
        return _gru(state.weights, x, hidden)
    weights = state.weights
    sums: dict[Gate, float] = {gate: w.x * x + w.h * hidden + w.bias for gate, w in weights.items()}
    if state.cell == "peephole":
        sums |= {gate: sums[gate] + weights[gate].cell * cell for gate in ("input", "forget")}
    i, g = _sigmoid(sums["input"]), math.tanh(sums["candidate"])
    f = 1.0 - i if state.cell == "coupled" else _sigmoid(sums["forget"])
    new_cell = f * cell + i * g
    if state.cell == "peephole":
        sums["output"] += weights["output"].cell * new_cell
    o = _sigmoid(sums["output"])
    gates: dict[Gate, float] = {"input": i, "forget": f, "candidate": g, "output": o}
    return Step(x, gates, sums, cell, hidden, new_cell, o * math.tanh(new_cell))


def _gru(weights: Mapping[Gate, Weights], x: float, hidden: float) -> Step:
    sums: dict[Gate, float] = {
        gate: w.x * x + w.h * hidden + w.bias for gate, w in weights.items() if gate != "candidate"
    }
    r, z = _sigmoid(sums["reset"]), _sigmoid(sums["update"])
    w = weights["candidate"]
    sums["candidate"] = w.x * x + w.bias + r * w.h * hidden
    n = math.tanh(sums["candidate"])
    new = (1.0 - z) * n + z * hidden
    return Step(x, {"reset": r, "update": z, "candidate": n}, sums, hidden, hidden, new, new)


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value)) if value > -700.0 else 0.0
