"""Training time, and the spacing of what costs some."""

from __future__ import annotations

from time import sleep

import pytest

from rnnscope.training.clock import Clock, RunningTime, Throttle


class Time:
    """A time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def test_time_in_which_the_process_is_stopped_is_left_out(time: Time) -> None:
    cpu = Time()
    running = RunningTime(time, cpu)
    begin = running()
    for seconds, cpu_seconds, expected in (
        (0.1, 0.1, 0.1),
        (0.6, 0.0, 0.7),  # a slow disk
        (3600.0, 0.02, 0.7),  # Ctrl+Z
        (5.0, 4.9, 5.7),  # a computation that let no other thread run
        (0.1, 0.0, 5.8),
    ):
        time.now += seconds
        cpu.now += cpu_seconds
        assert running() - begin == pytest.approx(expected)
        assert running() - begin == pytest.approx(expected), "counted once"


def test_a_waiting_process_counts_its_time() -> None:
    with RunningTime() as running:
        begin = running()
        sleep(1.3)
        assert running() - begin == pytest.approx(1.3, abs=0.2)


def test_a_clock_goes_on_from_an_earlier_process_and_leaves_pauses_out(time: Time) -> None:
    clock = Clock(60.0, time)
    time.now += 5
    with clock.stopped():
        time.now += 1000
        assert clock.seconds == 65.0
    time.now += 2
    assert clock.seconds == 67.0


def test_what_is_spaced_costs_no_more_than_its_share(time: Time) -> None:
    clock = Clock(0.0, time)
    throttle = Throttle(clock, share=0.02, first_seconds=1.0)
    spent = 0.0
    for _ in range(100_000):
        time.now += 0.01
        if throttle.is_due:
            with throttle.measured():
                time.now += 0.2
                spent += 0.2
    assert spent / clock.seconds == pytest.approx(0.02, rel=0.05)


def test_the_first_time_comes_soon_and_others_not_too_often(time: Time) -> None:
    clock = Clock(500.0, time)
    throttle = Throttle(clock, share=0.5, first_seconds=1.0, least_seconds=30.0)
    assert not throttle.is_due
    time.now += 1
    assert throttle.is_due
    with throttle.measured():
        time.now += 1
    time.now += 29
    assert not throttle.is_due
    time.now += 1
    assert throttle.is_due


def test_what_costs_nothing_is_taken_once_a_while(time: Time) -> None:
    throttle = Throttle(Clock(0.0, time), least_seconds=0.1)
    taken = 0
    for _ in range(1000):
        time.now += 0.01
        taken += throttle.take()
    assert 90 <= taken <= 100


def test_what_is_asked_for_puts_off_what_is_due(time: Time) -> None:
    throttle = Throttle(Clock(0.0, time), share=0.1, first_seconds=1.0)
    with throttle.measured():
        time.now += 1
    time.now += 9
    assert not throttle.is_due
    time.now += 1.01
    assert throttle.is_due
