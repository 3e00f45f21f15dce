"""The race against three learners that are trained one after another."""

from __future__ import annotations

import pytest
import torch

from rnnscope.learn import race
from rnnscope.learn.race import CELLS, Numbers, Prepared, Race
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.progress import Cancelled, Progress
from rnnscope.text.ngram import held_out_losses
from rnnscope.training.evaluate import estimate_loss
from rnnscope.training.learner import Learner
from rnnscope.training.options import TrainOptions

NUMBERS = Numbers(hidden_size=8)


@pytest.fixture(scope="module")
def text() -> Prepared:
    return race.prepared(20_000)


def test_the_losses_are_those_of_networks_trained_alone(text: Prepared) -> None:
    contest = Race(text, NUMBERS)
    standings = list(contest.run(steps=4))
    assert [each.step for each in standings] == [0, 1, 2, 4]
    assert standings[-1].steps == (0, 1, 2, 4)
    for cell in CELLS:
        random = torch.Generator().manual_seed(race.SEED)
        model = CharRNN(Architecture(cell, len(text.vocabulary), 8), text.vocabulary, generator=random)
        options = TrainOptions(
            cell=cell,
            hidden_size=8,
            learning_rate=0.01,
            sequence_length=48,
            batch_size=32,
            reset_probability=0.0,
        )
        learner = Learner(model, text.train, options, torch.device("cpu"), "float32")
        for _ in range(4):
            learner.learn(0.01)
        expected = estimate_loss(model, text.held_out, characters=10_000).loss_nats
        assert standings[-1].losses[cell][-1] == pytest.approx(expected, rel=1e-6)
        assert (
            standings[-1].parameters[cell]
            == model.parameter_count
            == race.parameters(cell, 8, len(text.vocabulary))
        )
        assert len(standings[-1].samples[cell]) == 240


def test_an_interrupted_race_continues_with_the_same_losses(text: Prepared) -> None:
    whole = list(Race(text, NUMBERS).run(steps=4))[-1]
    contest, checks = Race(text, NUMBERS), iter([False, False, True])
    with pytest.raises(Cancelled):
        for _ in contest.run(Progress(is_cancelled=lambda: next(checks)), steps=4):
            pass
    assert contest.standing.step == 2
    assert list(contest.run(steps=4))[-1].losses == whole.losses


def test_samples_follow_the_temperature(text: Prepared) -> None:
    contest = Race(text, NUMBERS)
    (first,) = contest.run(steps=0)
    again = contest.resample(0.8)
    assert again.samples == first.samples
    assert contest.resample(0.2).samples != first.samples


def test_baselines_are_the_n_grams_of_the_training_text(text: Prepared) -> None:
    assert len(text.held_out) == pytest.approx(len(text.train) / 9, abs=1)
    expected = dict(held_out_losses(text.train, text.held_out, len(text.vocabulary)))
    assert text.baselines == expected
    assert expected["3-gram"] < expected["2-gram"] < expected["1-gram"] < expected["uniform"]


def test_networks_have_as_many_units_or_as_many_parameters() -> None:
    assert set(race.sizes(Numbers(hidden_size=32), 80).values()) == {32}
    found = race.sizes(Numbers(hidden_size=32, equal="parameters"), 80)
    assert found["lstm"] == 32 < found["gru"] < found["rnn"]
    counts = [race.parameters(cell, size, 80) for cell, size in found.items()]
    assert max(counts) / min(counts) < 1.03
