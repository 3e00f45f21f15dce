"""The whole of a text as ids, in a file without a name, so that a search along it takes no memory."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.app.asking.desk import Ticket
from rnnscope.errors import TextError
from rnnscope.progress import Progress
from rnnscope.tracing.reader import TextReader

_PIECE = 1 << 16


@dataclass(frozen=True, eq=False)
class Whole:
    """ids: (T,) on the disk. digest: of the text's characters."""

    ids: NDArray[np.integer]
    digest: str

    def __len__(self) -> int:
        return len(self.ids)


def read_whole(pages: TextReader, ticket: Ticket) -> Whole:
    """Encode a text of any length. Raises TextError, Cancelled."""
    progress = Progress(is_cancelled=ticket.is_dropped)
    length = pages.length(progress)
    dtype = np.int32
    digest = hashlib.sha256()
    try:
        with tempfile.TemporaryFile(prefix="rnnscope-") as file:
            for start in range(0, length, _PIECE):
                progress.check()
                stop = min(start + _PIECE, length)
                digest.update(pages.text.read(start, stop).encode("utf-8", "surrogatepass"))
                file.write(pages.ids(start, stop).astype(dtype).tobytes())
            file.flush()
            ids = np.memmap(file, dtype, "r", shape=(length,))  # holds on to the file when it is closed
    except OSError as error:
        told = error.strerror or str(error)
        raise TextError(f"the whole text cannot be laid out on the disk: {told.lower()}") from error
    return Whole(ids, digest.hexdigest())


def digest_of(text: str) -> str:
    """Of a part of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
