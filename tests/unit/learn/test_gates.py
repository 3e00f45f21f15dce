"""One unit of each cell against the equations that the cells of the package are tested with."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnscope.learn import gates
from rnnscope.learn.gates import CELLS, State, Weights

BLOCKS = {
    "lstm": ("input", "forget", "candidate", "output"),
    "peephole": ("input", "forget", "candidate", "output"),
    "coupled": ("input", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}


def odd_weights(state: State) -> State:
    """A state whose weights are all different from zero."""
    for number, gate in enumerate(state.weights):
        for part in state.weights[gate].parts(state.cell, gate):
            state = gates.nudge(state, gate, part, 0.1 * (number + 1) + 0.05 * len(part))
    return state


@pytest.mark.parametrize("cell", CELLS)
def test_the_unit_obeys_the_equations_of_its_cell(cell: gates.Cell, reference: Any) -> None:
    state = odd_weights(gates.start(cell))
    rows = [state.weights[gate] for gate in BLOCKS[cell]]
    tensors = {
        "weight_ih": torch.tensor([[row.x] for row in rows], dtype=torch.float64),
        "weight_hh": torch.tensor([[row.h] for row in rows], dtype=torch.float64),
        "bias_ih": torch.tensor([row.bias for row in rows], dtype=torch.float64),
        "bias_hh": torch.zeros(len(rows), dtype=torch.float64),
    }
    if cell == "peephole":
        seen = [state.weights[gate].cell for gate in ("input", "forget", "output")]
        tensors["peephole"] = torch.tensor(seen, dtype=torch.float64)[:, None]
    x = torch.tensor([[[float(letter == '"')]] for letter in state.text], dtype=torch.float64)
    zeros = torch.zeros(1, 1, dtype=torch.float64)
    expected, _ = reference(cell, tensors, x, (zeros,) if cell == "gru" else (zeros, zeros))
    for t, step in enumerate(gates.read(state)):
        found = {**step.gates, "hidden": step.hidden} | ({} if cell == "gru" else {"cell": step.cell})
        assert found == pytest.approx({name: values[t].item() for name, values in expected.items()})


@pytest.mark.parametrize("cell", CELLS)
def test_the_unit_detects_quotations(cell: gates.Cell) -> None:
    state = gates.start(cell, 'a "b c" d "' + "e" * 30 + '" f')
    inside = False
    for letter, step in zip(state.text, gates.read(state), strict=True):
        inside ^= letter == '"'
        assert (step.hidden > 0.5) == inside


def test_a_nudge_changes_one_weight_and_a_text_has_a_limit() -> None:
    state = gates.nudge(gates.start(), "forget", "bias", -0.1)
    assert state.weights["forget"] == Weights(x=-10.0, bias=5.9)
    assert state.weights["input"] == gates.start().weights["input"]
    assert len(gates.start(text="x" * 1000).text) == gates.LONGEST
    assert gates.read(gates.start(text="")) == []
