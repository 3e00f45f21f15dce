"""Chunks of contiguous streams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.errors import TextError
from rnnscope.training.streams import Streams

CPU = torch.device("cpu")


def test_each_stream_reads_its_own_stretch_and_predicts_the_next_character() -> None:
    streams = Streams(np.arange(25, dtype=np.uint8), batch_size=3, sequence_length=4)
    inputs, targets = streams.next(CPU)
    assert inputs.T.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]
    inputs, targets = streams.next(CPU)
    assert inputs.T.tolist() == [[4, 5, 6, 7], [12, 13, 14, 15], [20, 21, 22, 23]]
    assert torch.equal(targets, inputs + 1)
    assert inputs.dtype == torch.int64
    assert streams.at_an_end


@given(
    length=st.integers(2, 300),
    batch_size=st.integers(1, 9),
    sequence_length=st.integers(1, 20),
    data=st.data(),
)
def test_chunks_are_contiguous_within_a_pass_and_never_leave_the_text(
    length: int, batch_size: int, sequence_length: int, data: st.DataObject
) -> None:
    ids = np.arange(length, dtype=np.uint16)
    streams = Streams(ids, batch_size, sequence_length)
    before = None
    for _ in range(data.draw(st.integers(1, 60))):
        starts_anew = streams.at_an_end
        inputs, targets = streams.next(CPU)
        assert inputs.shape == (streams.sequence_length, streams.batch_size)
        assert torch.equal(targets, inputs + 1), "ids are positions here"
        assert int(targets.max()) < length
        if before is not None and not starts_anew:
            assert torch.equal(inputs[0], before + 1)
        before = inputs[-1]


def test_chunks_say_where_documents_begin() -> None:
    starts = np.array([1, 9, 10, 22])
    streams = Streams(np.arange(25, dtype=np.uint8), batch_size=3, sequence_length=4, document_starts=starts)
    for _ in range(7):
        inputs, _ = streams.next(CPU)
        begins = streams.begins()
        expected = np.isin(inputs.numpy(), starts)
        assert (begins is None and not expected.any()) or np.array_equal(begins, expected)


def test_every_pass_covers_the_text_but_for_less_than_two_chunks_a_stream() -> None:
    streams = Streams(np.arange(10_001, dtype=np.uint16), batch_size=4, sequence_length=32)
    for _ in range(5):
        seen: set[int] = set()
        while True:
            seen.update(streams.next(CPU)[0].flatten().tolist())
            if streams.at_an_end:
                break
        assert len(seen) > 10_000 - 4 * 2 * 32


def test_passes_break_the_text_at_different_characters() -> None:
    streams = Streams(np.arange(1001, dtype=np.uint16), batch_size=1, sequence_length=64)
    firsts = set()
    while streams.epoch < 6:
        if streams.at_an_end or streams.position == 0:
            firsts.add(int(streams.next(CPU)[0][0, 0]))
        else:
            streams.next(CPU)
    assert len(firsts) >= 5


def test_epoch_and_position_are_all_there_is_to_remember() -> None:
    ids = np.random.default_rng(0).integers(0, 50, 2000).astype(np.uint8)
    one = Streams(ids, 4, 16)
    for _ in range(100):
        one.next(CPU)
    other = Streams(ids, 4, 16)
    other.epoch, other.position = one.epoch, one.position
    for _ in range(100):
        assert torch.equal(one.next(CPU)[0], other.next(CPU)[0])
    assert one.epochs == other.epochs > 4


def test_a_pass_is_over_with_its_last_chunk() -> None:
    streams = Streams(np.arange(101, dtype=np.uint8), batch_size=2, sequence_length=16)
    passes = []
    for _ in range(4):
        streams.next(CPU)
        passes.append(streams.epochs)
    assert passes == [0.32, 0.64, 1.0, 1 + streams.position / 50]


def test_a_short_text_is_read_in_fewer_and_shorter_streams() -> None:
    streams = Streams(np.arange(10, dtype=np.uint8), batch_size=32, sequence_length=64)
    assert (streams.batch_size, streams.sequence_length) == (1, 9)
    assert Streams(np.arange(200, dtype=np.uint8), batch_size=32, sequence_length=64).batch_size == 3


def test_a_text_of_one_character_cannot_be_learned() -> None:
    with pytest.raises(TextError, match="too short"):
        Streams(np.zeros(1, np.uint8), 1, 1)


def test_a_memory_map_is_read_like_an_array(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("map") / "ids"
    ids = np.arange(250, dtype=np.uint8)
    ids.tofile(path)
    mapped = Streams(np.memmap(path, np.uint8, "r"), 3, 10)
    whole = Streams(ids, 3, 10)
    for _ in range(20):
        assert torch.equal(mapped.next(CPU)[0], whole.next(CPU)[0])
