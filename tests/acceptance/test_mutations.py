"""Files damaged at random: each reader refuses them in one line, or reads what is left."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.faults import Reader, faults, readers

COUNTS = {
    "model": 500, "events": 400, "run": 60, "resume": 60, "last": 60,
    "baselines": 300, "remarks": 200, "bookmarks": 200, "labels": 200, "findings": 200,
}  # fmt: skip
"""Together about 2,000; those that begin to train take the longest."""


@pytest.fixture(scope="module")
def all_readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Reader]]:
    threads = torch.get_num_threads()
    yield readers(tmp_path_factory.mktemp("mutations"))
    torch.set_num_threads(threads)


def test_every_reader_accepts_its_own_file(all_readers: dict[str, Reader]) -> None:
    assert set(all_readers) == set(COUNTS)
    for reader in all_readers.values():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.read(reader.content)


@pytest.mark.parametrize("name", COUNTS)
def test_no_mutation_is_a_fault(name: str, all_readers: dict[str, Reader], tmp_path: Path) -> None:
    found = list(faults(name, all_readers[name], seed=1, count=COUNTS[name]))
    for fault in found:
        (tmp_path / f"{fault.reader}-{fault.number}").write_bytes(fault.content)
    assert not found, [f"{tmp_path}/{fault.reader}-{fault.number}: {fault.what}" for fault in found]
