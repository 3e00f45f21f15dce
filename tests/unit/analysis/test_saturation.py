"""Saturated gates against a loop over every value."""

from __future__ import annotations

import pytest

from rnnscope.analysis.saturation import saturation
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import record


@pytest.mark.parametrize("cell", ["lstm", "gru", "coupled"])
def test_every_unit_is_one_dot_counted_over_the_whole_text(cell, make_network, ids) -> None:
    network = make_network(cell, spread=2.0)
    found = saturation(TextReader(network, network.vocabulary.decode(ids)).traces(stretch=7))
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
    network = make_network("rnn")
    found = saturation([record(network, ids)])
    assert (found.positions, found.gates) == (60, ())
    with pytest.raises(KeyError):
        found.of(1, "forget")
