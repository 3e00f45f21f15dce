"""The loop: what it says, and how it heeds a hand on the controls."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.text.corpus import load_corpus
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.evaluate import evaluate
from rnnscope.training.events import (
    Compared,
    Evaluated,
    Event,
    Finished,
    Paused,
    Progress,
    Sampled,
    Saved,
    Started,
    Traced,
    Warned,
)
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import read_baselines, read_events
from rnnscope.training.trainer import Pace
from tests.unit.training.tiny import EAGER, TEXT, of, options, run_training, same, weights


def told_steps(said: list[Event]) -> list[int]:
    return [step for event in of(Progress, said) for step in event.steps.tolist()]


def test_a_run_begins_with_started_ends_with_finished_and_tells_every_step_once(tmp_path: Path) -> None:
    said = run_training(options(tmp_path))
    started, finished = said[0], said[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert (started.device, started.precision, started.resumed) == ("cpu", "float32", False)
    assert started.characters_per_step == 64
    assert started.train_characters + started.held_out_characters == len(TEXT)
    assert finished.reason == "steps"
    assert told_steps(said) == list(range(1, 61))
    assert all(before.elapsed_seconds <= after.elapsed_seconds for before, after in pairwise(said))
    assert all(before.step <= after.step for before, after in pairwise(said))


def test_progress_is_reported_about_ten_times_a_second_at_most(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, steps=None, minutes=0.02), pace=replace(EAGER, report_seconds=0.1))
    progress = of(Progress, said)
    assert 3 <= len(progress) <= 14
    assert max(len(event.steps) for event in progress) > 3


def test_the_network_learns(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, steps=300, hidden_size=24))
    losses = np.concatenate([event.losses_nats for event in of(Progress, said)])
    assert losses[0] == pytest.approx(np.log(24), abs=0.3)
    assert losses[-20:].mean() < 2.0


def test_the_last_figure_is_the_exact_loss_of_the_best_weights(tmp_path: Path) -> None:
    finished = run_training(options(tmp_path))[-1]
    assert isinstance(finished, Finished)
    best = load_model(tmp_path / "run" / "best.safetensors")
    expected = evaluate(best, load_corpus(tmp_path / "text.txt").held_out)
    assert finished.held_out_nats == pytest.approx(expected.loss_nats, abs=1e-9)
    training = read_header(tmp_path / "run" / "best.safetensors").training
    assert training["held_out_nats"] == finished.held_out_nats
    assert training["held_out_characters"] == expected.characters


def test_a_cancelled_last_evaluation_leaves_the_figure_by_which_the_weights_were_chosen(
    tmp_path: Path,
) -> None:
    def quit_in_the_last_evaluation(event: Event, controls: Controls) -> None:
        if isinstance(event, Saved) and event.kind == "last" and event.step == 60:
            controls.stop()

    said = run_training(options(tmp_path), quit_in_the_last_evaluation)
    finished, evaluated = said[-1], of(Evaluated, said)
    assert isinstance(finished, Finished)
    assert finished.reason == "steps"
    best = min(event.held_out_nats for event in evaluated)
    assert finished.held_out_nats == best
    assert [event.held_out_nats for event in evaluated if event.is_best][-1] == best
    assert read_header(tmp_path / "run" / "best.safetensors").training["held_out_nats"] == best
    assert all(event.characters == len(TEXT) // 10 - 1 for event in evaluated), "none is partial"


def test_a_cancelled_evaluation_is_not_recorded(tmp_path: Path) -> None:
    controls = Controls()

    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, Progress):
            controls.stop()  # after the step, before its evaluation

    said = run_training(options(tmp_path), stop, controls)
    assert not of(Evaluated, said)
    assert not (tmp_path / "run" / "best.safetensors").exists()


@pytest.mark.parametrize("steps", [4, 60, 300])
def test_a_model_file_has_the_training_loss_over_the_last_steps(tmp_path: Path, steps: int) -> None:
    said = run_training(options(tmp_path, steps=steps))
    losses = np.concatenate([event.losses_nats for event in of(Progress, said)])
    recent = losses[-max(10, steps // 20) :].mean()
    training = read_header(tmp_path / "run" / "last.safetensors").training
    assert training["train_nats"] == pytest.approx(recent, abs=1e-9)


def test_the_training_loss_over_the_last_steps_reaches_over_a_resumption(tmp_path: Path) -> None:
    run_training(options(tmp_path, steps=30, schedule="constant"))
    run_training(TrainOptions(resume=str(tmp_path / "run"), steps=33))
    run_training(options(tmp_path, run=str(tmp_path / "whole"), steps=33, schedule="constant"))
    found = [
        read_header(tmp_path / name / "last.safetensors").training["train_nats"] for name in ("run", "whole")
    ]
    assert found[0] == found[1]


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run_training(options(tmp_path, run=str(tmp_path / name), seed=seed))
        found.append(weights(tmp_path / name))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_observing_does_not_change_what_is_learned(tmp_path: Path) -> None:
    def pester(event: Event, controls: Controls) -> None:
        controls.sample_now()
        controls.trace_now()
        if event.step % 7 == 3:
            controls.save_now()

    run_training(options(tmp_path, run=str(tmp_path / "watched")), pester)
    blind = Pace(report_seconds=1e9, update_ratio_seconds=1e9, first_evaluation_seconds=1e9)
    run_training(
        options(tmp_path, run=str(tmp_path / "blind")),
        controls=Controls(ControlState(observing=False)),
        pace=blind,
    )
    assert same(weights(tmp_path / "watched"), weights(tmp_path / "blind"))


@pytest.mark.parametrize("schedule", ["wsd", "constant"])
def test_a_requested_finish_anneals_to_zero_and_ends(tmp_path: Path, schedule: str) -> None:
    def finish(event: Event, controls: Controls) -> None:
        if event.step >= 40:
            controls.set(finish=True)

    said = run_training(options(tmp_path, steps=None, schedule=schedule), finish)
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "finish"
    assert 240 <= finished.step <= 300
    annealing = [event for event in of(Progress, said) if event.phase == "annealing"]
    rates = [event.learning_rate for event in annealing]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.01 * 6e-3 * 1.5
    assert annealing[0].remaining_seconds is not None
    assert annealing[-1].fraction == pytest.approx(1.0)
    assert of(Progress, said)[0].remaining_seconds is None, "before, there is no end"


def test_stopped_it_saves_and_leaves_at_once(tmp_path: Path) -> None:
    asked = [0.0]

    def stop(event: Event, controls: Controls) -> None:
        if event.step >= 50 and not asked[0]:
            asked[0] = time.perf_counter()
            controls.stop()

    said = run_training(options(tmp_path, steps=None), stop, pace=Pace(baselines_seconds=0.0))
    assert time.perf_counter() - asked[0] < 1.0
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "stopped"
    assert read_header(tmp_path / "run" / "last.safetensors").training["step"] == finished.step
    assert told_steps(said) == list(range(1, finished.step + 1))


def test_stopped_while_the_text_is_read_it_leaves_nothing(tmp_path: Path) -> None:
    controls = Controls()
    controls.stop()
    assert run_training(options(tmp_path), controls=controls) == []
    assert not (tmp_path / "run").exists()


def test_stopped_before_the_first_step_it_still_leaves_a_run(tmp_path: Path) -> None:
    def stop(event: Event, controls: Controls) -> None:
        controls.stop()  # at Started

    assert run_training(options(tmp_path), stop)[-1].step == 0
    assert (tmp_path / "run" / "last.safetensors").exists()


def test_paused_it_stands_still_serves_requests_and_counts_no_time(tmp_path: Path) -> None:
    pauses: list[int] = []

    def pause(event: Event, controls: Controls) -> None:
        if event.step >= 20 and not pauses:
            pauses.append(event.step)
            controls.set(paused=True)
        elif isinstance(event, Paused) and event.paused:
            controls.set(passage="the ledger")
            controls.save_now()
            threading.Timer(0.5, lambda: controls.set(paused=False)).start()

    said = run_training(options(tmp_path), pause)
    first, last = (i for i, event in enumerate(said) if isinstance(event, Paused))
    between = said[first + 1 : last]
    assert {type(event) for event in between} == {Traced, Saved}
    assert said[last].step == said[first].step
    assert said[last].elapsed_seconds - said[first].elapsed_seconds < 0.01
    assert told_steps(said) == list(range(1, 61)), "and afterwards it goes on"


def test_stopped_while_paused_it_ends(tmp_path: Path) -> None:
    def on_event(event: Event, controls: Controls) -> None:
        controls.set(paused=True) if not isinstance(event, Paused) else controls.stop()

    finished = run_training(options(tmp_path), on_event)[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "stopped"


def test_the_hand_on_the_rate_is_obeyed_at_the_next_step(tmp_path: Path) -> None:
    def halve(event: Event, controls: Controls) -> None:
        if event.step >= 30:
            controls.set(learning_rate_factor=0.5)

    said = run_training(
        options(tmp_path, schedule="constant"), halve, pace=replace(EAGER, report_seconds=0.0)
    )
    progress = of(Progress, said)
    rates = {event.step: event.learning_rate for event in progress}
    assert rates[30] == pytest.approx(6e-3)
    assert rates[31] == pytest.approx(3e-3)


def test_saving_on_request_is_done_once(tmp_path: Path) -> None:
    def save(event: Event, controls: Controls) -> None:
        if isinstance(event, Progress) and event.step == 10:
            controls.save_now()

    said = run_training(options(tmp_path), save, pace=replace(EAGER, report_seconds=0.0))
    assert [event.step for event in of(Saved, said) if event.kind == "last"] == [11, 60]


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    learned = options(
        tmp_path, steps=5000, patience=2, evaluate_every=10, learning_rate=1e-9, schedule="constant"
    )
    said = run_training(learned)
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "patience"
    evaluated = [event for event in of(Evaluated, said) if event.step < finished.step]
    assert {event.step % 10 for event in evaluated} == {0}


def test_plateau_cuts_the_rate_when_the_loss_stands_still(tmp_path: Path) -> None:
    said = run_training(
        options(
            tmp_path, schedule="plateau", steps=400, evaluate_every=10, plateau_patience=2, hidden_size=16,
            learning_rate=0.05, decay_factor=0.5, warmup_steps=0,
        ),
        pace=replace(EAGER, report_seconds=0.0),
    )  # fmt: skip
    evaluated = {event.step: event.held_out_nats for event in of(Evaluated, said)}
    best, waited, rate = np.inf, 0, 0.05
    expected = {}
    for step in range(1, 401):
        expected[step] = rate
        if step % 10 == 0:
            improved = evaluated[step] < best - 1e-4
            waited = 0 if improved else waited + 1
            best = evaluated[step] if improved else best
            if waited == 2:
                rate, waited = rate / 2, 0
    assert rate < 0.05, "it did stand still"
    found = {event.step: event.learning_rate for event in of(Progress, said)}
    assert [found[step] for step in found] == pytest.approx([expected[step] for step in found])


@pytest.mark.parametrize("budget", [{"epochs": 1.5}, {"minutes": 0.01}])
def test_other_budgets_end_a_run_annealed(tmp_path: Path, budget: dict[str, Any]) -> None:
    said = run_training(options(tmp_path, steps=None, **budget))
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert [finished.reason] == list(budget)
    last = of(Progress, said)[-1]
    assert last.learning_rate < 0.1 * 6e-3
    assert last.phase == "annealing"
    assert last.fraction == pytest.approx(1.0, abs=0.05)
    if "epochs" in budget:
        assert last.epoch == pytest.approx(1.5, abs=0.05)
    else:
        assert 0.55 < last.elapsed_seconds < 2.0


def test_a_divergence_is_reported_and_survived(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, learning_rate=50.0, steps=1500, clip_norm=0.0))
    warned = [event for event in of(Warned, said) if event.kind == "divergence"]
    assert warned
    assert all(event.step % 50 == 0 for event in warned)
    assert np.isfinite(of(Progress, said)[-1].losses_nats).all()
    rates = [event.learning_rate for event in of(Progress, said)]
    assert min(rates) < max(rates) / 2


def test_without_a_held_out_part_it_trains_and_judges_nothing(tmp_path: Path) -> None:
    said = run_training(options(tmp_path, held_out=0.0), pace=replace(EAGER, baselines_seconds=0.0))
    assert of(Evaluated, said) == of(Compared, said) == []
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.held_out_nats is None
    assert finished.path.endswith("last.safetensors")


def test_a_plain_log_makes_no_traces(tmp_path: Path) -> None:
    said = run_training(
        options(tmp_path, steps=None, minutes=0.008), controls=Controls(ControlState(observing=False))
    )
    assert not of(Traced, said)
    assert [event.step for event in of(Sampled, said)] == [0], "only that of the untrained network"


def test_the_untrained_network_is_shown_first(tmp_path: Path) -> None:
    said = run_training(options(tmp_path), controls=Controls(ControlState(prime="the ")))
    assert [type(event) for event in said[1:3]] == [Traced, Sampled]
    sampled = of(Sampled, said)[0]
    assert (sampled.step, sampled.prime) == (0, "the ")
    resumed = run_training(TrainOptions(resume=str(tmp_path / "run"), steps=61))
    assert all(event.step > 0 for event in of(Sampled, resumed))


def test_samples_of_a_run_share_a_seed_until_another_is_asked_for(tmp_path: Path) -> None:
    def ask(event: Event, controls: Controls) -> None:
        if isinstance(event, Progress) and event.step in (10, 30):
            controls.set(temperature=0.8 + event.step * 1e-12)  # a sample, not another seed
        if isinstance(event, Progress) and event.step == 50:
            controls.sample_now()

    still: dict[str, Any] = {"learning_rate": 1e-30, "dropout": 0.0, "warmup_steps": 0, "weight_decay": 0.0}
    said = run_training(options(tmp_path, **still), ask, pace=replace(EAGER, report_seconds=0.0))
    *same_seed, another = [event.text for event in of(Sampled, said)]
    assert len(same_seed) >= 3
    assert len(set(same_seed)) == 1, "the weights do not change, so neither does the sample"
    assert another != same_seed[0]


def test_a_pause_shows_the_present_weights(tmp_path: Path) -> None:
    paused_at: list[int] = []

    def pause(event: Event, controls: Controls) -> None:
        if isinstance(event, Progress) and event.step == 40:
            controls.set(paused=True)
        if isinstance(event, Paused):
            paused_at.append(event.step)
        if isinstance(event, Traced) and paused_at:
            controls.set(paused=False)

    said = run_training(options(tmp_path), pause, pace=replace(EAGER, report_seconds=0.0))
    paused = next(i for i, event in enumerate(said) if isinstance(event, Paused))
    assert isinstance(said[paused + 1], Traced)
    assert said[paused + 1].step == said[paused].step


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"learning_rate": 3.0}, "smaller"),
        ({"learning_rate": 1e-9}, "larger"),
        ({"optimizer": "rmsprop", "learning_rate": 1.0, "cell": "peephole", "weight_decay": 1e-3}, "smaller"),
    ],
)
def test_a_loss_that_stays_at_the_character_frequencies_is_warned_of_once(
    tmp_path: Path, changes: dict[str, Any], advice: str
) -> None:
    said = run_training(options(tmp_path, steps=900, schedule="constant", **changes))
    (warned,) = [event.message for event in of(Warned, said) if "1-gram" in event.message]
    assert f"try a {advice} --learning-rate" in warned


def test_a_loss_that_falls_is_not_warned_of(tmp_path: Path) -> None:
    assert not of(Warned, run_training(options(tmp_path, steps=900, hidden_size=24)))


def test_plateau_has_a_floor_and_ends_there(tmp_path: Path) -> None:
    tmp_path.joinpath("text.txt").write_text("".join(np.random.default_rng(0).choice(list("ab"), 3000)))
    plateau: dict[str, Any] = {"decay_factor": 0.1, "evaluate_every": 1, "plateau_patience": 1}
    said = run_training(
        options(tmp_path, steps=None, schedule="plateau", **plateau), pace=replace(EAGER, report_seconds=0.0)
    )
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "patience"
    assert any("reached its floor" in note for note in finished.notes)
    assert min(event.learning_rate for event in of(Progress, said)[5:]) == pytest.approx(6e-3 * 1e-4)
    resumed = run_training(TrainOptions(resume=str(tmp_path / "run")))[-1]
    assert resumed.step > finished.step, "a resumed run waits once more"


def test_more_parameters_than_characters_are_noted(tmp_path: Path) -> None:
    def notes(hidden_size: int) -> str:
        (started, *_) = run_training(
            options(tmp_path, run=str(tmp_path / str(hidden_size)), hidden_size=hidden_size, steps=1)
        )
        assert isinstance(started, Started)
        return " ".join(started.notes)

    assert "expect overfitting" in notes(64)
    assert "overfitting" not in notes(4)


def test_a_loss_of_zero_has_no_sign(tmp_path: Path) -> None:
    tmp_path.joinpath("text.txt").write_text("a" * 3000)
    said = run_training(options(tmp_path, steps=5))
    losses = [float(x) for event in of(Progress, said) for x in event.losses_nats]
    losses += [event.held_out_nats for event in of(Evaluated, said)]
    assert losses
    assert all(str(loss) == "0.0" for loss in losses)


def test_everything_is_shown_within_seconds(tmp_path: Path) -> None:
    first: dict[type[Event], float] = {}

    def note(event: Event, controls: Controls) -> None:
        first.setdefault(type(event), event.elapsed_seconds)
        if {Traced, Sampled, Evaluated, Compared} <= first.keys():
            controls.stop()

    run_training(options(tmp_path, steps=None, minutes=0.06), note, pace=Pace())
    assert first[Traced] < 2.0
    assert first[Sampled] < 2.0
    assert first[Evaluated] < 4.0
    assert first[Compared] < 4.0


def test_baselines_are_computed_beside_the_training_and_kept(tmp_path: Path) -> None:
    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, Compared) and "5-gram" in event.baselines_nats:
            controls.stop()

    said = run_training(options(tmp_path, steps=None), stop, pace=replace(EAGER, baselines_seconds=0.0))
    compared = of(Compared, said)[-1].baselines_nats
    assert list(compared) == ["uniform", "1-gram", "2-gram", "3-gram", "5-gram"]
    assert read_baselines(tmp_path / "run") == pytest.approx(compared)

    again = run_training(
        options(tmp_path, run=None, text="", steps=None, resume=str(tmp_path / "run"), hidden_size=256,
                batch_size=32, sequence_length=64, warmup_steps=50, precision="auto"),
        stop,
    )  # fmt: skip
    assert of(Compared, again)[0].baselines_nats == pytest.approx(compared), "told again, not computed again"


def test_every_event_is_in_the_log(tmp_path: Path) -> None:
    said = run_training(options(tmp_path))
    kept = read_events(tmp_path / "run")
    assert told_steps(kept) == told_steps(said)
    assert [type(event) for event in (kept[0], kept[-1])] == [Started, Finished]
    assert [event.held_out_nats for event in of(Evaluated, kept)] == pytest.approx(
        [event.held_out_nats for event in of(Evaluated, said)]
    )
