"""Which device, which precision, how many threads."""

from __future__ import annotations

import pytest
import torch

from rnnscope.errors import DeviceError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training import device as module
from rnnscope.training.device import (
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


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest_kind_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str
) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert choose_device("auto").type == best
    assert available_devices()[-1] == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=False, mps=True)
    with pytest.raises(DeviceError, match=r"no cuda.*auto or mps, cpu"):
        choose_device("cuda")


def test_a_cpu_is_told_with_its_threads() -> None:
    assert device_title(CPU).startswith("cpu, ")
    assert physical_cores() >= 1


@pytest.mark.parametrize(
    ("milliseconds", "expected"), [((30, 15), "bfloat16"), ((30, 28), "float32"), ((15, 30), "float32")]
)
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    model: CharRNN, monkeypatch: pytest.MonkeyPatch, milliseconds: tuple[int, int], expected: str
) -> None:
    slow, fast = milliseconds
    measured = {"float32": slow / 1000, "bfloat16": fast / 1000}
    monkeypatch.setattr(module, "_seconds", lambda trial, ids, precision: measured[precision])
    precision, why = choose_precision("auto", model, CPU, 16, 4)
    assert precision == expected
    assert f"{slow / fast:.1f} times" in why


def test_what_is_asked_for_is_not_measured(model: CharRNN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_seconds", None)
    assert choose_precision("float32", model, CPU, 16, 4)[0] == "float32"
    assert choose_precision("bfloat16", model, CPU, 16, 4)[0] == "bfloat16"


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


def test_measuring_a_slow_network_does_not_take_long(model: CharRNN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIAL_SECONDS", 0.0)
    timed = []
    monkeypatch.setattr(module, "_seconds", lambda trial, ids, precision: timed.append(precision) or 1.0)
    choose_precision("auto", model, CPU, 16, 4)
    assert timed == ["float32", "bfloat16"] * 2


def test_autocast_computes_products_in_the_precision_asked_for() -> None:
    ones = torch.ones(2, 2)
    with autocast(CPU, "bfloat16"):
        assert (ones @ ones).dtype == torch.bfloat16
    with autocast(CPU, "float32"):
        assert (ones @ ones).dtype == torch.float32
