"""A text that is continued with clamped units, against a loop in float64 that clamps at every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnscope.analysis.ablation import Clamp
from rnnscope.analysis.clamped import Clamped
from rnnscope.analysis.writing import Writer
from rnnscope.network.model import CharRNN


def written_by_loop(
    model: CharRNN, ids: Sequence[int], count: int, clamps: Sequence[Clamp], seed: int, temperature: float
) -> list[int]:
    """An LSTM's equations in NumPy, with the outputs of the clamped units set at every step."""
    w = {name: tensor.detach().numpy().astype(np.float64) for name, tensor in model.tensors().items()}
    size, layers = model.architecture.hidden_size, model.architecture.layers
    h, c = np.zeros((layers, size)), np.zeros((layers, size))

    def clamp() -> None:
        for each in clamps:
            h[each.layer - 1, each.unit] = each.value

    def read(i: int) -> NDArray[np.float64]:
        x = np.eye(model.architecture.vocabulary_size)[i]
        for layer in range(layers):
            part = f"layers.{layer + 1}."
            total = w[part + "weight_ih"] @ x + w[part + "bias_ih"]
            total += w[part + "weight_hh"] @ h[layer] + w[part + "bias_hh"]
            gates = 1 / (1 + np.exp(-total.reshape(4, size)))
            c[layer] = gates[1] * c[layer] + gates[0] * np.tanh(total.reshape(4, size)[2])
            h[layer] = gates[3] * np.tanh(c[layer])
            clamp()
            x = h[layer]
        return w["readout.weight"] @ x + w["readout.bias"]

    clamp()
    for i in ids:
        logits = read(i)
    random, written = np.random.default_rng(seed), []
    for _ in range(count):
        reached = np.cumsum(np.exp((logits - logits.max()) / temperature))
        written.append(int(np.searchsorted(reached, random.random() * reached[-1], side="right")))
        logits = read(written[-1])
    return written


@pytest.mark.parametrize("layers", [1, 2])
def test_the_clamped_text_is_that_of_a_loop_with_the_units_clamped(make_network, layers: int) -> None:
    model, ids = make_network("lstm", 6, layers), [3, 1, 4, 1, 5]
    clamps = (Clamp(1, 2, 0.8), Clamp(layers, 4, -1.0))
    writer = Writer(model, ids, temperature=0.7, seed=11)
    for count in (1, 6, 13, 40):
        writer.write(count, clamps)
    expected = written_by_loop(model, ids, 60, clamps, 11, 0.7)
    assert writer.written == expected
    assert writer.written != written_by_loop(model, ids, 60, (), 11, 0.7)
    free = Writer(model, ids, temperature=0.7, seed=11)
    free.write(60)
    assert free.written == written_by_loop(model, ids, 60, (), 11, 0.7)


def test_another_clamp_holds_from_then_on_as_if_from_the_beginning(make_network) -> None:
    model, ids = make_network("lstm", 6, 1), [3, 1, 4]
    writer = Writer(model, ids, seed=2)
    writer.write(10)
    clamps = (Clamp(1, 0, 1.0),)
    writer.write(20, clamps)
    before = [*ids, *writer.written[:10]]
    assert writer.written[10:] == written_by_loop(model, before, 20, clamps, 2 + 10, 0.8)


def test_clamping_a_clamped_network_keeps_the_other_units_clamped(make_network) -> None:
    model = make_network("lstm", 6, 1)
    first = Clamped(model, (Clamp(1, 0, 0.5), Clamp(1, 1, 0.5)))
    second = Clamped(first, (Clamp(1, 1, -0.5),))
    assert second.clamps == (Clamp(1, 0, 0.5), Clamp(1, 1, -0.5))
    assert second.intact is model
    writer = Writer(first, [1, 2])
    writer.write(1)
    assert writer.network is model, "a writer begins with the intact network"
