"""What may be asked for, and how a wrong wish is refused."""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest

from rnnscope.errors import OptionError, RunError
from rnnscope.network.architecture import Architecture
from rnnscope.training import options as module
from rnnscope.training.options import TrainOptions, fine_tuned, resumed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 0), ("layers", 0), ("sequence_length", 0), ("batch_size", -3), ("minimum_count", 0),
        ("dropout", 1.0), ("dropout", -0.1), ("dropout", math.nan), ("learning_rate", 0.0),
        ("learning_rate", math.inf), ("learning_rate", math.nan), ("steps", 0), ("minutes", -1.0),
        ("minutes", math.inf), ("epochs", 0.0), ("embedding_size", -1), ("clip_norm", -1.0),
        ("weight_decay", math.nan), ("l1", -1.0), ("momentum", 1.0), ("smoothing", 1.0), ("held_out", 1.0),
        ("test", -0.1), ("temperature", -1.0), ("temperature", math.nan), ("anneal_fraction", 1.1),
        ("decay_factor", 0.0), ("seed", -1), ("seed", 2**53 + 1), ("evaluate_every", 10**20),
        ("minimum_count", 10**20), ("l1", 1e300), ("forget_bias", -1e40), ("threads", -1),
        ("warmup_steps", -1),
        ("reset_probability", 1.0), ("patience", -1), ("evaluate_every", 0), ("forget_bias", math.inf),
        ("activity_penalty", math.inf), ("change_penalty", -1.0),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_its_flag(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match="--" + name.replace("_", "-")) as caught:
        TrainOptions(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"held_out": 0.6, "test": 0.4}, "leave nothing to learn"),
        ({"tied": True}, "--embedding-size 256"),
        ({"schedule": "cosine"}, "needs an end"),
        ({"patience": 3, "held_out": 0.0}, "--held-out"),
        ({"schedule": "plateau", "held_out": 0.0}, "--held-out"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        TrainOptions(**values)


def test_the_same_options_are_accepted_where_they_make_sense() -> None:
    TrainOptions(tied=True, embedding_size=256)
    TrainOptions(schedule="cosine", minutes=2)


def test_weights_decay_by_default_only_where_that_stays_out_of_the_gradient() -> None:
    assert TrainOptions().decay == 0.1
    assert TrainOptions(optimizer="adam").decay == 0.0
    assert TrainOptions(optimizer="sgd", weight_decay=0.01).decay == 0.01


def test_every_option_has_a_help_text() -> None:
    tree = ast.parse(inspect.getsource(module))
    (body,) = [
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "TrainOptions"
    ]
    documented = {
        field.target.id
        for field, after in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    assert documented == {field.name for field in fields(TrainOptions)}


def test_options_survive_being_written_down() -> None:
    options = TrainOptions(text="a.txt", cell="gru", minutes=2.5, tied=False, seed=7)
    assert TrainOptions.from_json(options.to_json()) == options
    assert TrainOptions.from_json({"seed": 7, "of_another_version": 1}).seed == 7


def test_damaged_options_are_a_damaged_run() -> None:
    with pytest.raises(RunError, match="damaged"):
        TrainOptions.from_json({"hidden_size": "wide"})


def test_a_resumed_run_takes_its_budget_and_nothing_of_its_making() -> None:
    recorded = TrainOptions(text="a.txt", hidden_size=64, steps=100, minutes=3.0)
    assert resumed(recorded, TrainOptions(resume="run")) == TrainOptions(
        text="a.txt", hidden_size=64, steps=100, minutes=3.0, resume="run"
    )
    longer = resumed(recorded, TrainOptions(resume="run", steps=500, device="cpu"))
    assert (longer.steps, longer.minutes, longer.device, longer.hidden_size) == (500, None, "cpu", 64)


@pytest.mark.parametrize(
    ("asked", "flag"),
    [
        ({"hidden_size": 32}, "--hidden-size"),
        ({"hidden_size": 256}, "--hidden-size"),
        ({"cell": "lstm"}, "--cell"),
        ({"batch_size": 32}, "--batch-size"),
        ({"seed": 5}, "--seed"),
        ({"run": "elsewhere"}, "--run"),
        ({"tied": True}, "--tied"),
        ({"init_from": "model"}, "--init-from"),
    ],
)
def test_what_a_run_is_made_of_cannot_change(asked: dict[str, Any], flag: str) -> None:
    recorded = TrainOptions(text="a.txt", hidden_size=64, cell="gru", batch_size=8)
    with pytest.raises(OptionError, match=flag):
        resumed(recorded, TrainOptions(resume="run", **asked), given=asked)


def test_the_precision_that_auto_chose_may_be_given() -> None:
    recorded, asked = TrainOptions(text="a.txt"), TrainOptions(resume="run", precision="float32")
    assert resumed(recorded, asked, {"precision"}, precision="float32").precision == "auto"
    with pytest.raises(OptionError, match="--precision"):
        resumed(recorded, asked, {"precision"}, precision="bfloat16")


def test_the_directory_of_a_resumed_run_may_be_given_in_any_form() -> None:
    recorded = TrainOptions(text="a.txt", run="runs/a")
    for run in ("runs/a", "runs/a/", "./runs/a"):
        assert resumed(recorded, TrainOptions(resume="runs/a", run=run), {"run"}).run == "runs/a"
    with pytest.raises(OptionError, match="--run"):
        resumed(recorded, TrainOptions(resume="runs/a", run="a"), {"run"})


def test_what_is_given_counts_even_where_it_is_the_default() -> None:
    recorded = TrainOptions(text="a.txt", hidden_size=64, temperature=0.3, threads=3, device="cpu")
    asked = TrainOptions(resume="run", hidden_size=64, temperature=0.8, threads=0, run="run")
    options = resumed(recorded, asked, given=["resume", "hidden_size", "temperature", "threads", "run"])
    assert (options.hidden_size, options.temperature, options.threads) == (64, 0.8, 0)
    assert options.device == "cpu", "what is not given stays as recorded"
    assert resumed(recorded, TrainOptions(resume="run"), given=["resume"]).temperature == 0.3


MODEL = Architecture("gru", 30, hidden_size=64, layers=2, embedding_size=16)


@pytest.mark.parametrize(
    ("asked", "flag"),
    [
        ({"hidden_size": 256}, "--hidden-size is 64"),
        ({"layers": 1}, "--layers is 2"),
        ({"cell": "lstm"}, "--cell is gru"),
        ({"embedding_size": 64}, "--embedding-size is 16"),
        ({"tied": True, "embedding_size": 16, "hidden_size": 64}, "--tied is off"),
        ({"activation": "softsign"}, "--activation is tanh"),
        ({"encoding": "bytes"}, "--encoding is utf-8"),
        ({"minimum_count": 3}, "--minimum-count"),
        ({"forget_bias": 1.0}, "--forget-bias"),
    ],
)
def test_another_shape_than_that_of_the_model_is_refused(asked: dict[str, Any], flag: str) -> None:
    with pytest.raises(OptionError, match=flag):
        fine_tuned(MODEL, "utf-8", TrainOptions(text="a.txt", init_from="m", **asked), given=asked)


def test_a_fine_tuned_run_has_the_shape_of_its_model() -> None:
    asked = TrainOptions(text="a.txt", init_from="m", hidden_size=64, learning_rate=1e-3)
    options = fine_tuned(MODEL, "bytes", asked, given=["init_from", "hidden_size", "learning_rate"])
    assert (options.cell, options.layers, options.embedding_size, options.encoding) == ("gru", 2, 16, "bytes")
    assert options.learning_rate == 1e-3
