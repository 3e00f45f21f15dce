"""Which device, which precision, how many threads."""

from __future__ import annotations

import pytest
import torch

from rnnscope.errors import DeviceError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.device import (
    Precision,
    autocast,
    available_devices,
    choose_device,
    choose_precision,
    device_title,
    physical_cores,
)

CPU = torch.device("cpu")


@pytest.fixture
def model() -> CharRNN:
    vocabulary = Vocabulary.of("abcd")
    return CharRNN(Architecture(vocabulary_size=4, hidden_size=8), vocabulary, dropout=0.5)


@pytest.mark.parametrize("available", [["cuda", "mps", "cpu"], ["mps", "cpu"], ["cpu"]])
def test_auto_takes_the_best_device(available: list[str]) -> None:
    assert choose_device("auto", available).type == available[0]


def test_the_devices_of_this_machine_are_listed_best_first() -> None:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    assert available_devices() == [name for name, is_available in here.items() if is_available]
    assert choose_device("auto").type == available_devices()[0]


def test_a_device_that_this_machine_lacks_is_refused_with_a_list_of_the_others() -> None:
    with pytest.raises(DeviceError, match=r"no cuda.*auto or mps, cpu"):
        choose_device("cuda", ["mps", "cpu"])


def test_the_title_of_a_cpu_has_its_threads() -> None:
    assert device_title(CPU).startswith("cpu, ")
    assert physical_cores() >= 1


@pytest.mark.parametrize(
    ("milliseconds", "expected"), [((30, 15), "bfloat16"), ((30, 28), "float32"), ((15, 30), "float32")]
)
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    model: CharRNN, milliseconds: tuple[int, int], expected: str
) -> None:
    slow, fast = milliseconds
    seconds = {"float32": slow / 1000, "bfloat16": fast / 1000}
    precision, why = choose_precision(
        "auto", model, CPU, 16, 4, measure=lambda trial, ids, precision: seconds[precision]
    )
    assert precision == expected
    assert f"{slow / fast:.1f} times" in why


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_requested_precision_is_not_measured(model: CharRNN, name: Precision) -> None:
    def fail(*_: object) -> float:
        pytest.fail("measured")

    assert choose_precision(name, model, CPU, 16, 4, measure=fail)[0] == name


def test_mps_computes_in_float32(model: CharRNN) -> None:
    mps = torch.device("mps")
    assert choose_precision("auto", model, mps, 16, 4)[0] == "float32"
    with pytest.raises(DeviceError, match="--precision float32"):
        choose_precision("bfloat16", model, mps, 16, 4)


def test_measuring_leaves_the_model_and_the_random_numbers_alone(model: CharRNN) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    choose_precision("auto", model, CPU, 16, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_slow_network_is_measured_in_two_trials(model: CharRNN) -> None:
    timed: list[Precision] = []

    def measure(_: object, __: object, precision: Precision) -> float:
        timed.append(precision)
        return 1.0

    choose_precision("auto", model, CPU, 16, 4, measure=measure, trial_seconds=0.0)
    assert timed == ["float32", "bfloat16"] * 2


def test_autocast_computes_products_in_the_precision_asked_for() -> None:
    ones = torch.ones(2, 2)
    with autocast(CPU, "bfloat16"):
        assert (ones @ ones).dtype == torch.bfloat16
    with autocast(CPU, "float32"):
        assert (ones @ ones).dtype == torch.float32
