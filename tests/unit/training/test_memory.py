"""The memory that a training needs, estimated before it is allocated."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rnnscope.errors import DeviceError
from rnnscope.network.architecture import Architecture, CellName
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.memory import available_bytes, needed_bytes, out_of_memory_explained, require_memory
from rnnscope.training.options import TrainOptions
from tests.unit.training.tiny import options, run_training

GB = 10**9


@pytest.mark.parametrize("value", [2_000_000, 2**53])
@pytest.mark.parametrize("name", ["hidden_size", "layers", "embedding_size", "batch_size", "sequence_length"])
def test_what_cannot_fit_is_refused_by_the_option_to_reduce(name: str, value: int) -> None:
    changes: dict[str, Any] = {name: value}
    flag = "--" + name.replace("_", "-")
    with pytest.raises(DeviceError, match=f"reduce {flag} .it is {value:,}"):
        require_memory(TrainOptions(**changes), 10_000, 10**40, available_bytes=16 * GB)


def test_a_batch_is_counted_as_far_as_the_text_fills_it() -> None:
    require_memory(TrainOptions(batch_size=2_000_000), 100, 1_000, available_bytes=GB)
    require_memory(TrainOptions(sequence_length=2_000_000), 100, 1_000, available_bytes=GB)


def test_the_defaults_fit_into_little_memory() -> None:
    assert needed_bytes(TrainOptions(), 100, 1_000_000) < 0.1 * GB


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole", "coupled", "multiplicative"])
@pytest.mark.parametrize(("layers", "embedding_size"), [(1, 0), (3, 24)])
def test_the_estimate_follows_the_size_of_the_network(
    cell: CellName, layers: int, embedding_size: int
) -> None:
    vocabulary = Vocabulary.of("".join(map(chr, range(32, 112))))
    architecture = Architecture(cell, 80, hidden_size=48, layers=layers, embedding_size=embedding_size)
    parameters = CharRNN(architecture, vocabulary).parameter_count
    shape: dict[str, Any] = {"hidden_size": 48, "layers": layers, "embedding_size": embedding_size}
    chosen = TrainOptions(cell=cell, batch_size=1, sequence_length=1, **shape)
    weights_moments_and_copies = 40 * parameters
    needed = needed_bytes(chosen, 80, 2)
    assert 0.9 * weights_moments_and_copies < needed < 1.2 * weights_moments_and_copies


def test_the_memory_of_this_machine_is_known() -> None:
    assert 2**20 < available_bytes(torch.device("cpu")) < 2**50


def _exhaust_the_cpu() -> None:
    torch.empty(2**60)


def _exhaust_python() -> None:
    raise MemoryError


def _exhaust_a_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("exhaust", [_exhaust_the_cpu, _exhaust_python, _exhaust_a_gpu])
def test_a_failed_allocation_is_explained_whatever_failed(exhaust: Any) -> None:
    with (
        pytest.raises(DeviceError, match="out of memory; reduce --window"),
        out_of_memory_explained("reduce --window"),
    ):
        exhaust()


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="something else"), out_of_memory_explained("reduce"):
        raise RuntimeError("something else")


@pytest.mark.parametrize(
    "changes",
    [{"hidden_size": 10**9}, {"layers": 10**8}, {"embedding_size": 10**11}, {"hidden_size": 2**53}],
    ids=["hidden_size", "layers", "embedding_size", "the largest"],
)
def test_a_training_that_cannot_fit_ends_before_it_allocates(tmp_path: Any, changes: dict[str, int]) -> None:
    with pytest.raises(DeviceError, match=f"reduce --{next(iter(changes)).replace('_', '-')}"):
        run_training(options(tmp_path, **changes))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("changes", [{"batch_size": 10**12}, {"sequence_length": 10**12}])
@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_huge_batch_is_cut_to_the_text_before_precision_is_measured(
    tmp_path: Any, changes: dict[str, int], precision: str
) -> None:
    run_training(options(tmp_path, steps=2, precision=precision, **changes))
