"""Traces are the network's own numbers, however long the text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.model import CharRNN, State
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.tracing.segments import Cut

LETTERS = Vocabulary.of("abcdefg")
CELLS = [(cell, activation) for cell in QUANTITIES for activation in ("tanh", "softsign")]


def make(scale: float = 0.4, seed: int = 0, **changes: Any) -> CharRNN:
    model = CharRNN(Architecture(**{"vocabulary_size": 7, "hidden_size": 6, "layers": 2, **changes}), LETTERS)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=scale, generator=generator)
    return model.eval()


def draw(length: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 7, length).astype(np.int32)


def expected_of(
    model: CharRNN, ids: np.ndarray, reference: Any, state: State | None = None
) -> dict[str, Any]:
    """Every quantity by the plain loop, in float64."""
    tensors = {name: tensor.detach().double() for name, tensor in model.tensors().items()}
    read = torch.from_numpy(ids).long()
    embedding = tensors.get("embedding.weight", torch.eye(7, dtype=torch.float64))
    values = embedding[read].unsqueeze(1)
    found = {}
    for number, start in enumerate(state or model.initial_state(1), start=1):
        prefix = f"layers.{number}."
        layer = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        quantities, _ = reference(
            model.architecture.cell,
            layer,
            values,
            tuple(part.double() for part in start),
            model.architecture.activation,
        )
        found |= {f"{number}/{name}": array.squeeze(1).numpy() for name, array in quantities.items()}
        values = quantities["hidden"]
    logits = values.squeeze(1) @ tensors["readout.weight"].T + tensors["readout.bias"]
    return found | {"log_probabilities": logits.log_softmax(-1).numpy()}


@pytest.mark.parametrize(("cell", "activation"), CELLS)
@pytest.mark.parametrize("embedding", [{}, {"embedding_size": 3}, {"embedding_size": 6, "tied": True}])
def test_a_trace_is_every_quantity_of_the_papers_equations(
    cell: Any, activation: Any, embedding: dict[str, Any], reference: Any
) -> None:
    model = make(cell=cell, activation=activation, **embedding)
    ids = draw(40)
    state = tuple(tuple(torch.randn_like(part) for part in layer) for layer in model.initial_state(1))
    expected = expected_of(model, ids, reference, state)
    single = record(model, ids, state, step=9)
    double_state = tuple(tuple(part.double() for part in layer) for layer in state)
    double = record(model.double(), ids, double_state)

    assert single.step == 9
    assert single.quantities == QUANTITIES[cell]
    assert set(single.activations) == set(expected) - {"log_probabilities"}
    for key, values in expected.items():
        for trace, tolerance in ((single, 3e-6), (double, 1e-7)):
            own = trace.log_probabilities if key == "log_probabilities" else trace[key]
            assert own.dtype == np.float32
            np.testing.assert_allclose(own, values, rtol=1e-6, atol=tolerance, err_msg=key)


def test_all_gates_are_torchs_own_within_1e_5_in_float32() -> None:
    model = make(hidden_size=128, layers=1, scale=0.1)
    ids = draw(1500)
    step = nn.LSTMCell(7, 128)
    for name, tensor in model.layers[0].tensors().items():
        getattr(step, name).data.copy_(tensor.detach())
    trace = record(model, ids)

    hidden, cell = model.initial_state(1)[0]
    with torch.no_grad():
        for t, x in enumerate(nn.functional.one_hot(torch.from_numpy(ids).long(), 7).float()):
            gates = step.weight_ih @ x + step.bias_ih + step.weight_hh @ hidden[0] + step.bias_hh
            hidden, cell = step(x.unsqueeze(0), (hidden, cell))
            i, f, g, o = gates.chunk(4)
            own = {"input": i.sigmoid(), "forget": f.sigmoid(), "candidate": g.tanh(), "output": o.sigmoid()}
            own |= {"cell": cell[0], "hidden": hidden[0]}
            for quantity, values in own.items():
                np.testing.assert_allclose(trace[f"1/{quantity}"][t], values, atol=1e-5, err_msg=quantity)


def test_a_trace_is_of_the_network_at_rest_whatever_the_training_does() -> None:
    model = CharRNN(make().architecture, LETTERS, dropout=0.5)
    ids = draw(30)
    expected = record(model.eval(), ids)
    with torch.autocast("cpu", torch.bfloat16):
        traced = record(model.train(), ids)
    assert model.training
    assert np.array_equal(traced.log_probabilities, expected.log_probabilities)
    assert np.array_equal(traced["2/hidden"], expected["2/hidden"])


def test_a_text_without_characters_has_an_empty_trace() -> None:
    trace = record(make(), np.array([], np.int32))
    assert len(trace) == 0
    assert trace["1/cell"].shape == (0, 6)


SMALL = Cut(chunk=300, segments=6, block=8)
"""So small that texts of 96 characters are cut into segments."""


def in_order(model: CharRNN, ids: np.ndarray) -> dict[str, np.ndarray]:
    """A trace whose text is not cut into segments."""
    return dict(record(model, ids, cut=Cut(segments=len(ids) + 1)).activations)


@pytest.mark.parametrize(("cell", "activation"), CELLS)
@settings(max_examples=12, deadline=None)
@given(
    length=st.integers(90, 420),
    scale=st.sampled_from([0.1, 0.5, 1.0]),
    memory=st.sampled_from([-2.0, 1.0, 6.0, 40.0]),
    seed=st.integers(0, 99),
)
def test_a_long_text_in_segments_is_the_text_in_order(
    cell: Any, activation: Any, length: int, scale: float, memory: float, seed: int
) -> None:
    model = make(cell=cell, activation=activation, scale=scale, seed=seed).double()
    for layer in model.layers:  # from a network that forgets at once to one that never does
        layer.forget_bias_(memory)
    ids = draw(length, seed)
    traced, exact = record(model, ids, cut=SMALL), in_order(model, ids)
    with torch.no_grad():  # what is chaotic makes much of any rounding: how much, one of the weights' tells
        for weights in model.parameters():
            weights.mul_(1 + 2.0**-50)
    for key, rounded in in_order(model, ids).items():
        allowed = 1e-5 * (1 + np.abs(exact[key])) + 10 * np.abs(rounded - exact[key]).max()
        assert (np.abs(traced[key] - exact[key]) <= allowed).all(), key


def test_a_full_memory_that_empties_later_is_traced_as_it_was() -> None:
    """A unit counts `a`s to far beyond what tanh shows, then counts `b`s down: what was hidden comes out."""
    model = make(layers=1, scale=0.05).double()
    weights = model.layers[0].tensors()
    with torch.no_grad():
        letter_a, letter_b = LETTERS.encode("ab").tolist()
        unit = 2
        for gate in (0, 1, 3):  # input, forget and output wide open
            row = gate * 6 + unit
            weights["weight_ih"][row] = 0
            weights["weight_hh"][row] = 0
            weights["bias_ih"][row] = 60.0
        row = 2 * 6 + unit
        weights["weight_hh"][row] = 0
        weights["weight_ih"][row] = 0
        weights["weight_ih"][row, letter_a] = 30.0
        weights["weight_ih"][row, letter_b] = -30.0
        weights["bias_ih"][row] = weights["bias_hh"][row] = 0
    ids = np.array([letter_a] * 130 + [letter_b] * 150, np.int32)
    ids[::7] = 4
    traced, expected = record(model, ids, cut=SMALL), in_order(model, ids)
    assert np.abs(expected["1/cell"][:, 2]).max() > 80
    for key, values in expected.items():
        np.testing.assert_allclose(traced[key], values, rtol=1e-6, atol=1e-6, err_msg=key)


def test_a_forgetful_network_runs_hardly_more_than_once() -> None:
    model = make(layers=1, scale=0.1).double()
    model.layers[0].forget_bias_(-3.0)
    run: list[int] = []

    def count(_: nn.Module, arguments: tuple[Any, ...], __: object) -> None:
        run.append(arguments[0].shape[0] * arguments[0].shape[1])

    with model.layers[0].register_forward_hook(count):
        record(model, draw(160 * 8), cut=Cut(segments=6, block=32))
    assert 160 * 8 <= sum(run) <= 1.6 * 160 * 8


def test_recording_can_be_cancelled() -> None:
    vocabulary = Vocabulary.of("abc")
    network = CharRNN(Architecture("lstm", 3, 8), vocabulary).eval()
    ids = np.arange(9000, dtype=np.int32) % network.architecture.vocabulary_size
    asked: list[bool] = []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        record(network, ids, progress=Progress(is_cancelled=is_cancelled))
    watched = record(network, ids, progress=Progress())
    np.testing.assert_allclose(watched["1/hidden"], record(network, ids)["1/hidden"], atol=1e-5)
