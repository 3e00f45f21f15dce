"""The part of a text that searches read: recorded once, then asked by every search in no time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnscope.app.asking.desk import Ticket
from rnnscope.errors import TextError
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.progress import Progress
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.trace import Trace

LONGEST = 20_000
SHORTEST = 200
"""Characters below which there is nothing to search."""
_BYTES = 512 << 20
_PIECE = 2048
"""Characters recorded between two looks at whether they are still wanted."""


@dataclass(frozen=True, eq=False)
class Survey:
    """The trace of the text's first characters."""

    trace: Trace
    is_whole: bool
    """Whether that is the whole text."""

    def __len__(self) -> int:
        return len(self.trace)


def check_length(characters: int) -> None:
    """Raise TextError for a text that is too short to be searched."""
    if characters < SHORTEST:
        some = "one character" if characters == 1 else f"{characters} characters"
        raise TextError(f"the text has {some}; a search needs {SHORTEST} at least")


def surveyed(architecture: Architecture) -> int:
    """How many characters a survey reads, where there are so many."""
    return min(LONGEST, _BYTES // architecture.traced_bytes)


def survey(model: CharRNN, pages: TextReader, ticket: Ticket) -> Survey:
    """Record as many of the text's characters as fit. Raises Cancelled."""
    size = surveyed(model.architecture)
    parts = []
    for start in range(0, size, _PIECE):
        page = pages.page(start, min(start + _PIECE, size), Progress(is_cancelled=ticket.is_dropped))
        parts.append(page.trace)
        if len(page.trace) < min(_PIECE, size - start):
            break
    whole = joined([part for part in parts if len(part)])
    return Survey(whole, pages.text.is_counted and len(whole) >= pages.text.known)


def joined(parts: list[Trace]) -> Trace:
    """Traces that follow each other, as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Trace(
        first.architecture,
        first.symbols,
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.log_probabilities for part in parts]),
        {name: np.concatenate([part[name] for part in parts]) for name in first.activations},
        first.step,
    )
