"""A search of one megabyte for all built-in features, against one plain forward pass over the same text.

    python benchmarks/find.py [TEXT] [HIDDEN [THREADS]]

The claims: all units × quantities × features take at most twice the time of the forward pass in the same
lanes, and the memory does not grow with the text. Both take turns; the median of the ratios is printed. Then
one feature on 20,000 characters of a trace, which should take less than a second, with null and probe.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import torch  # isort: skip
import numpy as np
import psutil

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.lanes import LANES, Lanes
from rnnscope.analysis.questions import BuiltIn
from rnnscope.analysis.search import find_in_trace
from rnnscope.analysis.streaming import count_along
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record

_PAIRS = 3
_CHARACTERS = 1_000_000
_CHUNK = 64


def main() -> None:
    default = Path(__file__).parent.parent / "data" / "input.txt"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 512
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    text = path.read_text("utf-8")[:_CHARACTERS]
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text)
    for cell in ("lstm", "gru"):
        torch.manual_seed(0)
        architecture = Architecture(cell=cell, vocabulary_size=len(vocabulary), hidden_size=size)
        network = CharRNN(architecture, vocabulary).eval()
        _all_features(network, ids)
        _one_feature(network, ids[:20_000])


def _all_features(network: CharRNN, ids: np.ndarray) -> None:
    lanes = Lanes.over(len(ids), LANES)
    ratios, memory = [], []
    for _ in range(_PAIRS):
        plain = _seconds(lambda: _forward(network, ids, lanes))
        for part in (len(ids) // 2, len(ids)):
            search = _seconds(lambda part=part: count_along(network, ids[:part], BuiltIn(FEATURES)))
            memory.append(psutil.Process().memory_info().rss / 2**20)
        ratios.append(search / plain)
        print(f"  forward {plain:6.1f} s   search {search:6.1f} s   {search / plain:.2f} times", flush=True)
    print(
        f"{network.architecture.title}: {len(ids):,} characters in {len(lanes)} lanes, "
        f"{torch.get_num_threads()} thread(s): {statistics.median(ratios):.2f} times a forward pass; "
        f"memory {memory[-2]:.0f} MB after half of the text, {memory[-1]:.0f} MB after all"
    )


@torch.no_grad()
def _forward(network: CharRNN, ids: np.ndarray, lanes: Lanes) -> None:
    state = network.initial_state(len(lanes))
    for first in range(0, lanes.length, _CHUNK):
        at = lanes.starts + np.arange(first, min(first + _CHUNK, lanes.length))[:, None]
        _, state = network(torch.from_numpy(ids[at].astype(np.int64)), state)


def _one_feature(network: CharRNN, ids: np.ndarray) -> None:
    trace = record(network, ids)
    for name in ("quotes", "column"):
        seconds = [_seconds(lambda name=name: find_in_trace(trace, BuiltIn([name]))) for _ in range(_PAIRS)]
        print(
            f"  {name} on a trace of {len(ids):,} characters: {statistics.median(seconds):.2f} s", flush=True
        )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
