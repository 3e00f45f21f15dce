"""Saturated gates against a loop over every value, and walking a text against reading it at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnscope.analysis.saturation import saturation
from rnnscope.analysis.walk import state_at, true_log_probabilities, walk
from rnnscope.network.cells import CELLS
from rnnscope.tracing.record import record


@pytest.mark.parametrize("cell", ["lstm", "gru", "coupled"])
def test_every_unit_is_one_dot_counted_over_the_whole_text(cell, make_network, ids) -> None:
    network = make_network(cell, spread=2.0)
    found = saturation(walk(network, ids, stretch=7))
    trace = record(network, ids)
    gates = {"lstm": 3, "gru": 2, "coupled": 3}[cell]
    assert (found.positions, len(found.gates)) == (60, 2 * gates)
    anything = 0
    for of_gate in found.gates:
        values = trace[f"{of_gate.layer}/{of_gate.gate}"]
        assert of_gate.left.shape == of_gate.right.shape == (6,)
        for unit in range(6):
            assert of_gate.left[unit] == sum(v < 0.1 for v in values[:, unit].tolist()) / 60
            assert of_gate.right[unit] == sum(v > 0.9 for v in values[:, unit].tolist()) / 60
            anything += of_gate.left[unit] + of_gate.right[unit]
    assert anything > 1
    assert found.of(2, found.gates[0].gate).layer == 2


def test_a_plain_network_has_no_gates(make_network, ids) -> None:
    found = saturation(walk(make_network("rnn"), ids))
    assert (found.positions, found.gates) == (60, ())
    with pytest.raises(KeyError):
        found.of(1, "forget")


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_stretches_follow_each_other_without_a_seam(cell, make_network, ids) -> None:
    network = make_network(cell)
    near = 1e-4 if cell == "rnn" else 1e-6  # a plain network makes more of a rounding at every step
    whole, told = record(network, ids), []
    pieces = list(walk(network, ids, stretch=25, told=told.append))
    assert [len(piece) for piece in pieces] == [25, 25, 10]
    assert told == [25 / 60, 50 / 60, 1.0]
    for name, values in whole.activations.items():
        np.testing.assert_allclose(np.concatenate([p[name] for p in pieces]), values, atol=near)
    later = record(network, ids[41:], state_at(whole, 40, network))
    np.testing.assert_allclose(later.log_probabilities, whole.log_probabilities[41:], atol=10 * near)


def test_true_characters_have_the_traces_probabilities(make_network, ids, monkeypatch) -> None:
    network = make_network().train()  # in training mode too: nothing is left out
    network.dropout.p = 0.5
    trace = record(network, ids)
    expected = trace.log_probabilities[np.arange(59), ids[1:]]
    monkeypatch.setattr("rnnscope.analysis.walk._LOSS_STRETCH", 16)
    told: list[float] = []
    found = true_log_probabilities(network, ids, told=told.append)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (told[-1], len(told)) == (1.0, 4)
    half = true_log_probabilities(network, ids[30:], state_at(trace, 29, network))
    np.testing.assert_allclose(half, expected[30:], atol=1e-5)
    assert len(true_log_probabilities(network, ids[:1])) == 0


def test_walks_end_when_asked(make_network, ids, monkeypatch) -> None:
    network = make_network()
    asked = iter([False, True])
    assert sum(map(len, walk(network, ids, stretch=20, should_stop=lambda: next(asked)))) == 20
    monkeypatch.setattr("rnnscope.analysis.walk._LOSS_STRETCH", 20)
    asked = iter([False, False, True])
    assert len(true_log_probabilities(network, ids, should_stop=lambda: next(asked))) == 40


def test_a_double_network_is_walked_in_its_own_type(make_network, ids) -> None:
    network = make_network("gru", dtype=torch.float64)
    whole = record(network, ids)
    walked = list(walk(network, ids, stretch=30))
    np.testing.assert_allclose(walked[1]["2/hidden"], whole["2/hidden"][30:], atol=1e-6)
