"""A step of truncated backpropagation, and that nothing but the learner's own state decides the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.cells import CELLS, CellName
from rnnscope.network.model import CharRNN, State
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training import divergence
from rnnscope.training.device import Precision
from rnnscope.training.learner import Learner
from rnnscope.training.options import TrainOptions
from rnnscope.training.streams import Streams

CPU = torch.device("cpu")
VOCABULARY = Vocabulary.of("abcdefgh")
TEXT: NDArray[np.uint8] = (np.random.default_rng(1).integers(0, 3, 1500).cumsum() % 8).astype(np.uint8)


def model(dropout: float = 0.0, seed: int = 0, cell: CellName = "lstm") -> CharRNN:
    architecture = Architecture(cell, len(VOCABULARY), hidden_size=6, layers=2)
    return CharRNN(architecture, VOCABULARY, dropout=dropout, generator=torch.Generator().manual_seed(seed))


def learner(dropout: float = 0.0, precision: Precision = "float32", **options: Any) -> Learner:
    torch.manual_seed(11)
    chosen = TrainOptions(**({"batch_size": 4, "sequence_length": 10} | options))
    return Learner(model(dropout), TEXT, chosen, CPU, precision)


def test_steps_are_those_of_a_plain_loop_with_carried_detached_state() -> None:
    ours = learner(optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=0.0, reset_probability=0.0)
    plain, streams = model().double(), Streams(TEXT, 4, 10)
    state: State | None = None
    losses, norms = [], []
    for _ in range(80):
        ours.learn(0.5)
        if streams.at_an_end:
            state = None
        inputs, targets = streams.next(CPU)
        total = torch.zeros((), dtype=torch.float64)
        for now, following in zip(inputs, targets, strict=True):
            logits, state = plain(now[None], state)
            total = total + cross_entropy(logits[0], following)
        (loss := total / 10).backward()
        assert state is not None
        state = tuple(tuple(values.detach() for values in layer) for layer in state)
        losses.append(loss.item())
        gradients = torch.cat([p.grad.flatten() for p in plain.parameters() if p.grad is not None])
        norms.append(gradients.norm().item())
        with torch.no_grad():
            for parameter in plain.parameters():
                parameter -= 0.5 * parameter.grad
                parameter.grad = None
    assert streams.epoch == 2, "the state was started anew along the way"
    steps, found_losses, found_norms = ours.take_report()
    assert steps.tolist() == list(range(1, 81))
    np.testing.assert_allclose(found_losses, losses, rtol=1e-4)
    np.testing.assert_allclose(found_norms, norms, rtol=1e-3)
    for left, right in zip(ours.model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(left.detach(), right.detach(), atol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("activity", "change"), [(0.3, 0.0), (0.2, 0.5)])
def test_penalties_are_those_of_a_plain_float64_loop_and_the_loss_is_reported_without_them(
    cell: CellName, activity: float, change: float
) -> None:
    documents = np.array([33, 400, 731])
    rate, last = 0.3, {"rnn": 0, "gru": 0}.get(cell, 1)
    share = rate / 0.4  # the penalty decays with the learning rate
    asked = TrainOptions(
        batch_size=4, sequence_length=10, optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=0.0,
        reset_probability=0.0, activity_penalty=activity, change_penalty=change, learning_rate=0.4,
    )  # fmt: skip
    ours = Learner(model(cell=cell), TEXT, asked, CPU, "float32", documents)
    plain, streams = model(cell=cell).double(), Streams(TEXT, 4, 10, documents)
    state: State = plain.initial_state(4)
    for _ in range(30):
        ours.learn(rate)
        inputs, targets = streams.next(CPU)
        loss, penalty = torch.zeros(2, dtype=torch.float64)
        for now, following, begins in zip(inputs, targets, streams.begins(), strict=True):
            kept = torch.from_numpy(~begins)[:, None]
            before = tuple(tuple(part * kept for part in layer) for layer in state)
            logits, state = plain(now[None], before)
            loss = loss + cross_entropy(logits[0], following) / 10
            for old, new in zip(before, state, strict=True):
                penalty = penalty + activity * new[0].abs().mean() / (10 * 2)
                penalty = penalty + change * (new[last] - old[last]).abs().mean() / (10 * 2)
        plain.zero_grad()
        (loss + share * penalty).backward()
        state = tuple(tuple(values.detach() for values in layer) for layer in state)
        with torch.no_grad():
            for parameter in plain.parameters():
                parameter -= rate * parameter.grad
        assert ours.take_report()[1].item() == pytest.approx(loss.item(), rel=1e-4)
    for left, right in zip(ours.model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(left.detach(), right.detach(), atol=1e-4)


def test_losses_are_told_once_and_in_order() -> None:
    ours = learner()
    for _ in range(3):
        ours.learn(0.01)
    assert ours.take_report()[0].tolist() == [1, 2, 3]
    ours.learn(0.01)
    ours.fetch()
    ours.learn(0.01)
    steps, losses, norms = ours.take_report()
    assert steps.tolist() == [4, 5]
    assert losses.shape == norms.shape == (2,)
    assert ours.take_report()[0].shape == (0,)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stop", [1, 36, 50, 73])
def test_a_restored_learner_goes_on_to_the_bit(precision: Precision, stop: int) -> None:
    options = {"reset_probability": 0.3, "l1": 1e-4, "activity_penalty": 0.1, "change_penalty": 0.3}
    whole = learner(dropout=0.4, precision=precision, **options)
    for _ in range(120):
        whole.learn(0.02)
        whole.restore_after_divergence()

    first = learner(dropout=0.4, precision=precision, **options)
    for _ in range(stop):
        first.learn(0.02, measure_update=True)
        first.restore_after_divergence()
        first.take_report()
    numbers = first.numbers()
    tensors = {name: tensor.clone() for name, tensor in first.tensors().items()}
    second = learner(dropout=0.4, precision=precision, **options)
    second.learn(0.5)
    torch.manual_seed(99)
    second.restore(tensors, numbers)
    for _ in range(120 - stop):
        second.learn(0.02)
        second.restore_after_divergence()

    assert second.step == 120
    assert whole.tensors().keys() == second.tensors().keys()
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name
    assert whole.numbers() == second.numbers()


def test_streams_forget_with_the_probability_of_the_options() -> None:
    ours = learner(reset_probability=0.25)
    kept: list[torch.Tensor] = []

    def look(_: object, arguments: tuple[Any, ...]) -> None:
        state = arguments[1]
        if state is None:  # the text begins again
            return
        parts = torch.stack([values for layer in state for values in layer])  # (layers × parts, B, H)
        shares = (parts != 0).float().mean(dim=(0, 2))
        assert set(shares.tolist()) <= {0.0, 1.0}, "a stream forgets all or nothing"
        kept.append(shares)

    with ours.model.register_forward_pre_hook(look):
        for _ in range(500):
            ours.learn(0.0)
    assert len(kept) > 300
    assert float(torch.stack(kept).mean()) == pytest.approx(0.75, abs=0.05)


def test_a_poisoned_network_is_taken_back_and_learns_on_at_half_the_rate() -> None:
    ours = learner(learning_rate=0.01)
    returned = []
    for step in range(1, 401):
        ours.learn(0.01)
        if step == 170:
            with torch.no_grad():
                ours.model.readout.weight.fill_(float("nan"))
        if ours.restore_after_divergence():
            returned.append(step)
            for tensor in ours.tensors().values():
                assert tensor.isfinite().all()
    assert returned == [200]
    assert ours.guard.rate_factor == 0.5
    losses = ours.take_report()[1]
    assert np.isnan(losses[170:200]).all()
    assert np.isfinite(losses[200:]).all()
    assert losses[-50:].mean() < losses[150:170].mean()


def test_a_rate_far_too_high_is_halved_until_the_network_learns() -> None:
    ours = learner(learning_rate=100.0)
    returns = 0
    for _ in range(1500):
        ours.learn(100.0)
        returns += ours.restore_after_divergence()
    assert returns >= 3
    assert np.isfinite(ours.take_report()[1][-100:]).all()
    assert ours.take_report()[1].size == 0


def test_when_going_back_does_not_help_it_says_so() -> None:
    ours = learner()
    ours.guard.trusted["weights/readout.weight"].fill_(float("nan"))
    ours.guard.recent = ours.guard.trusted
    with torch.no_grad():
        ours.model.readout.weight.fill_(float("nan"))
    ours.guard.returns_in_a_row = divergence.GIVE_UP_AFTER - 1
    assert _learned_until_back(ours)
    with pytest.raises(OptionError, match="smaller --learning-rate"):
        _learned_until_back(ours)


def _learned_until_back(ours: Learner) -> bool:
    """Learn until the next look, and tell what it led to."""
    for _ in range(divergence.CHECK_EVERY):
        ours.learn(0.01)
    return ours.restore_after_divergence()


def test_the_update_ratio_is_that_of_the_weights_before_and_after() -> None:
    ours = learner()
    for _ in range(3):
        ours.learn(0.01)
    before = torch.cat([p.detach().flatten().clone() for p in ours.model.parameters()])
    ours.learn(0.01, measure_update=True)
    after = torch.cat([p.detach().flatten() for p in ours.model.parameters()])
    ours.fetch()
    assert ours.update_ratio == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-5)
