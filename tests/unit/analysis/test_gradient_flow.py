"""Gradients against float64 autograd of a plain loop over the cells' equations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.gradient_flow import GradientFlow, GradientFlowResult, gradient_norms, spread
from rnnscope.errors import CheckpointError, OptionError, RnnscopeError, TextError
from rnnscope.network.architecture import Activation, Architecture, CellName
from rnnscope.network.cells import CELLS
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.locate import sample_models
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.render.gradient_flow import curves, report
from rnnscope.session import Session
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.reader import substituting

ENGLISH = "The bell rang at seven, and the ferry left for the quay; nobody was late again.\n" * 20
GREEK = "ἄνδρα μοι ἔννεπε, μοῦσα, πολύτροπον, ὃς μάλα πολλὰ πλάγχθη\n" * 20


def by_loop(network: CharRNN, ids: NDArray[Any], reference: Any) -> dict[str, NDArray[np.float64]]:
    """The norms for one loss, (layers, D + 1): the last of `ids` is predicted from all before, from zeros.

    Every h and c is one tensor of a graph that is made step by step from the equations.
    """
    shape = network.architecture
    tensors = [
        {name: tensor.detach().double().requires_grad_() for name, tensor in cell.tensors().items()}
        for cell in network.layers
    ]
    states = [tuple(part.double() for part in layer) for layer in network.initial_state(1)]
    passed: dict[str, list[list[Tensor]]] = {"hidden": [], "cell": []}
    vectors = functional.one_hot(torch.from_numpy(ids[:-1].astype(np.int64)), shape.vocabulary_size).double()
    for x in vectors:
        values = x[None] if network.embedding is None else x[None] @ network.embedding.weight.double()
        steps = []
        for layer in range(shape.layers):
            _, states[layer] = reference(
                shape.cell, tensors[layer], values[None], states[layer], shape.activation
            )
            values = states[layer][0]
            steps.append(states[layer])
        passed["hidden"].append([state[0] for state in steps])
        if len(steps[0]) > 1:
            passed["cell"].append([state[1] for state in steps])
    readout = network.readout
    logits = values @ readout.weight.double().T + readout.bias.double()
    loss = -functional.log_softmax(logits, dim=-1)[0, int(ids[-1])]
    norms = {}
    for name, by_step in passed.items():
        if by_step:
            flat = [tensor for step in by_step for tensor in step]
            gradients = torch.autograd.grad(loss, flat, retain_graph=True)
            sizes = torch.stack([gradient.norm() for gradient in gradients]).view(-1, shape.layers)
            norms[name] = sizes.T.flip(1).detach().numpy()
    return norms


@pytest.mark.parametrize(
    ("cell", "activation"),
    [
        *((cell, "tanh") for cell in sorted(CELLS)),
        ("peephole", "softsign"),
        ("lstm", "softsign"),
        ("coupled", "softsign"),
    ],
)
@pytest.mark.parametrize("embedding", [0, 3])
def test_norms_are_those_of_autograd_over_a_plain_loop(
    cell: CellName, embedding: int, activation: Activation, make_network: Any, ids: Any, reference: Any
) -> None:
    network = make_network(cell, 5, 2, embedding=embedding, activation=activation, dtype=torch.float64)
    columns = torch.from_numpy(np.stack([ids[:12], ids[30:42]], axis=1).astype(np.int64))
    found = gradient_norms(network, columns, network.initial_state(2))
    for column, window in enumerate((ids[:12], ids[30:42])):
        expected = by_loop(network, window, reference)
        assert len(found) == len(expected)
        np.testing.assert_allclose(found[0, ..., column], expected["hidden"], rtol=1e-9)
        if "cell" in expected:
            np.testing.assert_allclose(found[1, ..., column], expected["cell"], rtol=1e-9)


def test_a_shipped_model_has_the_gradients_of_a_plain_loop_in_float64(reference: Any) -> None:
    model = load_model(sample_models()["archive-lstm"])
    text = ENGLISH[:150]
    result = Session(model, text).ask(GradientFlow(distance=40, losses=2))
    ids = model.vocabulary.encode(text)
    both = [by_loop(model, ids[: position + 1], reference) for position in spread(150, 2, 41)]
    for name, found in (("hidden", result.own.hidden), ("cell", result.own.cell)):
        norms = np.stack([expected[name][:, :41] for expected in both])
        assert found is not None
        np.testing.assert_allclose(found.mean, norms.mean(axis=0), rtol=1e-3)
        np.testing.assert_allclose(found.error, norms.std(axis=0, ddof=1) / 2**0.5, rtol=1e-2, atol=1e-6)
        np.testing.assert_allclose(found.rms, np.sqrt((norms**2).mean(axis=0)), rtol=1e-3)


def drawn(cell: CellName, text: str, layers: int = 2) -> CharRNN:
    vocabulary = Vocabulary.of(text)
    shape = Architecture(cell, len(vocabulary), 8, layers)
    return CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(5)).eval()


def norms_of(model: CharRNN, text: str, positions: Sequence[int], distance: int) -> NDArray[np.float64]:
    """(layers, D + 1) the mean norm of h's gradient; each window is read with everything before it."""
    ids = substituting(model.vocabulary).encode(text)
    total: Any = 0
    for position in positions:
        state, start = model.initial_state(1), position - distance - 1
        if start:
            with torch.no_grad():
                _, state = model(torch.from_numpy(ids[:start].astype(np.int64))[:, None], state)
        window = torch.from_numpy(ids[start : position + 1].astype(np.int64))[:, None]
        total = total + gradient_norms(model, window, state)[0, :, :, 0]
    mean: NDArray[np.float64] = total / len(positions)
    return mean


def test_losses_are_spread_over_the_whole_text_each_from_its_exact_state() -> None:
    model = drawn("lstm", ENGLISH)
    result = Session(model, ENGLISH).ask(GradientFlow(distance=20, losses=40))
    assert (result.distance, result.own.losses, result.own.title) == (20, 40, "LSTM 2×8")
    positions = spread(len(ENGLISH), 40, 21)
    assert positions[-1] == len(ENGLISH) - 1
    np.testing.assert_allclose(result.own.hidden.mean, norms_of(model, ENGLISH, positions, 20), rtol=1e-3)


def test_an_lstm_is_compared_with_the_sample_rnn_that_has_the_texts_characters() -> None:
    result = Session(drawn("lstm", ENGLISH), ENGLISH).ask(GradientFlow(losses=4))
    assert (result.other.name, result.other.title, result.unknown_share) == ("archive-rnn", "RNN 1×256", 0)
    other = load_model(sample_models()["archive-rnn"])
    positions = spread(len(ENGLISH), 4, 101)
    np.testing.assert_allclose(result.other.hidden.mean, norms_of(other, ENGLISH, positions, 100), rtol=1e-3)
    assert result.other.cell is None


def test_an_rnn_is_compared_with_an_lstm() -> None:
    result = Session(drawn("rnn", ENGLISH, 1), ENGLISH).ask(GradientFlow(losses=4))
    assert result.own.cell is None
    assert result.other.title.startswith("LSTM")
    assert result.other.cell is not None


def test_an_untrained_network_is_compared_where_no_sample_model_has_the_characters() -> None:
    results = [Session(drawn("gru", GREEK), GREEK).ask(GradientFlow(losses=4)) for _ in range(2)]
    titles = {(each.other.name, each.own.title, each.other.title) for each in results}
    assert titles == {("untrained", "GRU 2×8", "RNN 2×8")}
    np.testing.assert_array_equal(results[0].other.hidden.mean, results[1].other.hidden.mean)


def test_another_model_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    other = drawn("lstm", "The bell", 1)
    save_model(other, path, {})
    session = Session(drawn("lstm", ENGLISH), ENGLISH)
    result = session.ask(GradientFlow(losses=4, other=str(path)))
    assert (result.other.name, result.other.title) == ("mine", "LSTM 1×8")
    assert result.unknown_share == pytest.approx(sum(c not in "The bell" for c in ENGLISH) / len(ENGLISH))
    positions = spread(len(ENGLISH), 4, 101)
    np.testing.assert_allclose(result.other.hidden.mean, norms_of(other, ENGLISH, positions, 100), rtol=1e-3)
    with pytest.raises(CheckpointError, match="nowhere"):
        session.ask(GradientFlow(other="nowhere"))


def test_a_model_of_characters_reads_the_characters_of_a_text_of_bytes(tmp_path: Path) -> None:
    shape = Architecture("lstm", 256, 8, 1)
    model = CharRNN(shape, Vocabulary.of_bytes(), generator=torch.Generator().manual_seed(5)).eval()
    other = drawn("rnn", GREEK, 1)
    save_model(other, tmp_path / "mine.safetensors", {})
    query = GradientFlow(losses=4, other=str(tmp_path / "mine.safetensors"))
    result = Session(model, GREEK).ask(query)
    assert result.unknown_share == 0
    positions = spread(len(GREEK), 4, 101)
    np.testing.assert_allclose(result.other.hidden.mean, norms_of(other, GREEK, positions, 100), rtol=1e-3)


def test_a_short_text_is_gone_back_half_its_length_and_a_shorter_one_is_refused() -> None:
    model = drawn("lstm", ENGLISH)
    assert Session(model, ENGLISH[:60]).ask(GradientFlow()).own.hidden.mean.shape == (2, 30)
    with pytest.raises(TextError, match="15 characters"):
        Session(model, ENGLISH[:15]).ask(GradientFlow())
    for query in (GradientFlow(distance=0), GradientFlow(losses=1)):
        with pytest.raises(OptionError, match="must be"):
            Session(model, ENGLISH).ask(query)


def test_gradients_that_are_not_finite_are_refused() -> None:
    model = drawn("lstm", ENGLISH)
    with torch.no_grad():
        model.readout.weight[0] = torch.inf
    with pytest.raises(RnnscopeError, match="diverged"):
        Session(model, ENGLISH).ask(GradientFlow(losses=4))


def test_gradients_vanish_in_a_plain_network_and_last_where_nothing_is_forgotten(make_network: Any) -> None:
    plain, remembering = make_network("rnn", 8, 1, spread=0.2), make_network("lstm", 8, 1, spread=0.2)
    with torch.no_grad():
        bias = remembering.layers[0].tensors()["bias_ih"]
        bias[:8], bias[8:16], bias[16:24] = -3.0, 7.0, 0.0  # little is written, everything is kept
    text = "".join(np.random.default_rng(0).choice(list("abcdefg"), 300))
    asked = [
        Session(each, text).ask(GradientFlow(distance=60, losses=8)).own for each in (plain, remembering)
    ]
    assert asked[0].hidden.mean[0, 60] / asked[0].hidden.mean[0, 1] < 1e-9
    assert asked[1].cell is not None
    assert asked[1].cell.mean[0, 60] / asked[1].cell.mean[0, 0] > 0.5


def test_progress_rises_and_a_cancelled_query_has_no_result() -> None:
    session, shares = Session(drawn("lstm", ENGLISH), ENGLISH), []
    with pytest.raises(Cancelled):
        session.ask(GradientFlow(distance=10), Progress(is_cancelled=lambda: True))
    session.ask(GradientFlow(distance=10), Progress(shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_nothing_is_left_on_the_models_parameters(make_network: Any, ids: Any) -> None:
    network = make_network()
    columns = torch.from_numpy(ids[:12].astype(np.int64))[:, None]
    network.requires_grad_(False)
    frozen = gradient_norms(network, columns, network.initial_state(1))
    network.requires_grad_(True)
    found = gradient_norms(network, columns, network.initial_state(1))
    np.testing.assert_array_equal(found, frozen)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_positions_are_spread_over_a_text() -> None:
    assert spread(11, 3, 0) == [0, 5, 10]
    assert spread(4, 100, 2) == [2, 3]
    assert spread(4, 100, 4) == []


def test_a_curve_says_how_much_is_left() -> None:
    result: GradientFlowResult = Session(drawn("lstm", ENGLISH), ENGLISH).ask(GradientFlow(losses=8))
    drawn_curves = curves(result)
    assert [curve.name for curve in drawn_curves] == [
        "LSTM 1 cell",
        "LSTM 1 hidden",
        "LSTM 2 cell",
        "LSTM 2 hidden",
        "RNN hidden",
    ]
    first = drawn_curves[0]
    assert result.own.cell is not None
    assert first.left(7)[0] == pytest.approx(result.own.cell.mean[0, 7] / result.own.cell.mean[0, 0])
    assert first.half is not None
    assert first.left(first.half)[0] < 0.5 <= first.left(first.half - 1)[0]
    assert "archive-rnn" in report(result).legend
