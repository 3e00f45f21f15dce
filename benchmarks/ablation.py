"""The time of a run with one unit clamped, relative to an unclamped run and to a loop that clamps.

    python benchmarks/ablation.py [THREADS]       claims: at most 1.5 times the unclamped run, and at least
                                                  3 times as fast as the loop

All three read the same 4,096 characters in alternation; the medians of the ratios are printed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import rnnscope  # noqa: F401  (before torch: it sets how OpenMP threads wait)

import torch  # isort: skip
from torch.nn import functional

from rnnscope.analysis.ablation import Clamp
from rnnscope.analysis.clamped import Clamped
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import true_log_probabilities

_LENGTH = 4096
_TURNS = 3
_VOCABULARY = Vocabulary.of("".join(map(chr, range(32, 97))))


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    ids = np.random.default_rng(0).integers(0, len(_VOCABULARY), _LENGTH)
    print(f"reading {_LENGTH:,} characters, {threads} thread(s)")
    for layers, hidden in ((1, 256), (2, 512)):
        model = CharRNN(Architecture("lstm", len(_VOCABULARY), hidden, layers), _VOCABULARY).eval()
        clamped = Clamped(model, [Clamp(1, 3, 0.5)])
        turns = [
            (
                _seconds(lambda model=model: true_log_probabilities(model, ids)),
                _seconds(lambda clamped=clamped: true_log_probabilities(clamped, ids)),
                _seconds(lambda model=model: _clamped_in_a_loop(model, ids)),
            )
            for _ in range(_TURNS + 1)
        ][1:]
        unclamped = statistics.median(ours / plain for plain, ours, _ in turns)
        loop = statistics.median(theirs / ours for _, ours, theirs in turns)
        print(
            f"LSTM {layers}×{hidden}   {unclamped:5.2f} × the unclamped run   {loop:5.2f} × as fast as a loop"
        )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@torch.no_grad()
def _clamped_in_a_loop(model: CharRNN, ids: NDArray[np.int64]) -> None:
    """One call of each layer per character; the hidden state is set between the calls."""
    state = list(model.initial_state(1))
    outputs = []
    for now in torch.from_numpy(ids[:-1]).view(-1, 1, 1).unbind(0):
        values = model.embed(now)
        for layer, cell in enumerate(model.layers):
            values, state[layer] = cell(values, state[layer])
            if layer == 0:
                values[0, :, 3] = state[0][0][:, 3] = 0.5
        outputs.append(values[0])
    functional.log_softmax(model.readout(torch.stack(outputs)), dim=-1)


if __name__ == "__main__":
    main()
