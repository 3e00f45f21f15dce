"""From requests at a desk to answers: one thread for what is shown at once, one for searches.

quick    ReadPage, TypeText, …        a page of the text, traced
long     NameNeurons, Find, …         passes over the text, told as they go on and dropped when asked to
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from rnnscope.app.asking.answers import Answer, Opened
from rnnscope.app.asking.desk import Desk, Ticket
from rnnscope.app.asking.requests import LANES, THREAD, Lane, Request
from rnnscope.header import read_header
from rnnscope.inspection.answering import answer
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.comparing import COMPARING
from rnnscope.inspection.crowds import CROWDS
from rnnscope.inspection.flowing import FLOWING
from rnnscope.inspection.opening import open_text
from rnnscope.inspection.probing import PROBING
from rnnscope.inspection.reading import READING
from rnnscope.inspection.searching import SEARCHING

_LEAVING_SECONDS = 0.4

Doing: TypeAlias = Callable[[Bench, Ticket], Iterator[Answer]]
"""Does a request, and yields what there is to say of it."""

ANSWERS: Mapping[type[Request], Doing] = {**READING, **SEARCHING, **PROBING, **COMPARING, **FLOWING, **CROWDS}


def serve(desk: Desk, path: Path, name: str, text: str | None) -> None:
    """Load the model, then answer until the desk is closed.

    text: the text to show, as the command line names it. Raises CheckpointError, TextError.
    """
    from rnnscope.checkpoint import load_model

    header = read_header(path)
    model = load_model(path)
    bench = Bench(model, open_text(model, header, path, text))
    held_out = header.training.get("held_out_nats")
    nats = float(held_out) if isinstance(held_out, int | float) else None
    desk.post(Opened(None, name, header.architecture, nats))
    failures: list[BaseException] = []

    def work_beside(lane: Lane) -> None:
        try:
            _work(desk, bench, lane)
        except BaseException as error:
            failures.append(error)
            desk.close()

    beside = [
        threading.Thread(target=work_beside, args=(lane,), name=THREAD + lane, daemon=True)
        for lane in LANES[1:]
    ]
    for thread in beside:
        thread.start()
    try:
        _work(desk, bench, LANES[0])
    finally:
        desk.close()
        for thread in beside:  # a search that cannot be stopped does not hold up leaving
            thread.join(_LEAVING_SECONDS)
    if failures:
        raise failures[0]


def _work(desk: Desk, bench: Bench, lane: Lane) -> None:
    answer(desk, lane, lambda ticket: ANSWERS[type(ticket.request)](bench, ticket))
