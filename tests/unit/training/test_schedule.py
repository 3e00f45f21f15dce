"""The learning rate at each moment, and what ends a run."""

from __future__ import annotations

import math

import pytest

from rnnscope.training.options import TrainOptions
from rnnscope.training.schedule import Budget, Finish, Patience, Schedule


def schedule(kind: str, **changes: object) -> Schedule:
    chosen = {"learning_rate": 0.01, "warmup_steps": 0, "steps": 1000, "schedule": kind} | changes
    return Schedule.of(TrainOptions(**chosen))  # type: ignore[arg-type]


def test_the_rate_rises_in_equal_steps_to_its_height() -> None:
    rates = [schedule("constant", warmup_steps=3).rate(step, None) for step in range(6)]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])


def test_wsd_is_steady_and_then_falls_to_zero_over_the_last_part_of_the_budget() -> None:
    wsd = schedule("wsd", anneal_fraction=0.25)
    assert [wsd.rate(step, step / 1000) for step in (0, 500, 750)] == pytest.approx([0.01] * 3)
    assert wsd.rate(875, 0.875) == pytest.approx(0.005)
    assert wsd.rate(1000, 1.0) == 0.0
    assert [wsd.phase(step, step / 1000) for step in (749, 751)] == ["stable", "annealing"]


def test_wsd_without_a_budget_never_falls() -> None:
    wsd = schedule("wsd", steps=None)
    assert wsd.rate(10**9, None) == 0.01
    assert wsd.phase(10**9, None) == "stable"


def test_wsd_may_fall_from_the_start_or_not_at_all() -> None:
    assert schedule("wsd", anneal_fraction=1.0).rate(0, 0.4) == pytest.approx(0.006)
    assert schedule("wsd", anneal_fraction=0.0).rate(0, 0.999) == 0.01


def test_cosine_is_half_way_down_in_the_middle() -> None:
    cosine = schedule("cosine")
    expected = [0.01, 0.01 * (1 + math.cos(math.pi / 4)) / 2, 0.005, 0.0]
    assert [cosine.rate(0, done) for done in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(expected)


def test_step_and_plateau_cut_the_rate() -> None:
    step = schedule("step", decay_every=100, decay_factor=0.5)
    assert [step.rate(at, None) for at in (0, 99, 100, 250)] == pytest.approx([0.01, 0.01, 0.005, 0.0025])
    plateau = schedule("plateau", decay_factor=0.1)
    assert [plateau.rate(5, None, cuts=cuts) for cuts in (0, 1, 2)] == pytest.approx([0.01, 0.001, 0.0001])


def test_finishing_takes_a_quarter_of_the_steps_done_and_ends_at_zero() -> None:
    finish = Finish.asked_at(4000)
    assert finish.end == 5000
    wsd = schedule("wsd", steps=None)
    assert wsd.rate(4500, None, finish=finish) == pytest.approx(0.005)
    assert wsd.rate(5000, None, finish=finish) == 0.0
    assert wsd.phase(4001, None, finish=finish) == "annealing"
    assert Finish.asked_at(7).end == 207, "even early it takes long enough to help"


def test_a_budget_is_as_used_up_as_its_most_used_measure() -> None:
    budget = Budget(steps=100, seconds=60.0, epochs=2.0)
    assert budget.done(step=50, seconds=15.0, epochs=0.2) == 0.5
    assert budget.done(step=0, seconds=45.0, epochs=0.2) == 0.75
    assert budget.done(step=500, seconds=0.0, epochs=0.0) == 1.0
    assert Budget().done(500, 5.0, 5.0) is None


def test_a_budget_names_what_ran_out() -> None:
    budget = Budget(steps=100, seconds=60.0, epochs=2.0)
    assert budget.spent(99, 59.9, 1.9) is None
    assert budget.spent(100, 0.0, 0.0) == "steps"
    assert budget.spent(0, 60.0, 0.0) == "minutes"
    assert budget.spent(0, 0.0, 2.0) == "epochs"


def test_plateau_cuts_after_its_patience_and_starts_counting_anew() -> None:
    patience = Patience()
    cuts = []
    for loss in (2.0, 2.1, 2.2, 2.3, 2.4, 1.9, 2.0, 2.0):
        patience = patience.after(loss, plateau_patience=2)
        cuts.append(patience.cuts)
    assert cuts == [0, 0, 1, 1, 2, 2, 2, 3]
    assert patience.since_best == 2
    assert patience.best == 1.9


def test_falling_by_next_to_nothing_is_standing_still() -> None:
    patience = Patience()
    for loss in (2.0, 1.99999, 1.99998):
        patience = patience.after(loss, plateau_patience=9)
    assert (patience.best, patience.since_best) == (2.0, 2)
    assert patience.after(1.9998, 9).since_best == 0


def test_a_loss_that_is_no_number_is_no_improvement() -> None:
    assert Patience(best=2.0).after(math.nan, 3).since_best == 1
