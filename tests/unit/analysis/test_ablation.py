"""Clamped units against a loop that clamps at every step, and a network whose weights are edited by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnnscope.analysis.ablation import Ablate, Clamp
from rnnscope.analysis.clamped import Clamped, sample_paired
from rnnscope.analysis.statistics import mean_interval
from rnnscope.errors import OptionError, TextError
from rnnscope.network.cells import CELLS
from rnnscope.network.sampling import Sampler
from rnnscope.progress import Cancelled, Progress
from rnnscope.session import Session
from rnnscope.tracing.keyframes import advance
from rnnscope.tracing.record import record, true_log_probabilities

WITH_CELL = [name for name in sorted(CELLS) if CELLS[name].has_cell]


def clamped_by_loop(model, ids, clamps, state=None):
    """ln p of every character after the first, one step and one layer at a time, the clamps in between."""
    state = model.initial_state(1) if state is None else state
    state = [[part.clone() for part in layer] for layer in state]
    found = []

    def clamp_part(layer: int, part: int, quantity: str) -> None:
        for clamp in clamps:
            if (clamp.layer - 1, clamp.quantity) == (layer, quantity):
                state[layer][part][:, clamp.unit] = clamp.value

    for layer in range(len(state)):
        clamp_part(layer, 0, "hidden")
        if len(state[layer]) == 2:
            clamp_part(layer, 1, "cell")
    with torch.no_grad():
        for now, following in itertools.pairwise(ids.tolist()):
            values = model.embed(torch.tensor([[now]]))
            for layer, cell in enumerate(model.layers):
                clamped_cells = [c for c in clamps if (c.layer - 1, c.quantity) == (layer, "cell")]
                quantities, after = cell.activations(values, tuple(state[layer]))
                state[layer] = [part.clone() for part in after]
                squash = torch.tanh if model.architecture.activation == "tanh" else functional.softsign
                for clamp in clamped_cells:
                    # h is made anew from the clamped c, by the gate that the cell computed
                    gate = output_gate(model, layer, quantities, clamp)
                    state[layer][0][:, clamp.unit] = gate * squash(torch.tensor(clamp.value))
                    state[layer][1][:, clamp.unit] = clamp.value
                clamp_part(layer, 0, "hidden")
                values = state[layer][0].unsqueeze(0)
            logits = model.readout(values)[0, 0]
            found.append(float(functional.log_softmax(logits, dim=-1)[following]))
    return np.array(found)


def output_gate(model, layer, quantities, clamp):
    """Of a clamped cell; with peepholes it saw the new c, which was not yet clamped: put that right."""
    gate = quantities["output"][0, 0, clamp.unit]
    tensors = model.layers[layer].tensors()
    if "peephole" not in tensors:
        return gate
    seen = quantities["cell"][0, 0, clamp.unit]
    return torch.sigmoid(torch.logit(gate) + tensors["peephole"][2, clamp.unit] * (clamp.value - seen))


TEXT = "".join("abcdefg"[i] for i in np.random.default_rng(7).integers(0, 7, 60))


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("value", [0.0, -0.37, 0.92, 1.0])
def test_hidden_units_are_clamped_at_every_step(cell, value, make_network, ids) -> None:
    network = make_network(cell, embedding=4, dtype=torch.float64)
    clamps = (Clamp(1, 2, value), Clamp(2, 0, -value / 2), Clamp(1, 5, 0.25))
    clamped = Clamped(network, clamps)
    found = true_log_probabilities(clamped, ids)
    np.testing.assert_allclose(found, clamped_by_loop(network, ids, clamps), atol=1e-5)
    assert np.abs(found - true_log_probabilities(network, ids)).max() > 0.01
    trace = record(clamped, ids)
    for clamp in clamps:
        np.testing.assert_allclose(trace[f"{clamp.layer}/hidden"][:, clamp.unit], clamp.value, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "activation"),
    [(cell, activation) for cell in WITH_CELL for activation in ("tanh", "softsign")],
)
def test_the_output_gate_of_a_clamped_cell_works_on(cell, activation, make_network, ids) -> None:
    network = make_network(cell, dtype=torch.float64, activation=activation)
    clamps = (Clamp(1, 3, 2.5, "cell"), Clamp(2, 1, -0.4, "cell"), Clamp(2, 2, 0.6), Clamp(1, 0, 0.0, "cell"))
    clamped = Clamped(network, clamps)
    expected = clamped_by_loop(network, ids, clamps)
    np.testing.assert_allclose(true_log_probabilities(clamped, ids), expected, atol=1e-5)
    trace = record(clamped, ids)
    np.testing.assert_allclose(trace["1/cell"][:, 3], 2.5, atol=1e-6)
    assert np.ptp(trace["1/hidden"][:, 3]) > 0.01


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_unit_at_zero_is_a_network_without_its_columns(cell, make_network, ids) -> None:
    """Zero the unit's columns by hand, wherever they are read."""
    network, edited = make_network(cell, embedding=6, tied=True), make_network(cell, embedding=6, tied=True)
    readout = edited.readout.weight.detach().clone()
    with torch.no_grad():
        edited.layers[0].tensors()["weight_hh"][:, 4] = 0.0
        edited.layers[1].tensors()["weight_ih"][:, 4] = 0.0
        edited.layers[1].tensors()["weight_hh"][:, 1] = 0.0
        readout[:, 1] = 0.0
        values = edited.embed(torch.from_numpy(ids.astype(np.int64))[:, None])
        for layer, state in zip(edited.layers, edited.initial_state(1), strict=True):
            values, _ = layer(values, state)
        logits = functional.linear(values, readout, edited.readout.bias)[:, 0]
        expected = functional.log_softmax(logits, -1).numpy()[np.arange(59), ids[1:]]
    intact = true_log_probabilities(network, ids)
    text = "".join(network.vocabulary.symbols[i] for i in ids)
    found = Session(network, text).ask(Ablate(("1/4", "2/1"), sample=0))
    np.testing.assert_allclose(found.delta_nats, intact - expected, atol=1e-5)
    assert abs(found.mean_nats) > 1e-3
    assert found.mean_nats == pytest.approx((intact - expected).mean(), abs=1e-5)
    assert found.loss_nats == pytest.approx(-intact.mean(), abs=1e-5)
    assert found.clamped_nats == pytest.approx(-expected.mean(), abs=1e-5)
    assert found.interval == mean_interval(found.delta_nats)
    assert found.samples is None
    order = np.argsort(-found.delta_nats)[:8] + 1
    assert [change.position for change in found.rises] == order.tolist()
    for change in found.rises:
        at = change.position - change.start
        assert change.text == text[change.start :][: len(change.text)]
        assert change.deltas_nats[at] == change.delta_nats == found.delta_nats[change.position - 1]


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_run_from_the_middle_is_clamped_from_its_first_step(cell, make_network) -> None:
    network = make_network(cell)
    session = Session(network, TEXT)
    ids = network.vocabulary.encode(TEXT)
    state = advance(network, ids[:20])
    clamps = (Clamp(1, 2, 0.8), Clamp(2, 3, 0.8))
    expected = clamped_by_loop(network, ids[20:50], clamps, state)
    intact = true_log_probabilities(network, ids[20:50], state)
    found = session.ask(Ablate(("1/2", "2/3"), 0.8, start=20, stop=50, sample=0))
    np.testing.assert_allclose(found.delta_nats, intact - expected, atol=1e-4)
    assert (found.start, found.stop, found.clamps) == (20, 50, clamps)
    assert found.interval is None  # of 29 predictions


@pytest.mark.parametrize("quantity", ["hidden", "cell"])
def test_units_are_clamped_to_their_means_over_the_characters_read(quantity, make_network) -> None:
    network = make_network()
    session = Session(network, TEXT)
    trace = record(network, network.vocabulary.encode(TEXT))
    units = ("1/2", "2/4")
    found = session.ask(Ablate(units, mean=True, quantity=quantity, start=10, stop=45, sample=0))
    for clamp in found.clamps:
        mean = trace[f"{clamp.layer}/{quantity}"][10:45, clamp.unit].mean()
        assert clamp.value == pytest.approx(float(mean), abs=1e-5)
        assert clamp.quantity == quantity
    of_one = session.ask(Ablate(units[:1], found.clamps[0].value, quantity=quantity, start=10, stop=45))
    np.testing.assert_allclose(
        session.ask(Ablate(units[:1], mean=True, quantity=quantity, start=10, stop=45)).delta_nats,
        of_one.delta_nats,
    )


def test_the_unit_that_a_prediction_rests_on_is_missed_there_alone(make_network) -> None:
    """A plain RNN whose unit 2 alone is on after `a`, and predicts the `b` that follows."""
    network = make_network("rnn", 4, 1)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.zero_()
        network.layers[0].tensors()["weight_ih"][2, 0] = 5.0
        network.readout.weight[1, 2] = 4.0
    text = "cabdefgcab" * 10
    found = Session(network, text).ask(Ablate(("1/2",), sample=0))
    after_a = np.array([text[at] == "a" for at in range(len(text) - 1)])
    assert (found.delta_nats[after_a] > 1).all()
    assert not found.delta_nats[~after_a].any()
    assert all(text[change.position - 1] == "a" for change in found.rises)
    assert found.interval is not None
    assert found.interval[0] < found.mean_nats < found.interval[1]
    other = Session(network, text).ask(Ablate(("1/0", "1/1", "1/3"), sample=0))
    assert not other.delta_nats.any()


def test_clamped_units_do_not_drift_over_a_long_text(make_network) -> None:
    long = np.random.default_rng(0).integers(0, 7, 20_000).astype(np.uint8)
    for cell in ("gru", "lstm"):
        trace = record(Clamped(make_network(cell), [Clamp(1, 1, 0.377), Clamp(2, 5, -0.9)]), long)
        assert np.abs(trace["1/hidden"][:, 1] - 0.377).max() < 1e-6
        assert np.abs(trace["2/hidden"][:, 5] + 0.9).max() < 1e-6


def test_the_original_model_is_not_changed(make_network) -> None:
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.tensors().items()}
    Session(network, TEXT).ask(Ablate(("1/1",), 0.5, quantity="cell"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.tensors().items())


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_two_samples_from_one_seed_differ_only_by_the_clamps(cell, make_network) -> None:
    network = make_network(cell)
    prompt = [1, 2, 3]

    def written(clamps: tuple[Clamp, ...]) -> list[tuple[int, int]]:
        both = sample_paired(network, clamps, prompt, 60, seed=5)
        return [(intact[0], clamped[0]) for intact, clamped in both]

    sampler = Sampler(network)
    sampler.feed(prompt)
    alone = [i for i, _ in sampler.stream(60, temperature=0.8, seed=5)]
    assert written(()) == [(i, i) for i in alone]
    clamps = (Clamp(1, 0, 0.9), Clamp(2, 3, -1.0))
    pairs = written(clamps)
    assert [intact for intact, _ in pairs] == alone
    chosen = np.array(prompt + [i for _, i in pairs])
    expected = record(Clamped(network, clamps), chosen).log_probabilities
    following = [clamped for _, clamped in sample_paired(network, clamps, prompt, 60, seed=5)]
    for place, (symbol, probability) in enumerate(following):
        assert math.log(probability) == pytest.approx(expected[place + 2, symbol], abs=1e-4)


def test_the_samples_of_a_query_continue_the_text(make_network) -> None:
    network = make_network()
    session = Session(network, TEXT)
    query = Ablate(("1/0",), 0.9, position=30, sample=50, seed=3)
    found = session.ask(query)
    ids = network.vocabulary.encode(TEXT)[:30].tolist()
    pairs = list(sample_paired(network, found.clamps, ids, 50, seed=3))
    symbols = network.vocabulary.symbols
    assert found.samples == tuple("".join(symbols[pair[which][0]] for pair in pairs) for which in (0, 1))
    assert session.ask(Ablate(("1/0",), 0.9, sample=5)).position == 60  # by default after the text


@pytest.mark.parametrize(
    ("cell", "query", "why"),
    [
        ("lstm", Ablate(("3/0",)), "there is no layer 3"),
        ("lstm", Ablate(("0/0",)), "there is no layer 0"),
        ("lstm", Ablate(("1/0", "1/6")), "there is no unit 1/6 in LSTM 2×6; units are 0 to 5"),
        ("lstm", Ablate(("1-6",)), "1-6 is not a unit; name one as LAYER/UNIT"),
        ("lstm", Ablate(()), "name at least one unit"),
        ("gru", Ablate(("1/0",), quantity="cell"), "has no cell state"),
        ("lstm", Ablate(("1/0",), 1.5), "--value is 1.5, but must be from -1 to 1"),
        ("lstm", Ablate(("1/0",), math.inf, quantity="cell"), "--value is inf"),
        ("lstm", Ablate(("1/0",), math.nan, quantity="cell"), "--value is nan"),
        ("lstm", Ablate(("1/0",), start=5, stop=6), "--stop is 6"),
    ],
)
def test_an_impossible_clamp_is_an_option_error(cell, query, why, make_network) -> None:
    with pytest.raises(OptionError, match=why):
        Session(make_network(cell), TEXT).ask(query)


def test_a_text_without_a_prediction_is_an_error(make_network) -> None:
    with pytest.raises(TextError, match="at least two are needed from --start 59 on"):
        Session(make_network(), TEXT).ask(Ablate(("1/0",), start=59))


def test_an_ablation_reports_its_progress_and_can_be_cancelled(make_network) -> None:
    shares: list[float] = []
    Session(make_network(), TEXT).ask(Ablate(("1/0",), mean=True), Progress(shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    asked = itertools.chain([False] * 2, itertools.repeat(True))
    with pytest.raises(Cancelled):
        Session(make_network(), TEXT).ask(Ablate(("1/0",)), Progress(is_cancelled=lambda: next(asked)))


def test_intervals_cover_the_mean_of_a_correlated_series() -> None:
    rng = np.random.default_rng(0)
    within = naive = 0
    for _ in range(400):
        noise = rng.normal(size=3200)
        series = np.empty(3200)
        series[0] = noise[0]
        for at in range(1, 3200):
            series[at] = 0.8 * series[at - 1] + noise[at]
        series = series[200:] + 5.0
        low, high = mean_interval(series)
        within += low <= 5.0 <= high
        half = 1.96 * series.std() / 3000**0.5
        naive += abs(series.mean() - 5.0) <= half
    assert 0.91 <= within / 400 <= 0.98
    assert naive / 400 < 0.6


def test_intervals_are_students_of_batch_means() -> None:
    values = np.random.default_rng(1).normal(size=50)
    batches = values.reshape(5, 10).mean(axis=1)
    half = 2.776445 * batches.std(ddof=1) / math.sqrt(5)  # Student's 97.5 % of 4 degrees, from tables
    assert mean_interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=2e-3)
    many = np.random.default_rng(2).normal(size=300)
    half = 2.045230 * many.reshape(30, 10).mean(axis=1).std(ddof=1) / math.sqrt(30)
    assert mean_interval(many) == pytest.approx((many.mean() - half, many.mean() + half), abs=1e-5)
    assert mean_interval(values[:49]) is None
