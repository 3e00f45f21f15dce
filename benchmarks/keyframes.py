"""Pages of a long text: the first one, any later one, and how far each is from a run over the whole text.

    python benchmarks/keyframes.py [MODEL] [TEXT]

The claims: the first page of 100 MB within 2 s of the model being loaded; exact to 1e-5 wherever one lands.
TEXT is repeated until it has 100 MB. The references, in the same run: reading and encoding all of the file
before its first page, and running over all the text before a later one.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil

import rnnscope  # noqa: F401  (before torch, for how its threads wait)
from rnnscope.network.checkpoint import load_model
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.text.long import LongText
from rnnscope.text.reading import read_text
from rnnscope.tracing.forgetting import WARM_UP
from rnnscope.tracing.reader import Page, TextReader, substituting
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace

_BYTES = 100_000_000
_PAGE = 2000
_LAID = 65_536
_PLACES = 24


def main() -> None:
    model = load_model(resolve_model(sys.argv[1] if len(sys.argv) > 1 else "archive-lstm"))
    text = Path(sys.argv[2] if len(sys.argv) > 2 else "data/input.txt").read_text()
    print(f"{model.architecture.title}, pages of {_PAGE:,} characters", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "long.txt"
        path.write_text(text * (_BYTES // len(text.encode()) + 1))
        _first_page(model, path)
        _jump(model, path)
    _later_pages(model, text[: _LAID + _PAGE])


def _first_page(model: CharRNN, path: Path) -> None:
    process = psutil.Process()
    record(model, np.zeros(64, np.int32))  # what torch does once is not the file's doing
    memory = process.memory_info().rss
    ours = [_seconds(lambda: TextReader(model, LongText.open(path)).page(0, _PAGE)) for _ in range(3)]
    grown = process.memory_info().rss - memory

    def all_first() -> None:
        ids = substituting(model.vocabulary).encode(read_text(path))
        record(model, ids[:_PAGE])

    theirs = _seconds(all_first)
    seconds = statistics.median(ours)
    print(
        f"first page of {path.stat().st_size / 1e6:.0f} MB   {seconds:.2f} s, {grown / 1e6:.0f} MB   "
        f"{theirs / seconds:5.1f} × as fast as reading it first",
        flush=True,
    )


def _jump(model: CharRNN, path: Path) -> None:
    reader = TextReader(model, LongText.open(path))
    seconds = _seconds(lambda: reader.page(_BYTES // 2, _BYTES // 2 + _PAGE, at_once=True))
    again = _seconds(lambda: reader.page(_BYTES // 3, _BYTES // 3 + _PAGE, at_once=True))
    print(f"jump to its middle, warm   {seconds:.2f} s, then elsewhere {again:.2f} s", flush=True)


def _later_pages(model: CharRNN, text: str) -> None:
    """Exact pages against one run over everything, and warm ones against both."""
    reader = TextReader(model, text)
    seconds = _seconds(reader.read_on)
    print(f"keyframes   {len(text) / seconds:,.0f} characters/s", flush=True)
    whole = record(model, substituting(model.vocabulary).encode(text))
    choose = random.Random(0)
    times: list[float] = []
    exact, forgotten, warm = [], [], []
    for _ in range(_PLACES):
        start = choose.randrange(2 * WARM_UP, len(text) - _PAGE)
        times.append(_seconds(partial(reader.page, start, start + _PAGE)))
        exact.append(_apart(reader.page(start, start + _PAGE), whole))
        page = TextReader(model, text).page(start, start + _PAGE, at_once=True)
        (forgotten if page.is_exact else warm).append(_apart(page, whole))
    run_over_all = _seconds(lambda: record(model, substituting(model.vocabulary).encode(text)))
    print(
        f"a page behind {len(text):,} characters   {statistics.median(times):.2f} s   "
        f"{run_over_all / statistics.median(times):5.1f} × as fast as a run over all\n"
        "largest differences from that run"
    )
    for name, found in (("keyframe", exact), ("forgotten", forgotten), ("inexact", warm)):
        if found:
            states, predictions = np.max(found, axis=0)
            print(
                f"  {name:10} {len(found):3} pages   activations {states:.1e}   "
                f"log-probabilities {predictions:.1e}"
            )


def _apart(page: Page, whole: Trace) -> tuple[float, float]:
    """The largest difference of any activation, and of any log-probability, in nats."""
    part = slice(page.start, page.stop)
    states = max(float(np.abs(page.trace[name] - whole[name][part]).max()) for name in whole.activations)
    predictions = np.abs(page.trace.log_probabilities - whole.log_probabilities[part]).max()
    return states, float(predictions)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
