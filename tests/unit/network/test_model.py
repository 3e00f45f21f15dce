"""The network around the cells."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from rnnscope.errors import OptionError
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.header import expected_shapes
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of("abcdefg")


def make(seed: int = 0, dropout: float = 0.0, **changes: Any) -> CharRNN:
    architecture = Architecture(**{"vocabulary_size": 7, "hidden_size": 6, "layers": 2, **changes})
    return CharRNN(architecture, LETTERS, dropout=dropout, generator=torch.Generator().manual_seed(seed))


def test_two_layers_over_one_hot_characters_are_torchs_own() -> None:
    model = make().double()
    theirs = nn.LSTM(7, 6, num_layers=2).double()
    for number, cell in enumerate(model.layers):
        for name, tensor in cell.tensors().items():
            getattr(theirs, f"{name}_l{number}").data.copy_(tensor)
    ids = torch.randint(7, (9, 3))
    state = tuple(tuple(torch.randn_like(part) for part in layer) for layer in model.initial_state(3))

    logits, last = model(ids, state)
    hidden, cells = (torch.stack(parts) for parts in zip(*state, strict=True))
    expected, expected_last = theirs(nn.functional.one_hot(ids, 7).double(), (hidden, cells))

    torch.testing.assert_close(logits, model.readout(expected), rtol=1e-12, atol=1e-13)
    for part, expected_part in zip(zip(*last, strict=True), expected_last, strict=True):
        torch.testing.assert_close(torch.stack(part), expected_part, rtol=1e-12, atol=1e-13)


def test_dropout_acts_between_layers_and_before_the_readout_and_only_in_training() -> None:
    ids = torch.zeros(400, 2, dtype=torch.int64)
    seen: list[tuple[float, float]] = []

    def look(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        zeros = (arguments[0] == 0).float().mean()
        seen.append((float(zeros), float(arguments[0].detach().abs().max())))

    model = make(dropout=0.3, embedding_size=4)
    for module in (*model.layers, model.readout):
        module.register_forward_pre_hook(look)
    model.train()(ids)
    model.eval()(ids)

    (first, _), (second, _), (readout, _), *evaluating = seen
    assert first == 0.0
    assert abs(second - 0.3) < 0.05
    assert abs(readout - 0.3) < 0.05
    assert all(zeros == 0.0 for zeros, _ in evaluating)


def test_the_state_carries_the_text_read_so_far() -> None:
    model = make().eval()
    ids = torch.randint(7, (10, 2))
    first, between = model(ids[:4])
    second, _ = model(ids[4:], between)
    torch.testing.assert_close(torch.cat((first, second)), model(ids)[0])


@pytest.mark.parametrize("cell", QUANTITIES)
@pytest.mark.parametrize("embedding", [{}, {"embedding_size": 3}, {"embedding_size": 6, "tied": True}])
def test_every_tensor_learns_and_has_its_name_and_shape(cell: Any, embedding: dict[str, Any]) -> None:
    model = make(cell=cell, **embedding)
    tensors = model.tensors()
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected_shapes(
        model.architecture
    )
    model(torch.randint(7, (5, 2)))[0].square().sum().backward()
    assert all(tensor.grad is not None and tensor.grad.isfinite().all() for tensor in tensors.values())
    different = {id(tensor): tensor.numel() for tensor in tensors.values()}
    assert model.parameter_count == sum(different.values())
    assert len(different) == len(tensors) - bool(model.architecture.tied)


def test_weights_are_drawn_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, same, other = make(seed=5), make(seed=5), make(seed=6)
    assert torch.equal(torch.random.get_rng_state(), state)
    pairs = list(zip(one.parameters(), same.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.readout.weight, other.readout.weight)


def test_without_a_generator_the_programs_seed_decides() -> None:
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(CharRNN(make().architecture, LETTERS).readout.weight)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_a_new_network_expects_every_character_alike() -> None:
    logits, _ = make(hidden_size=64)(torch.randint(7, (50, 4)))
    loss = -logits.log_softmax(-1).mean()
    assert abs(float(loss.detach()) - float(torch.tensor(7.0).log())) < 0.1


@pytest.mark.parametrize(
    ("changes", "dropout", "match"),
    [
        ({"tied": True}, 0.0, "tied"),
        ({"tied": True, "embedding_size": 5}, 0.0, "5 is not 6"),
        ({"hidden_size": 0}, 0.0, "at least one"),
        ({"layers": 0}, 0.0, "at least one"),
        ({"embedding_size": -1}, 0.0, "embedding"),
        ({"vocabulary_size": 8}, 0.0, "8 symbols"),
        ({}, 1.0, "dropout"),
        ({}, float("nan"), "dropout"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], dropout: float, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        make(dropout=dropout, **changes)
