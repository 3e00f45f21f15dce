"""From requests at a desk to answers: one thread for what is shown at once, one for searches.

quick    ReadPage, TypeText, …        a page of the text, traced
long     NameNeurons, Find, …         passes over the text, told as they go on and dropped when asked to
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from rnnscope.app.asking.answers import Answer, Noted, Opened
from rnnscope.app.asking.desk import Desk, Ticket
from rnnscope.app.asking.requests import LANES, THREAD, Lane, Request
from rnnscope.errors import CheckpointError
from rnnscope.inspection.answering import answer
from rnnscope.inspection.bench import Bench
from rnnscope.inspection.comparing import COMPARING
from rnnscope.inspection.crowds import CROWDS
from rnnscope.inspection.flowing import FLOWING
from rnnscope.inspection.kept import Kept, digest_of_file, findings_path
from rnnscope.inspection.places import PLACES
from rnnscope.inspection.probing import PROBING
from rnnscope.inspection.reading import READING
from rnnscope.inspection.searching import SEARCHING
from rnnscope.network.header import read_header
from rnnscope.opening import open_text
from rnnscope.progress import Cancelled, Progress

_LEAVING_SECONDS = 0.4
_CHANGED = "the model file has changed since it was opened: what is seen is the earlier one"

Doing: TypeAlias = Callable[[Bench, Ticket], Iterator[Answer]]
"""Does a request, and yields what there is to say of it."""

ANSWERS: Mapping[type[Request], Doing] = {
    **READING,
    **SEARCHING,
    **PROBING,
    **PLACES,
    **COMPARING,
    **FLOWING,
    **CROWDS,
}


def serve(desk: Desk, path: Path, name: str, text: str | None, *, allow_nonfinite: bool = False) -> None:
    """Load the model, then answer until the desk is closed.

    text: the text to show, as the command line names it. Raises CheckpointError, TextError.
    """
    from rnnscope.network.checkpoint import load_model

    header = read_header(path)
    file = ModelFile(path)
    model = load_model(path, allow_nonfinite=allow_nonfinite)
    kept = Kept(findings_path(path), file.digest, header.architecture)
    try:
        opening = open_text(model, header, path, text, Progress(is_cancelled=lambda: desk.is_closed))
    except Cancelled:
        return
    bench = Bench(model, opening, kept)
    held_out = header.training.get("held_out_nats")
    nats = float(held_out) if isinstance(held_out, int | float) else None
    desk.post(Opened(None, name, header.architecture, nats, tuple(kept.notes)))
    failures: list[BaseException] = []

    def heed_file() -> None:
        if file.has_changed():
            kept.forget_file()
            desk.post(Noted(None, _CHANGED))

    def work_beside(lane: Lane) -> None:
        try:
            _work(desk, bench, lane, heed_file)
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
        _work(desk, bench, LANES[0], heed_file)
    finally:
        desk.close()
        end = time.monotonic() + _LEAVING_SECONDS
        for thread in beside:  # a search that cannot be stopped does not hold up leaving
            thread.join(max(0.0, end - time.monotonic()))
    if failures:
        raise failures[0]


def _work(desk: Desk, bench: Bench, lane: Lane, heed_file: Callable[[], None]) -> None:
    def doing(ticket: Ticket) -> Iterator[Answer]:
        heed_file()
        return ANSWERS[type(ticket.request)](bench, ticket)

    answer(desk, lane, doing)


class ModelFile:
    """The file that a model was loaded from, which a run may write anew meanwhile."""

    def __init__(self, path: Path) -> None:
        """Raises CheckpointError where it cannot be read."""
        self._path = path
        self._mark = self._look()
        try:
            self.digest = digest_of_file(path)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error

    def has_changed(self) -> bool:
        """Whether it is another file by now; said once."""
        now = self._look()
        if self._mark is None or now is None or now == self._mark:
            return False
        self._mark = None
        return True

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
