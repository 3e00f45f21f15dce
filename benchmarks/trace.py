"""Tracing a long text against a PyTorch loop that records the same, a character at a time.

    python benchmarks/trace.py [THREADS] [MODEL]      the claim: at least 3 times as fast at 2×512, on a CPU

Both record all gates, cells and hidden states of an LSTM along one text, batch 1, and the log-probabilities.
They take turns; the median of the ratios is printed, and how far the records are apart. How fast a network
forgets matters, so give a trained one; without MODEL it is a new one of 2×512.
"""

from __future__ import annotations

import statistics
import sys
import time

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import numpy as np  # isort: skip
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record

_CHARACTERS = 16_384
_PAIRS = 5


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    model = load_model(resolve_model(sys.argv[2])) if len(sys.argv) > 2 else _new()
    ids = np.array([i for i, _ in Sampler(model).stream(_CHARACTERS, temperature=1.0, seed=0)], np.int32)
    print(f"tracing {_CHARACTERS:,} characters, {model.architecture.title}, {threads} thread(s)")
    ratios, own = [], []
    for _ in range(_PAIRS):
        started = time.perf_counter()
        trace = record(model, ids)
        between = time.perf_counter()
        expected = _loop(model, ids)
        ended = time.perf_counter()
        own.append(between - started)
        ratios.append((ended - between) / (between - started))
        print(f"   {ratios[-1]:.2f} ×", flush=True)
    apart = {
        quantity: max(
            float(np.abs(values - trace[key]).max())
            for key, values in expected.items()
            if key.endswith(f"/{quantity}")
        )
        for quantity in trace.quantities
    }
    speed = _CHARACTERS / statistics.median(own)
    print(f"{speed:,.0f} characters/s, {statistics.median(ratios):.2f} × the loop")
    print("largest differences: " + ", ".join(f"{name} {value:.1e}" for name, value in apart.items()))


def _new() -> CharRNN:
    vocabulary = Vocabulary.of("".join(map(chr, range(32, 97))))
    return CharRNN(Architecture(vocabulary_size=len(vocabulary), hidden_size=512, layers=2), vocabulary)


@torch.no_grad()
def _loop(model: CharRNN, ids: np.ndarray) -> dict[str, np.ndarray]:
    """The plain way: every layer's equations for every character, each result kept."""
    kept: dict[str, list[Tensor]] = {}
    state = [list(layer) for layer in model.initial_state(1)]
    weights = [cell.tensors() for cell in model.layers]
    for i in torch.from_numpy(ids).long():
        values = functional.one_hot(i, model.architecture.vocabulary_size).float().unsqueeze(0)
        for number, (w, layer) in enumerate(zip(weights, state, strict=True), start=1):
            gates = functional.linear(values, w["weight_ih"], w["bias_ih"])
            gates = gates + functional.linear(layer[0], w["weight_hh"], w["bias_hh"])
            a_i, a_f, a_g, a_o = gates.chunk(4, dim=1)
            found = {
                "input": a_i.sigmoid(),
                "forget": a_f.sigmoid(),
                "candidate": a_g.tanh(),
                "output": a_o.sigmoid(),
            }
            layer[1] = found["cell"] = found["forget"] * layer[1] + found["input"] * found["candidate"]
            layer[0] = values = found["hidden"] = found["output"] * layer[1].tanh()
            for name, value in found.items():
                kept.setdefault(f"{number}/{name}", []).append(value)
        kept.setdefault("log_probabilities", []).append(model.readout(values).log_softmax(-1))
    return {name: torch.cat(values).numpy() for name, values in kept.items()}


if __name__ == "__main__":
    main()
