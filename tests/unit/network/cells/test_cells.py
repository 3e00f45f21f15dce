"""Every registered cell, with every activation, against plain loops of the papers' equations in float64.

A new cell is covered once it is registered and `tests/unit/conftest.py` has its equations.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.cells import CELLS, Activation, CellName
from rnnscope.network.cells.cell import Cell
from rnnscope.network.cells.fused import missing_kernel
from rnnscope.network.cells.layer import Layer
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary

FUSED = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
every_cell = pytest.mark.parametrize("name", sorted(CELLS))
every_activation = pytest.mark.parametrize("activation", get_args(Activation))


def make(
    name: str, inputs: int, hidden: int, activation: str = "tanh", dtype: torch.dtype = torch.float64
) -> Cell:
    """A cell whose tensors are all drawn, peepholes and both biases too."""
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


def assert_close(found: Any, expected: Any, tolerance: float = 1e-10) -> None:
    """Equal up to rounding, pair by pair."""
    for own, true in zip(found, expected, strict=True):
        torch.testing.assert_close(own, true, rtol=tolerance, atol=tolerance / 10)


def test_the_registry_names_every_cell() -> None:
    assert tuple(CELLS) == get_args(CellName)


def test_cells_and_quantities_are_listed_without_torch() -> None:
    lists = "import sys, rnnscope.network.header; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", lists]).returncode == 0


@every_cell
def test_a_cell_declares_what_the_rest_of_the_package_reads(name: str) -> None:
    cell = CELLS[name]
    shapes = cell.shapes(5, 6)
    assert QUANTITIES[name] == cell.quantities
    assert cell.quantities[-1] == "hidden"
    assert set(cell.gates) <= set(cell.quantities)
    assert shapes["weight_ih"] == (len(cell.blocks) * 6, 5)
    assert {*cell.projections, *sum(cell.projections.values(), ()), *cell.recurrent} == set(shapes)
    assert {key: tuple(value.shape) for key, value in Layer(name, 5, 6).tensors().items()} == shapes
    assert cell.title


@every_cell
@every_activation
@settings(max_examples=8, deadline=None)
@given(
    steps=st.integers(1, 19),  # more than twice as many as the backward pass prepares at once
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

    assert_close((outputs, *last), (expected["hidden"], *expected_last))
    weights = tuple(torch.randn_like(values) for values in (outputs, *last))
    own = gradients((outputs, *last), weights, learned)
    assert_close(own, gradients((expected["hidden"], *expected_last), weights, learned), 1e-9)


@every_cell
@pytest.mark.parametrize("lost", [None, "hidden", "cell"])
def test_the_states_of_all_steps_and_their_gradients_equal_the_papers_equations(
    name: str, lost: str | None, reference
) -> None:
    """lost: the part of the state that the loss does not depend on."""
    torch.manual_seed(3)
    cell = make(name, 3, 4)
    x, state = torch.randn(11, 2, 3, dtype=torch.float64, requires_grad=True), draw_state(cell, 2)
    learned = [x, *state, *cell.tensors().values()]
    expected, _ = reference(name, cell.tensors(), x, state)
    parts = ("hidden", "cell")[: cell.state_parts]
    states = cell.states(x, state)
    assert_close(states, (expected[part] for part in parts))
    kept = [part for part in parts if part != lost] or ["hidden"]
    weights = tuple(torch.randn_like(states[0]) for _ in kept)
    own = gradients(tuple(states[parts.index(part)] for part in kept), weights, learned)
    assert_close(own, gradients(tuple(expected[part] for part in kept), weights, learned), 1e-9)


@every_cell
@every_activation
def test_gradients_equal_finite_differences(name: str, activation: str) -> None:
    torch.manual_seed(0)
    cell = make(name, 3, 4, activation)
    x, state = torch.randn(9, 2, 3, dtype=torch.float64, requires_grad=True), draw_state(cell, 2)

    def run(x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        outputs, last = cell(x, state)
        return outputs, *last

    assert torch.autograd.gradcheck(run, (x, *state))


@every_cell
@every_activation
@pytest.mark.parametrize("batch", [1, 40])  # few rows are recorded from the fused kernel's outputs
def test_all_recorded_quantities_equal_the_papers_equations(
    name: str, activation: str, batch: int, reference
) -> None:
    torch.manual_seed(1)
    cell = make(name, 5, 6, activation)
    x, state = torch.randn(23, batch, 5, dtype=torch.float64), draw_state(cell, batch)

    expected, expected_last = reference(name, cell.tensors(), x, state, activation)
    for found, last in (cell.activations(x, state), cell.activations(x, state, cell(x, state)[0])):
        assert tuple(found) == CELLS[name].quantities
        assert_close((found[key] for key in expected), expected.values())
        assert_close(last, expected_last)
        for gate in CELLS[name].gates:
            assert 0 <= found[gate].min() <= found[gate].max() <= 1


@every_cell
@every_activation
def test_float32_products_on_the_fast_path_equal_float64(name: str, activation: str) -> None:
    """Large enough that products are computed by oneDNN where PyTorch has it."""
    torch.manual_seed(2)
    cell = Layer(name, 16, 160, activation)
    cell.reset(1.0, None)
    x, state = torch.randn(7, 96, 16), draw_state(cell, 96, torch.float32)
    learned = [*state, *cell.tensors().values()]
    weight = torch.randn(7, 96, 160)
    outputs, last = cell(x, state)
    own = gradients((outputs, *last), (weight, *map(torch.ones_like, last)), learned)
    recorded, _ = cell.activations(x, state)

    cell, x, state, weight = (
        cell.double(),
        x.double(),
        tuple(p.detach().double() for p in state),
        weight.double(),
    )
    state = tuple(part.requires_grad_() for part in state)
    expected, expected_last = cell(x, state)
    true = gradients(
        (expected, *expected_last),
        (weight, *map(torch.ones_like, expected_last)),
        [*state, *cell.tensors().values()],
    )

    assert_close((outputs.double(), *(part.double() for part in last)), (expected, *expected_last), 1e-4)
    for gradient, expected_gradient in zip(own, true, strict=True):
        assert (gradient - expected_gradient).norm() <= 1e-5 * expected_gradient.norm()
    exact, _ = cell.activations(x, state)
    assert_close((values.double() for values in recorded.values()), exact.values(), 1e-4)


@every_cell
@every_activation
@pytest.mark.parametrize("one_hot", [True, False])
def test_one_step_at_a_time_equals_the_scan(name: str, activation: Any, one_hot: bool) -> None:
    letters = Vocabulary.of("abcdefg")
    shape = Architecture(name, 7, 8, 2, 0 if one_hot else 5, activation)
    model = CharRNN(shape, letters, generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=0.7, generator=torch.Generator().manual_seed(tensor.numel()))
    ids = torch.randint(7, (30,), generator=torch.Generator().manual_seed(1))
    expected = model.double()(ids.unsqueeze(1))[0].squeeze(1).log_softmax(-1)
    sampler = Sampler(model)
    for i, row in zip(ids.tolist(), expected, strict=True):
        sampler.feed([i])
        torch.testing.assert_close(
            torch.from_numpy(sampler.log_probabilities).double(), row, rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("name", sorted(FUSED))
def test_a_fused_cells_tensors_have_pytorchs_meaning(name: str) -> None:
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


@every_cell
@every_activation
@pytest.mark.parametrize("symbols", [7, 700])
def test_ids_are_one_hot_vectors(name: str, activation: str, symbols: int) -> None:
    torch.manual_seed(3)
    cell = make(name, symbols, 6, activation)
    ids = torch.randint(symbols, (11, 3))
    vectors = nn.functional.one_hot(ids, symbols).double()
    state = draw_state(cell, 3)
    learned = list(cell.tensors().values())
    weight = torch.randn(11, 3, 6, dtype=torch.float64)

    outputs, expected = cell(ids, state)[0], cell(vectors, state)[0]

    assert_close((outputs,), (expected,))
    assert_close(gradients((outputs,), (weight,), learned), gradients((expected,), (weight,), learned))
    assert_close(cell.activations(ids, state)[0].values(), cell.activations(vectors, state)[0].values())


@every_cell
@every_activation
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


@every_cell
@every_activation
def test_a_long_text_in_two_calls_is_the_text_in_one(name: str, activation: str) -> None:
    torch.manual_seed(5)
    cell = make(name, 5, 6, activation)
    x, state = torch.randn(12, 2, 5, dtype=torch.float64), draw_state(cell, 2)
    first, between = cell(x[:5], state)
    second, last = cell(x[5:], between)
    whole, expected_last = cell(x, state)
    assert_close((torch.cat((first, second)), *last), (whole, *expected_last))


@every_cell
def test_the_forget_bias_opens_the_forget_gate_and_nothing_else(name: str) -> None:
    cell = Layer(name, 4, 6)
    cell.reset(0.0, torch.Generator().manual_seed(0))
    shut, _ = cell.activations(torch.zeros(1, 1, 4), cell.initial_state(1))
    cell.forget_bias_(5.0)
    opened, _ = cell.activations(torch.zeros(1, 1, 4), cell.initial_state(1))
    for gate in set(CELLS[name].gates) - {"forget", "input"}:
        assert torch.equal(opened[gate], shut[gate])
    if "forget" in CELLS[name].gates:
        assert opened["forget"].min() > 0.99
    else:
        assert not cell.tensors()["bias_ih"].any()


def test_xavier_looks_at_each_gates_block_alone() -> None:
    cell = Layer("lstm", 30, 90)
    cell.reset(1.0, torch.Generator().manual_seed(0))
    bound = (6 / (30 + 90)) ** 0.5
    for block in cell.tensors()["weight_ih"].chunk(4):
        assert 0.98 * bound < block.abs().max() <= bound
        assert abs(float(block.detach().std()) - bound / 3**0.5) < 0.03 * bound


def test_the_cost_of_a_missing_kernel_is_noted_only_where_there_is_one() -> None:
    assert "1.7 times" in str(missing_kernel("lstm", "softsign", "cpu"))
    assert "several times" in str(missing_kernel("gru", "softsign", "cuda"))
    assert "--change-penalty" in str(missing_kernel("lstm", "tanh", "cpu", with_states=True))
    assert missing_kernel("gru", "tanh", "cuda", with_states=True) is None
    for without in [("lstm", "tanh", "cpu"), ("coupled", "softsign", "cuda"), ("gru", "softsign", "cpu")]:
        assert missing_kernel(*without) is None
