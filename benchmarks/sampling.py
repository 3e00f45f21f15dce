"""Writing with `Sampler` against calling `torch.nn.LSTM` once a character, on a CPU.

    python benchmarks/sampling.py [THREADS]       the claim: at least 5 times as fast at 1×256

Both write 200 characters from the same weights, at temperature 0.8, in turns; the median of the ratios is
printed.
"""

from __future__ import annotations

import statistics
import sys
import time

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import torch  # isort: skip
from torch import nn
from torch.nn import functional

from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.network.sampling import Sampler
from rnnscope.text.vocabulary import Vocabulary

_LENGTH = 200
_PAIRS = 15
_VOCABULARY = Vocabulary.of("".join(map(chr, range(32, 97))))


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    print(f"writing {_LENGTH} characters, V {len(_VOCABULARY)}, {threads} thread(s)")
    for layers, hidden in ((1, 256), (1, 512), (2, 512)):
        model = CharRNN(
            Architecture(vocabulary_size=len(_VOCABULARY), hidden_size=hidden, layers=layers), _VOCABULARY
        )
        pairs = [_pair(Sampler(model), _lstm_of(model), model.readout) for _ in range(_PAIRS + 2)][2:]
        ours = statistics.median(own for own, _ in pairs)
        ratio = statistics.median(theirs / own for own, theirs in pairs)
        print(
            f"LSTM {layers}×{hidden}   {_LENGTH / ours:8,.0f} characters/s"
            f"   {ratio:5.2f} × as fast as torch.nn.LSTM",
            flush=True,
        )


def _pair(sampler: Sampler, lstm: nn.LSTM, readout: nn.Linear) -> tuple[float, float]:
    """Seconds of ours, and of torch's."""
    started = time.perf_counter()
    list(sampler.stream(_LENGTH, seed=0))
    between = time.perf_counter()
    _write_with_torch(lstm, readout)
    return between - started, time.perf_counter() - between


def _lstm_of(model: CharRNN) -> nn.LSTM:
    """torch's own module with the model's weights."""
    lstm = nn.LSTM(model.architecture.input_size, model.architecture.hidden_size, model.architecture.layers)
    for number, cell in enumerate(model.layers):
        for name, tensor in cell.tensors().items():
            getattr(lstm, f"{name}_l{number}").data.copy_(tensor.detach())
    return lstm


@torch.no_grad()
def _write_with_torch(lstm: nn.LSTM, readout: nn.Linear) -> list[int]:
    """The usual loop: one call of each module a character."""
    state, chosen, written = None, torch.zeros(1, dtype=torch.int64), []
    for _ in range(_LENGTH):
        hidden, state = lstm(functional.one_hot(chosen, lstm.input_size).float(), state)
        chosen = torch.multinomial((readout(hidden[-1]) / 0.8).softmax(-1), 1)
        written.append(int(chosen))
    return written


if __name__ == "__main__":
    main()
