"""A training run from options to files: beginning, going on, going further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnscope.app.history import History
from rnnscope.commands.train import with_curves
from rnnscope.errors import DeviceError, OptionError, RnnscopeError, RunError, TextError
from rnnscope.network.checkpoint import load_model
from rnnscope.network.formats import read_header
from rnnscope.training.controls import Controls
from rnnscope.training.events import Evaluated, Event, Finished, Progress, Started
from rnnscope.training.launch import train
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import Run, read_baselines, read_events, read_run
from tests.unit.training.tiny import EAGER, TEXT, of, options, run_training, same, weights

CELLS = ("rnn", "lstm", "gru", "peephole", "coupled", "multiplicative")


def stop_at(step: int) -> Any:
    def on_event(event: Event, controls: Controls) -> None:
        if event.step >= step:
            controls.stop()

    return on_event


def again(run: Path, **changes: Any) -> TrainOptions:
    """`rnnscope train --resume RUN`, with one thread and whatever else is said."""
    return TrainOptions(resume=str(run), threads=1, **changes)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_trains_and_a_resumed_run_ends_with_the_same_bits(tmp_path: Path, cell: str) -> None:
    shape: dict[str, Any] = {"cell": cell, "layers": 2, "dropout": 0.3, "reset_probability": 0.1}
    run_training(options(tmp_path, run=str(tmp_path / "whole"), **shape))
    run_training(options(tmp_path, **shape), stop_at(17))
    said = run_training(again(tmp_path / "run"))
    assert isinstance(said[0], Started)
    assert said[0].resumed
    assert 17 <= said[0].step < 60
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam", "schedule": "cosine", "change_penalty": 0.3},
        {"optimizer": "rmsprop", "schedule": "step", "decay_every": 20},
        {"optimizer": "adagrad", "schedule": "plateau", "evaluate_every": 8, "plateau_patience": 1},
        {"optimizer": "sgd", "learning_rate": 0.5, "l1": 1e-4, "clip_value": 0.1},
        {"precision": "bfloat16", "embedding_size": 8, "tied": True},
        {"learning_rate": 30.0, "steps": 400},
    ],
    ids=["adam", "rmsprop", "adagrad", "sgd", "bfloat16", "divergence"],
)
def test_whatever_the_options_a_resumed_run_ends_with_the_same_bits(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    run_training(options(tmp_path, run=str(tmp_path / "whole"), **changes))
    run_training(options(tmp_path, **changes), stop_at(29))
    run_training(again(tmp_path / "run"), stop_at(41))
    run_training(again(tmp_path / "run"))
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_the_hand_on_the_rate_stays_where_it_was(tmp_path: Path) -> None:
    def halve_and_stop(event: Event, controls: Controls) -> None:
        controls.set(learning_rate_factor=0.5)
        stop_at(20)(event, controls)

    run_training(options(tmp_path, schedule="constant"), halve_and_stop)
    assert of(Progress, run_training(again(tmp_path / "run")))[-1].learning_rate == pytest.approx(3e-3)


def test_finishing_goes_on_after_a_stop(tmp_path: Path) -> None:
    def finish(event: Event, controls: Controls) -> None:
        if event.step >= 10:
            controls.set(finish=True)
        stop_at(50)(event, controls)

    run_training(options(tmp_path, steps=None), finish)
    finished = run_training(again(tmp_path / "run"))[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "finish"
    assert 210 <= finished.step <= 250


def test_a_run_that_is_done_asks_for_more_before_it_goes_on(tmp_path: Path) -> None:
    run_training(options(tmp_path))
    with pytest.raises(OptionError, match=r"60 steps.*--steps"):
        run_training(again(tmp_path / "run"))
    said = run_training(again(tmp_path / "run", steps=90))
    assert (said[0].step, said[-1].step) == (60, 90)
    assert said[-1].elapsed_seconds > said[0].elapsed_seconds > 0


def test_the_budget_of_a_resumed_run_is_that_of_the_whole_run(tmp_path: Path) -> None:
    run_training(options(tmp_path, steps=None), stop_at(30))
    finished = run_training(again(tmp_path / "run", steps=50))[-1]
    assert (finished.step, type(finished)) == (50, Finished)


def test_a_text_that_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    run_training(options(tmp_path), stop_at(10))
    (tmp_path / "text.txt").write_text(TEXT.replace("ferry", "horse"))
    with pytest.raises(RunError, match="is not the text"):
        run_training(again(tmp_path / "run"))


def test_a_text_that_moved_is_found_by_its_new_path(tmp_path: Path) -> None:
    run_training(options(tmp_path), stop_at(10))
    moved = tmp_path / "elsewhere.txt"
    (tmp_path / "text.txt").rename(moved)
    with pytest.raises(RunError, match="name its new place as TEXT"):
        run_training(again(tmp_path / "run"))
    run_training(again(tmp_path / "run", text=str(moved)), stop_at(20))
    assert run_training(again(tmp_path / "run"))[-1].step == 60, "the new path is remembered"
    assert len(read_run(tmp_path / "run").header["started"]) == 3, "the failed start is not among them"


def test_the_recorded_device_and_threads_are_used_again(tmp_path: Path) -> None:
    run_training(options(tmp_path, device="cpu", threads=2), stop_at(10))
    run_training(TrainOptions(resume=str(tmp_path / "run")))
    training = read_header(tmp_path / "run" / "last.safetensors").training
    assert (training["options"]["device"], torch.get_num_threads()) == ("cpu", 2)


def test_a_resumed_run_shows_its_whole_curve(tmp_path: Path) -> None:
    run_training(options(tmp_path), stop_at(30))
    shown: list[Event] = []
    train(again(tmp_path / "run"), Controls(), with_curves(shown.append), pace=EAGER)
    history = History()
    for event in shown:
        history.add(event)
    assert history.train.steps.tolist() == list(range(1, 61))
    assert history.held_out.steps[0] < 30 < history.held_out.steps[-1]
    evaluated = {event.step for event in of(Evaluated, read_events(tmp_path / "run"))}
    assert history.held_out.steps.tolist() == sorted(evaluated)
    assert [mark.step for mark in history.marks if mark.kind == "resumed"] == [30]
    assert history.baselines_nats == read_baselines(tmp_path / "run")


def test_after_a_refusal_the_run_is_free_again(tmp_path: Path) -> None:
    run_training(options(tmp_path))
    with pytest.raises(OptionError):
        run_training(again(tmp_path / "run"))
    Run.reopen(tmp_path / "run").close()


def test_what_made_a_run_is_written_down(tmp_path: Path) -> None:
    asked = options(tmp_path, seed=5)
    run_training(asked)
    header = read_run(tmp_path / "run").header
    assert TrainOptions.from_json(header["options"]) == asked
    assert header["corpus"]["characters"] == len(TEXT)
    assert (header["seed"], header["device"], header["precision"], header["threads"]) == (
        5,
        "cpu",
        "float32",
        1,
    )


def test_a_directory_that_holds_a_run_is_not_written_over(tmp_path: Path) -> None:
    run_training(options(tmp_path))
    with pytest.raises(RunError, match="--resume"):
        run_training(options(tmp_path))


def test_a_damaged_resume_file_is_told_in_one_line(tmp_path: Path) -> None:
    run_training(options(tmp_path), stop_at(10))
    path = tmp_path / "run" / "run.json"
    header = json.loads(path.read_text())
    del header["precision"]
    path.write_text(json.dumps(header))
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        run_training(again(tmp_path / "run"))


def test_fine_tuning_keeps_what_was_learned_and_grows_the_vocabulary(tmp_path: Path) -> None:
    run_training(options(tmp_path, hidden_size=12, layers=2))
    base = load_model(tmp_path / "run" / "best.safetensors")
    new = tmp_path / "new"
    new.mkdir()
    (new / "text.txt").write_text("Ünder the dock, 7 Ounces of «gold»!\n" * 60)
    said = run_training(
        options(
            new,
            init_from=str(tmp_path / "run"),
            hidden_size=12,
            layers=2,
            steps=1,
            learning_rate=1e-12,
            warmup_steps=0,
        )
    )
    assert isinstance(said[0], Started)
    assert said[0].architecture.title == "LSTM 2×12"
    grown = load_model(new / "run" / "last.safetensors")
    known = len(base.vocabulary)
    assert grown.vocabulary.symbols[:known] == base.vocabulary.symbols
    assert len(grown.vocabulary) > known
    for name, old in base.tensors().items():
        corner = grown.tensors()[name][tuple(slice(size) for size in old.shape)]
        torch.testing.assert_close(corner, old, atol=1e-6, rtol=0)
    fresh = grown.tensors()["layers.1.weight_ih"][:, known:]
    assert float(fresh.detach().abs().mean()) > 0.01, "new columns are drawn, not left at zero"

    run_training(
        options(new, run=str(new / "more"), init_from=str(tmp_path / "run"), hidden_size=12, layers=2),
        stop_at(5),
    )
    resumed = run_training(again(new / "more"))[-1]
    assert (resumed.step, type(resumed)) == (60, Finished)


def test_fine_tuning_starts_from_the_loss_that_was_reached(tmp_path: Path) -> None:
    first = run_training(options(tmp_path, steps=300, hidden_size=24))
    said = run_training(
        options(tmp_path, run=str(tmp_path / "more"), init_from=str(tmp_path / "run"), hidden_size=24)
    )
    assert of(Progress, first)[0].losses_nats[0] > 3.0
    assert of(Progress, said)[0].losses_nats[0] < 1.6


def test_rare_characters_share_a_symbol_and_that_is_told(tmp_path: Path) -> None:
    tmp_path.joinpath("text.txt").write_text(TEXT + "§¶")
    said = run_training(options(tmp_path, minimum_count=2), stop_at(10))
    assert isinstance(said[0], Started)
    assert said[0].unknown_characters == 2
    assert "§" not in said[0].symbols
    resumed = run_training(again(tmp_path / "run"))
    assert isinstance(resumed[0], Started)
    assert resumed[0].unknown_characters == 2


def test_bytes_of_any_file_can_be_learned(tmp_path: Path) -> None:
    tmp_path.joinpath("text.txt").write_bytes(bytes(range(256)) * 20)
    said = run_training(options(tmp_path, encoding="bytes", steps=5))
    assert isinstance(said[0], Started)
    assert said[0].architecture.vocabulary_size == 256


def test_documents_are_separate_examples_and_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    documents: dict[str, Any] = {"document_separator": r"\.\n", "reset_probability": 0.1}
    run_training(options(tmp_path, run=str(tmp_path / "whole"), **documents))
    run_training(options(tmp_path, run=str(tmp_path / "carried"), reset_probability=0.1))
    (started, *_) = run_training(options(tmp_path, **documents), stop_at(17))
    assert isinstance(started, Started)
    assert any("60 documents" in note for note in started.notes)
    run_training(again(tmp_path / "run"))
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))
    assert not same(weights(tmp_path / "run"), weights(tmp_path / "carried"))
    recorded = read_header(tmp_path / "run" / "best.safetensors").training["options"]
    assert recorded["document_separator"] == r"\.\n"


def test_a_separator_that_matches_nowhere_or_is_invalid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="matches nowhere"):
        run_training(options(tmp_path, document_separator="§"))
    with pytest.raises(OptionError, match="not a regular expression"):
        options(tmp_path, document_separator="(")


@pytest.mark.parametrize("text", ["hello", "ab", "aa", "a\nb", "0123456789"])
@pytest.mark.parametrize("cell", ["lstm", "peephole"])
def test_any_text_of_two_characters_trains(tmp_path: Path, text: str, cell: str) -> None:
    tmp_path.joinpath("text.txt").write_text(text)
    said = run_training(
        options(tmp_path, steps=20, cell=cell, batch_size=32, sequence_length=64, precision="auto")
    )
    (started, *_), finished = said, said[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert (started.train_characters, started.held_out_characters) == (len(text), 0)
    assert any("none for validation" in note for note in started.notes)
    assert any("per step" in note for note in started.notes)
    assert run_training(again(tmp_path / "run", steps=25))[-1].step == 25


@pytest.mark.parametrize("changes", [{"patience": 2}, {"schedule": "plateau"}])
def test_what_needs_validation_refuses_a_text_too_short_for_it(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    tmp_path.joinpath("text.txt").write_text("hello")
    with pytest.raises(OptionError, match="too short for validation"):
        run_training(options(tmp_path, **changes))


def test_a_short_text_is_learned_in_fewer_streams_and_that_is_told(tmp_path: Path) -> None:
    tmp_path.joinpath("text.txt").write_text("a ferry, a ferry, a ferry, a ferry")
    (started, *_) = run_training(options(tmp_path, batch_size=32, sequence_length=64, steps=3))
    assert isinstance(started, Started)
    assert any("short text" in note for note in started.notes)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"text": ""}, OptionError, "TEXT is missing"),
        ({"text": "/nowhere/at/all.txt"}, TextError, "/nowhere/at/all.txt"),
        pytest.param(
            {"device": "cuda"},
            DeviceError,
            "no cuda",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a cuda device"),
        ),
        ({"init_from": "nobody-trained-this"}, RnnscopeError, "nobody-trained-this"),
        ({"resume": "/nowhere/run", "text": "", "run": None}, RunError, "/nowhere/run"),
    ],
)
def test_what_cannot_begin_says_why(
    tmp_path: Path, changes: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        run_training(options(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_failed_allocation_is_an_error_with_advice(tmp_path: Path) -> None:
    def exhausted(event: Event, _: Controls) -> None:
        if isinstance(event, Progress):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="--batch-size"):
        run_training(options(tmp_path), exhausted)


@pytest.mark.parametrize(("activation", "noted"), [("softsign", True), ("tanh", False)])
def test_a_run_without_the_fused_kernel_notes_what_that_costs(
    tmp_path: Path, activation: str, noted: bool
) -> None:
    tmp_path.joinpath("text.txt").write_text("a ferry, a ferry, a ferry, a ferry")
    said = run_training(options(tmp_path, cell="lstm", activation=activation, steps=3))
    started, finished = said[0], said[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert any("without PyTorch's fused kernel" in note for note in started.notes) == noted
    assert run_training(again(tmp_path / "run", steps=5))[-1].step == 5


def test_a_run_that_spent_the_budget_of_a_resume_asks_for_more(tmp_path: Path) -> None:
    run_training(options(tmp_path, steps=5))
    run = str(tmp_path / "run")
    run_training(TrainOptions(resume=run, epochs=2.0))
    with pytest.raises(OptionError, match="done: all epochs; to resume it, give more with --epochs"):
        run_training(TrainOptions(resume=run))
