"""A training step of every cell against the fused LSTM's and against PyTorch's fused kernel of the same cell.

    python benchmarks/cells.py [THREADS] [DEVICE]

The claim: on a CPU, a step of a softsign LSTM takes at most twice the fused LSTM's time.

A step is forward, loss and backward, of 1×256 and 32 streams of 64 characters. The networks take turns; the
medians of the ratios are printed, also that of a step with a change penalty to one without.
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
from rnnscope.training.penalty import Penalty

_PAIRS = 20
_WARM_UP = 3
_VOCABULARY = Vocabulary.of("".join(map(chr, range(32, 97))))


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    device = torch.device(sys.argv[2] if len(sys.argv) > 2 else "cpu")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    ids = torch.randint(len(_VOCABULARY), (65, 32), device=device)
    print(f"training step, 1×256, B 32, T 64, V {len(_VOCABULARY)}, {device}, {threads} thread(s)")
    for precision in ("float32", "bfloat16"):
        lstm = _network("lstm", "tanh", device)
        for cell in QUANTITIES:
            with_tanh, with_softsign = (_network(cell, phi, device) for phi in ("tanh", "softsign"))
            rounds = [
                [
                    *(_step(network, ids, precision) for network in (lstm, with_tanh, with_softsign)),
                    _step(with_tanh, ids, precision, change_penalty=1.0),
                ]
                for _ in range(_PAIRS + _WARM_UP)
            ][_WARM_UP:]
            print(
                f"{precision:9} {cell:15} {statistics.median(own for _, own, _, _ in rounds) * 1e3:7.1f} ms"
                f"   {statistics.median(own / fused for fused, own, _, _ in rounds):5.2f} × the fused LSTM"
                f"   softsign {statistics.median(soft / own for _, own, soft, _ in rounds):5.2f} × tanh"
                f"   penalty {statistics.median(full / own for _, own, _, full in rounds):5.2f} × none",
                flush=True,
            )


def _network(cell: str, activation: str, device: torch.device) -> CharRNN:
    shape = Architecture(cell=cell, vocabulary_size=len(_VOCABULARY), hidden_size=256, activation=activation)
    return CharRNN(shape, _VOCABULARY).to(device)


def _step(network: CharRNN, ids: torch.Tensor, precision: str, *, change_penalty: float = 0.0) -> float:
    """Seconds of one step."""
    autocast: AbstractContextManager[object] = nullcontext()
    if precision == "bfloat16":
        autocast = torch.autocast(ids.device.type, torch.bfloat16)
    _synchronize(ids.device)
    started = time.perf_counter()
    network.zero_grad()
    penalty = Penalty(0.0, change_penalty) if change_penalty > 0 else None
    with autocast:
        logits, _ = network(ids[:-1], observer=penalty)
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
    if penalty is not None:
        loss = loss + penalty.value()
    loss.backward()
    _synchronize(ids.device)
    return time.perf_counter() - started


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
