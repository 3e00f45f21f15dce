"""The training text as B contiguous streams, read in parallel in chunks of T characters.

    text     abcdefghijklmnopqrstuvwx          B = 3, T = 4
    stream 1 abcd efgh                         chunk k is column k; state is carried to the next chunk,
    stream 2 ijkl mnop                         and targets are the characters shifted by one
    stream 3 qrst uvwx

Each pass over the text starts a little later than the one before, so that chunk boundaries vary.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.errors import TextError
from rnnscope.text.documents import NO_DOCUMENTS, Starts, begins_at

_GOLDEN = 0.6180339887498949


def fitted(characters: int, sequence_length: int, batch_size: int) -> tuple[int, int]:
    """Sequence length and batch size, reduced to fit a text of `characters`."""
    sequence_length = min(sequence_length, characters - 1)
    return sequence_length, min(batch_size, (characters - 1) // sequence_length)


class Streams:
    """The position of the streams; `epoch` and `position` are the complete state.

    ids: (N,) integers of any width; of a memory map only the current chunk is read.
    document_starts: positions at which the state is to be reset.
    """

    def __init__(
        self,
        ids: NDArray[np.generic],
        batch_size: int,
        sequence_length: int,
        document_starts: Starts = NO_DOCUMENTS,
    ) -> None:
        if len(ids) < 2:
            raise TextError("the text is too short to learn from: it needs at least 2 characters")
        self.sequence_length, self.batch_size = fitted(len(ids), sequence_length, batch_size)
        self.length = (len(ids) - 1) // self.batch_size  # characters per stream
        self.epoch = 0
        self.position = 0
        self._ids = ids
        self._document_starts = document_starts
        starts = np.arange(self.batch_size) * self.length
        self._window = np.arange(self.sequence_length + 1)[:, None] + starts  # (T+1, B)

    @property
    def characters_per_step(self) -> int:
        return self.batch_size * self.sequence_length

    @property
    def epochs(self) -> float:
        """The number of passes over the text so far, as a fraction."""
        return self.epoch + (1.0 if self.at_an_end else self.position / self.length)

    @property
    def at_an_end(self) -> bool:
        """Return True if the next chunk starts a new pass, at which the carried state is reset."""
        return self.position + self.sequence_length > self.length

    def begins(self) -> NDArray[np.bool_]:
        """(T, B) True where documents begin in the last chunk."""
        return begins_at(self._document_starts, self._window[:-1] + self.position - self.sequence_length)

    def next(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the next chunk, each (T, B) int64."""
        if self.at_an_end:
            self.epoch += 1
            slack = min(self.sequence_length, self.length - self.sequence_length + 1)
            self.position = int(slack * (self.epoch * _GOLDEN % 1))
        chunk = self._ids[self._window + self.position].astype(np.int64)  # (T+1, B)
        self.position += self.sequence_length
        characters = torch.from_numpy(chunk).to(device, non_blocking=True)
        return characters[:-1], characters[1:]
