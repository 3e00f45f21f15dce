"""Held units against a loop that clamps at every step, and a network whose weights are edited by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnnscope.analysis.ablation import Clamped, ablate, sample_side_by_side
from rnnscope.analysis.effects import Clamp, mean_interval, means
from rnnscope.errors import OptionError
from rnnscope.network.cells import CELLS
from rnnscope.network.sampling import Sampler
from rnnscope.progress import Cancelled
from rnnscope.tracing.record import record, state_at, true_log_probabilities

WITH_CELL = [name for name in sorted(CELLS) if CELLS[name].has_cell]


def clamped_by_loop(model, ids, clamps, state=None):
    """ln p of every character after the first, one step and one layer at a time, the clamps in between."""
    state = model.initial_state(1) if state is None else state
    state = [[part.clone() for part in layer] for layer in state]
    found = []

    def hold(layer: int, part: int, quantity: str) -> None:
        for clamp in clamps:
            if (clamp.layer - 1, clamp.quantity) == (layer, quantity):
                state[layer][part][:, clamp.unit] = clamp.value

    for layer in range(len(state)):
        hold(layer, 0, "hidden")
        if len(state[layer]) == 2:
            hold(layer, 1, "cell")
    with torch.no_grad():
        for now, following in itertools.pairwise(ids.tolist()):
            values = model.embed(torch.tensor([[now]]))
            for layer, cell in enumerate(model.layers):
                held_cells = [c for c in clamps if (c.layer - 1, c.quantity) == (layer, "cell")]
                quantities, after = cell.activations(values, tuple(state[layer]))
                state[layer] = [part.clone() for part in after]
                squash = torch.tanh if model.architecture.activation == "tanh" else functional.softsign
                for clamp in held_cells:
                    # h is made anew from the clamped c, by the gate that the cell computed
                    gate = output_gate(model, layer, quantities, clamp)
                    state[layer][0][:, clamp.unit] = gate * squash(torch.tensor(clamp.value))
                    state[layer][1][:, clamp.unit] = clamp.value
                hold(layer, 0, "hidden")
                values = state[layer][0].unsqueeze(0)
            logits = model.readout(values)[0, 0]
            found.append(float(functional.log_softmax(logits, dim=-1)[following]))
    return np.array(found)


def output_gate(model, layer, quantities, clamp):
    """Of a held cell; with peepholes it saw the new c, which was not yet clamped: put that right."""
    gate = quantities["output"][0, 0, clamp.unit]
    tensors = model.layers[layer].tensors()
    if "peephole" not in tensors:
        return gate
    seen = quantities["cell"][0, 0, clamp.unit]
    return torch.sigmoid(torch.logit(gate) + tensors["peephole"][2, clamp.unit] * (clamp.value - seen))


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("value", [0.0, -0.37, 0.92, 1.0])
def test_hidden_units_are_held_at_every_step(cell, value, make_network, ids) -> None:
    network = make_network(cell, embedding=4, dtype=torch.float64)
    clamps = (Clamp(1, 2, value), Clamp(2, 0, -value / 2), Clamp(1, 5, 0.25))
    found = ablate(network, ids, clamps)
    np.testing.assert_allclose(found.plain, true_log_probabilities(network, ids), atol=1e-6)
    np.testing.assert_allclose(found.clamped, clamped_by_loop(network, ids, clamps), atol=1e-5)
    assert np.abs(found.delta_nats).max() > 0.01
    trace = record(Clamped(network, clamps), ids)
    for clamp in clamps:
        np.testing.assert_allclose(trace[f"{clamp.layer}/hidden"][:, clamp.unit], clamp.value, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "activation"),
    [(cell, activation) for cell in WITH_CELL for activation in ("tanh", "softsign")],
)
def test_cells_are_held_and_go_on_being_shown_by_their_gate(cell, activation, make_network, ids) -> None:
    network = make_network(cell, dtype=torch.float64, activation=activation)
    clamps = (Clamp(1, 3, 2.5, "cell"), Clamp(2, 1, -0.4, "cell"), Clamp(2, 2, 0.6), Clamp(1, 0, 0.0, "cell"))
    found = ablate(network, ids, clamps)
    np.testing.assert_allclose(found.clamped, clamped_by_loop(network, ids, clamps), atol=1e-5)
    trace = record(Clamped(network, clamps), ids)
    np.testing.assert_allclose(trace["1/cell"][:, 3], 2.5, atol=1e-6)
    assert np.ptp(trace["1/hidden"][:, 3]) > 0.01


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_unit_at_zero_is_a_network_without_what_it_says(cell, make_network, ids) -> None:
    """Zero its columns by hand, wherever they are read."""
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
    found = ablate(network, ids, (Clamp(1, 4), Clamp(2, 1)))
    np.testing.assert_allclose(found.clamped, expected, atol=1e-5)
    assert abs(found.mean_nats) > 1e-3
    np.testing.assert_allclose(found.mean_nats, (found.plain - expected).mean(), atol=1e-5)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_run_from_the_middle_is_held_from_its_first_step(cell, make_network, ids) -> None:
    network = make_network(cell)
    state = state_at(record(network, ids[:20]), 19, network)
    clamps = (Clamp(1, 2, 0.8), Clamp(2, 3, -0.8))
    found = ablate(network, ids[20:], clamps, state)
    expected = clamped_by_loop(network, ids[20:], clamps, state)
    np.testing.assert_allclose(found.clamped, expected, atol=1e-5)
    known = ablate(network, ids[20:], clamps, state, plain=found.plain)
    assert np.array_equal(known.delta_nats, found.delta_nats)


def test_held_units_do_not_drift_over_a_long_text(make_network) -> None:
    long = np.random.default_rng(0).integers(0, 7, 20_000).astype(np.uint8)
    for cell in ("gru", "lstm"):
        trace = record(Clamped(make_network(cell), [Clamp(1, 1, 0.377), Clamp(2, 5, -0.9)]), long)
        assert np.abs(trace["1/hidden"][:, 1] - 0.377).max() < 1e-6
        assert np.abs(trace["2/hidden"][:, 5] + 0.9).max() < 1e-6


def test_no_clamps_change_nothing_and_the_model_stays_as_it_was(make_network, ids) -> None:
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.tensors().items()}
    assert not ablate(network, ids, ()).delta_nats.any()
    ablate(network, ids, (Clamp(1, 1, 0.5, "cell"),))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.tensors().items())


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_two_samples_from_one_seed_part_only_by_the_clamps(cell, make_network) -> None:
    network = make_network(cell)
    prime = [1, 2, 3]

    def written(clamps: tuple[Clamp, ...]) -> list[tuple[int, int]]:
        both = sample_side_by_side(network, clamps, prime, 60, seed=5)
        return [(plain[0], clamped[0]) for plain, clamped in both]

    sampler = Sampler(network)
    sampler.feed(prime)
    alone = [i for i, _ in sampler.stream(60, seed=5)]
    assert written(()) == [(i, i) for i in alone]
    clamps = (Clamp(1, 0, 0.9), Clamp(2, 3, -1.0))
    pair = written(clamps)
    assert [plain for plain, _ in pair] == alone
    held = Clamped(network, clamps)
    chosen = np.array(prime + [i for _, i in pair])
    expected = record(held, chosen).log_probabilities
    following = [clamped for _, clamped in sample_side_by_side(network, clamps, prime, 60, seed=5)]
    for place, (symbol, probability) in enumerate(
        following
    ):  # what is written is what the held network expects
        assert math.log(probability) == pytest.approx(expected[place + 2, symbol], abs=1e-4)


@pytest.mark.parametrize(
    ("cell", "clamp", "why"),
    [
        ("lstm", Clamp(3, 0), "no unit 3/0"),
        ("lstm", Clamp(0, 0), "no unit 0/0"),
        ("lstm", Clamp(1, 6), "no unit 1/6"),
        ("lstm", Clamp(1, -1), "no unit 1/-1"),
        ("gru", Clamp(1, 0, 0.0, "cell"), "has no cell"),
        ("lstm", Clamp(1, 0, 1.5), "within −1..1"),
        ("lstm", Clamp(1, 0, math.nan, "cell"), "within"),
    ],
)
def test_impossible_clamps_are_refused(cell, clamp, why, make_network, ids) -> None:
    with pytest.raises(OptionError, match=why):
        ablate(make_network(cell), ids, (clamp,))


def test_an_ablation_reports_its_progress_and_can_be_cancelled(make_network, ids) -> None:
    network, shares = make_network(), []
    ablate(network, ids, (Clamp(1, 0),), told=shares.append)
    assert shares == [0.5, 1.0]
    asked = itertools.chain([False], itertools.repeat(True))
    with pytest.raises(Cancelled):
        ablate(network, ids, (Clamp(1, 0),), should_stop=lambda: next(asked))


def test_means_are_of_all_that_was_read(make_network, ids) -> None:
    network = make_network()
    trace = record(network, ids)
    found = means(record(network, ids).until(stop).since(stop - 9) for stop in range(9, 69, 9))
    assert set(found) == set(trace.activations)
    np.testing.assert_allclose(found["2/cell"], trace["2/cell"].mean(axis=0), atol=1e-6)


def test_intervals_hold_the_mean_of_a_series_that_resembles_itself() -> None:
    rng = np.random.default_rng(0)
    held = naive = 0
    for _ in range(400):
        noise = rng.normal(size=3200)
        series = np.empty(3200)
        series[0] = noise[0]
        for at in range(1, 3200):
            series[at] = 0.8 * series[at - 1] + noise[at]
        series = series[200:] + 5.0
        low, high = mean_interval(series)
        held += low <= 5.0 <= high
        half = 1.96 * series.std() / 3000**0.5
        naive += abs(series.mean() - 5.0) <= half
    assert 0.91 <= held / 400 <= 0.98
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
