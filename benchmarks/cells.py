"""A training step of every cell against the fused LSTM's: 1×256, 32 streams of 64 characters, CPU.

    python benchmarks/cells.py [THREADS]          the claim: our scanned cells take at most twice its time

A step is forward, loss and backward; the two networks take turns, and the median of the ratios is printed.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import AbstractContextManager, nullcontext

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import torch  # isort: skip
from torch.nn import functional

from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

_PAIRS = 30
_VOCABULARY = Vocabulary.of("".join(map(chr, range(32, 97))))


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    ids = torch.randint(len(_VOCABULARY), (65, 32))
    print(f"training step, 1×256, B 32, T 64, V {len(_VOCABULARY)}, {threads} thread(s)")
    for precision in ("float32", "bfloat16"):
        reference = _network("lstm")
        for cell in QUANTITIES:
            network = _network(cell)
            times, ratios = [], []
            for pair in range(_PAIRS + 3):
                fused = _step(reference, ids, precision)
                own = _step(network, ids, precision)
                if pair >= 3:  # the first few warm up
                    times.append(own)
                    ratios.append(own / fused)
            print(
                f"{precision:9} {cell:15} {statistics.median(times) * 1e3:7.1f} ms"
                f"   {statistics.median(ratios):5.2f} × the fused LSTM",
                flush=True,
            )


def _network(cell: str) -> CharRNN:
    return CharRNN(Architecture(cell=cell, vocabulary_size=len(_VOCABULARY), hidden_size=256), _VOCABULARY)


def _step(network: CharRNN, ids: torch.Tensor, precision: str) -> float:
    """Seconds of one step."""
    autocast: AbstractContextManager[object] = nullcontext()
    if precision == "bfloat16":
        autocast = torch.autocast("cpu", torch.bfloat16)
    started = time.perf_counter()
    network.zero_grad()
    with autocast:
        logits, _ = network(ids[:-1])
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
    loss.backward()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
