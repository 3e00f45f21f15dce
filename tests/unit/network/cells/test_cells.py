"""Every cell against a plain autograd loop of its paper's equations, in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.cells import CELLS
from rnnscope.network.cells.cell import Cell
from rnnscope.network.cells.layer import Layer

ALL = sorted(CELLS)
FUSED = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
WITH_ACTIVATIONS = [(name, activation) for name in ALL for activation in ("tanh", "softsign")]


def make(
    name: str, inputs: int, hidden: int, activation: str = "tanh", dtype: torch.dtype = torch.float64
) -> Cell:
    """A cell with every tensor drawn, peepholes and both biases too."""
    cell = Layer(name, inputs, hidden, activation).to(dtype)
    generator = torch.Generator().manual_seed(inputs * 100 + hidden)
    with torch.no_grad():
        for tensor in cell.tensors().values():
            tensor.normal_(std=0.7, generator=generator)
    return cell


def draw_state(cell: Cell, batch: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    return tuple(
        torch.randn(batch, cell.hidden_size, dtype=dtype, requires_grad=True) for _ in range(cell.state_parts)
    )


def gradients(of: tuple[Tensor, ...], weights: tuple[Tensor, ...], to: list[Tensor]) -> list[Tensor]:
    """What a loss that weighs every number differently gives each of `to`."""
    loss = sum(((values * weight).sum() for values, weight in zip(of, weights, strict=True)), torch.zeros(()))
    return list(torch.autograd.grad(loss, to))


@pytest.mark.parametrize(("name", "activation"), WITH_ACTIVATIONS)
@settings(max_examples=8, deadline=None)
@given(
    steps=st.integers(1, 19),  # beyond twice what the way back takes at once
    batch=st.integers(1, 4),
    inputs=st.integers(1, 6),
    hidden=st.integers(1, 7),
)
def test_outputs_and_all_gradients_equal_the_papers_equations(
    name: str, activation: str, steps: int, batch: int, inputs: int, hidden: int, reference
) -> None:
    torch.manual_seed(steps)
    cell = make(name, inputs, hidden, activation)
    x = torch.randn(steps, batch, inputs, dtype=torch.float64, requires_grad=True)
    state = draw_state(cell, batch)
    learned = [x, *state, *cell.tensors().values()]

    outputs, last = cell(x, state)
    expected, expected_last = reference(name, cell.tensors(), x, state, activation)

    torch.testing.assert_close(outputs, expected["hidden"], rtol=1e-10, atol=1e-12)
    for part, expected_part in zip(last, expected_last, strict=True):
        torch.testing.assert_close(part, expected_part, rtol=1e-10, atol=1e-12)
    weights = tuple(torch.randn_like(values) for values in (outputs, *last))
    own = gradients((outputs, *last), weights, learned)
    true = gradients((expected["hidden"], *expected_last), weights, learned)
    for gradient, expected_gradient in zip(own, true, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("name", "activation"), WITH_ACTIVATIONS)
def test_all_recorded_quantities_equal_the_papers_equations(name: str, activation: str, reference) -> None:
    torch.manual_seed(1)
    cell = make(name, 5, 6, activation)
    x, state = torch.randn(23, 3, 5, dtype=torch.float64), draw_state(cell, 3)

    found, last = cell.activations(x, state)
    expected, expected_last = reference(name, cell.tensors(), x, state, activation)

    assert tuple(found) == QUANTITIES[name]
    for quantity, values in expected.items():
        torch.testing.assert_close(found[quantity], values, rtol=1e-10, atol=1e-12, msg=quantity)
    for part, expected_part in zip(last, expected_last, strict=True):
        torch.testing.assert_close(part, expected_part, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", sorted(FUSED))
def test_a_fused_cells_tensors_mean_what_they_mean_to_torch(name: str) -> None:
    torch.manual_seed(2)
    cell = make(name, 5, 6)
    theirs = FUSED[name](5, 6).double()
    theirs.load_state_dict({f"{tensor}_l0": values for tensor, values in cell.tensors().items()})
    x, state = torch.randn(9, 2, 5, dtype=torch.float64), draw_state(cell, 2)

    outputs, last = cell(x, state)
    given_state = tuple(part.unsqueeze(0) for part in state)
    expected, expected_last = theirs(x, given_state if name == "lstm" else given_state[0])

    assert torch.equal(outputs, expected)
    for part, expected_part in zip(last, expected_last if name == "lstm" else (expected_last,), strict=True):
        assert torch.equal(part, expected_part.squeeze(0))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("symbols", [7, 700])
def test_ids_are_one_hot_vectors(name: str, symbols: int) -> None:
    torch.manual_seed(3)
    cell = make(name, symbols, 6)
    ids = torch.randint(symbols, (11, 3))
    vectors = nn.functional.one_hot(ids, symbols).double()
    state = draw_state(cell, 3)
    learned = list(cell.tensors().values())
    weight = torch.randn(11, 3, 6, dtype=torch.float64)

    outputs, expected = cell(ids, state)[0], cell(vectors, state)[0]

    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-13)
    own, true = gradients((outputs,), (weight,), learned), gradients((expected,), (weight,), learned)
    for gradient, expected_gradient in zip(own, true, strict=True):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-11, atol=1e-12)
    found, whole = cell.activations(ids, state)[0], cell.activations(vectors, state)[0]
    for quantity, values in whole.items():
        torch.testing.assert_close(found[quantity], values, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("name", "activation"), WITH_ACTIVATIONS)
@pytest.mark.parametrize("one_hot", [True, False])
def test_training_under_bfloat16_keeps_a_float32_memory_and_nearly_the_gradients(
    name: str, activation: str, one_hot: bool
) -> None:
    torch.manual_seed(4)
    inputs = 300 if one_hot else 16
    cell = Layer(name, inputs, 32, activation)
    cell.reset(1.0, None)
    x = torch.randint(inputs, (20, 4)) if one_hot else torch.randn(20, 4, inputs)
    state = draw_state(cell, 4, torch.float32)
    learned = [*state, *cell.tensors().values()]
    weight = torch.randn(20, 4, 32)

    with torch.autocast("cpu", torch.bfloat16):
        outputs, last = cell(x, state)
    full, _ = cell(x, state)

    assert all(part.dtype == torch.float32 for part in last)
    torch.testing.assert_close(outputs.float(), full, rtol=0, atol=0.05)
    own = gradients((outputs.float(), *last), (weight, *map(torch.ones_like, last)), learned)
    true = gradients((full, *cell(x, state)[1]), (weight, *map(torch.ones_like, last)), learned)
    for gradient, expected in zip(own, true, strict=True):
        assert gradient.dtype == torch.float32
        assert (gradient - expected).norm() <= 0.05 * expected.norm() + 1e-6


@pytest.mark.parametrize("name", ALL)
def test_a_long_text_in_two_calls_is_the_text_in_one(name: str) -> None:
    torch.manual_seed(5)
    cell = make(name, 5, 6)
    x, state = torch.randn(12, 2, 5, dtype=torch.float64), draw_state(cell, 2)

    first, between = cell(x[:5], state)
    second, last = cell(x[5:], between)
    whole, expected_last = cell(x, state)

    torch.testing.assert_close(torch.cat((first, second)), whole, rtol=1e-12, atol=1e-13)
    for part, expected_part in zip(last, expected_last, strict=True):
        torch.testing.assert_close(part, expected_part, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("name", "first", "sign"), [("lstm", 6, 1), ("peephole", 6, 1), ("coupled", 0, -1)])
def test_the_forget_bias_opens_the_forget_gate_and_nothing_else(name: str, first: int, sign: int) -> None:
    cell = Layer(name, 4, 6)
    cell.reset(5.0, None)
    expected = torch.zeros(len(CELLS[name].blocks) * 6)
    expected[first : first + 6] = 5.0 * sign
    assert torch.equal(cell.tensors()["bias_ih"], expected)
    assert not cell.tensors()["bias_hh"].any()


def test_xavier_looks_at_each_gates_block_alone() -> None:
    cell = Layer("lstm", 30, 90)
    cell.reset(1.0, torch.Generator().manual_seed(0))
    bound = (6 / (30 + 90)) ** 0.5
    for block in cell.tensors()["weight_ih"].chunk(4):
        assert 0.98 * bound < block.abs().max() <= bound
        assert abs(float(block.detach().std()) - bound / 3**0.5) < 0.03 * bound
