"""When a loss has run away, and what is gone back to."""

from __future__ import annotations

import math

import pytest
import torch

from rnnscope.training.divergence import Guard, is_divergent


def guard(level_nats: float = 4.0) -> Guard:
    beginning = {"weight": torch.tensor([0.0])}
    return Guard(level_nats, beginning, beginning)


def look(guard: Guard, loss_nats: float, weight: float) -> float | None:
    """Judge a loss while the weight is `weight`; the weight to go back to, if any."""
    guard.losses_nats += [loss_nats] * 5
    good = guard.check({"weight": torch.tensor([weight])})
    return None if good is None else float(good["weight"])


@pytest.mark.parametrize("loss_nats", [math.nan, math.inf, 1e30, 6.6])
def test_a_loss_far_above_its_level_is_divergent(loss_nats: float) -> None:
    assert is_divergent(loss_nats, 4.0)


@pytest.mark.parametrize("loss_nats", [0.0, 3.9, 4.1, 6.4])
def test_an_ordinary_loss_is_not(loss_nats: float) -> None:
    assert not is_divergent(loss_nats, 4.0)


def test_one_bad_loss_among_good_ones_is_seen() -> None:
    watched = guard()
    watched.losses_nats += [4.0, 4.0, math.nan, 4.0]
    assert watched.check({"weight": torch.tensor([1.0])}) is not None
    assert watched.losses_nats == []


def test_it_goes_back_past_the_last_good_look_and_halves_the_rate_each_time() -> None:
    watched = guard()
    assert look(watched, 3.0, weight=1.0) is None
    assert look(watched, 2.9, weight=2.0) is None
    assert look(watched, 2.8, weight=3.0) is None
    assert look(watched, math.nan, weight=math.nan) == 2.0
    assert watched.rate_factor == 0.5
    assert look(watched, math.nan, weight=math.nan) == 2.0, "the trusted state stays until others are good"
    assert (watched.rate_factor, watched.returns_in_a_row) == (0.25, 2)
    assert look(watched, 2.7, weight=4.0) is None
    assert watched.returns_in_a_row == 0
    assert look(watched, math.inf, weight=5.0) == 2.0


def test_before_any_good_look_it_goes_back_to_the_beginning() -> None:
    assert look(guard(), math.inf, weight=9.0) == 0.0


def test_the_level_follows_good_losses_alone() -> None:
    watched = guard(4.0)
    for _ in range(30):
        look(watched, 2.0, weight=1.0)
    assert watched.level_nats == pytest.approx(2.0, abs=1e-3)
    look(watched, 100.0, weight=1.0)
    assert watched.level_nats == pytest.approx(2.0, abs=1e-3)


def test_what_is_kept_is_a_copy() -> None:
    watched = guard()
    weight = torch.tensor([1.0])
    for _ in range(2):
        watched.losses_nats.append(3.0)
        watched.check({"weight": weight})
    weight.fill_(math.nan)
    assert look(watched, math.nan, weight=math.nan) == 1.0
