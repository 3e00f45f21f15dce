"""Color a range of a text of any length, one part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rnnscope.export.colored import ColoredText, Facts
from rnnscope.export.subject import SURPRISE, Subject
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.tracing.trace import Trace

if TYPE_CHECKING:
    from rnnscope.tracing.reader import TextReader


def read_colored(
    reader: TextReader,
    subject: Subject,
    start: int,
    stop: int,
    *,
    facts: Facts = (),
    progress: Progress = NO_PROGRESS,
    stretch: int | None = None,
) -> ColoredText:
    """The characters start .. stop−1 of the reader's text, colored by `subject`.

    stretch: characters traced at once; None chooses as many as fit in about 64 MB. Raises TextError and
    Cancelled.
    """
    parts, has_unknown = [], False
    for trace, position, repeated in _traces(reader, subject, start, stop, progress, stretch):
        selection = subject.selection(trace)
        parts.append(ColoredText.of(selection, start=position - repeated, facts=facts)[repeated:])
        has_unknown |= trace.written is not None
    whole = ColoredText.joined(parts)
    # Each part has its own symbols where the vocabulary lacks characters of the text.
    return whole.with_text(reader.read(start, stop)) if has_unknown else whole


def _traces(
    reader: TextReader, subject: Subject, start: int, stop: int, progress: Progress, stretch: int | None
) -> Iterator[tuple[Trace, int, int]]:
    """Traces of consecutive parts, the position of each, and the number of characters it repeats.

    For surprise a part repeats the last character of the one before it, which predicts its first one.
    """
    if subject.quantity != SURPRISE:
        position = start
        for trace in reader.traces(start, stop, progress, stretch=stretch):
            yield trace, position, 0
            position += len(trace)
        return
    before: Trace | None = None
    position = max(0, start - 1)
    for trace in reader.traces(position, stop, progress, stretch=stretch):
        if before is not None:
            yield _with_last_of(before, trace), position, 1
        elif start == position:
            yield trace, position, 0
        elif len(trace) > 1:
            yield trace, start, 1
        before = trace
        position += len(trace)


def _with_last_of(before: Trace, trace: Trace) -> Trace:
    """A trace after the last character of the trace before it, without activations."""
    has_unknown = before.written is not None or trace.written is not None
    return replace(
        trace,
        ids=np.concatenate((before.ids[-1:], trace.ids)),
        log_probabilities=np.concatenate((before.log_probabilities[-1:], trace.log_probabilities)),
        activations={},
        written="".join((before.characters[-1], *trace.characters)) if has_unknown else None,
    )
