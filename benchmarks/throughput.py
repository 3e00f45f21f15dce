"""The training loop, with events, evaluations and checkpoints, relative to a bare PyTorch loop.

    python benchmarks/throughput.py [SECONDS] [THREADS]      claim: at least 0.93 of the bare loop's steps

Both train the default network on the same random text with the same settings, in alternating turns of SECONDS
(2). The median of the ratios of steps per second of neighboring turns is printed, for a plain log and for a
screen, which observes samples and traces.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import rnnscope  # noqa: F401  (before torch: it sets how OpenMP threads wait)

import torch  # isort: skip
import numpy as np
from torch import nn
from torch.nn import functional

from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.text.corpus import Corpus
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.device import Precision, autocast, physical_cores
from rnnscope.training.learner import Learner
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import Run
from rnnscope.training.trainer import Pace, Trainer

_TURNS = 9
_CPU = torch.device("cpu")
_VOCABULARY = Vocabulary.of("".join(map(chr, range(32, 97))))
_OPTIONS = TrainOptions(schedule="constant")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else physical_cores()
    torch.set_num_threads(threads)
    ids = np.random.default_rng(0).integers(0, len(_VOCABULARY), 1_000_000).astype(np.uint8)
    o = _OPTIONS
    print(f"LSTM 1×{o.hidden_size}, {o.batch_size} streams of {o.sequence_length}, {threads} thread(s)")
    for precision in ("float32", "bfloat16"):
        bare = _bare(ids, precision)
        for name, observing in (("plain", False), ("watched", True)):
            ratios, speeds = [], []
            with tempfile.TemporaryDirectory() as directory:
                ours = _ours(ids, precision, Path(directory) / "run", observing)
                for _ in range(_TURNS):
                    theirs = _steps_per_second(bare, seconds)
                    speeds.append(_steps_per_second(ours, seconds))
                    ratios.append(speeds[-1] / theirs)
                ours.close()
            speed, ratio = statistics.median(speeds), statistics.median(ratios)
            print(f"{precision:8}  {name:8} {speed:6.1f} steps/s   {ratio:5.3f} of the bare loop", flush=True)


def _steps_per_second(steps: Generator[int, None, None], seconds: float) -> float:
    """The steps per second of a loop that yields its step number from time to time."""
    first, started = next(steps), time.perf_counter()
    for step in steps:
        if time.perf_counter() - started > seconds:
            return (step - first) / (time.perf_counter() - started)
    raise AssertionError("the loop has no end")


def _ours(
    ids: np.ndarray[tuple[int], np.dtype[np.uint8]], precision: Precision, directory: Path, observing: bool
) -> Generator[int, None, None]:
    """The trainer in a run directory, without the n-gram baselines, which are computed once per run."""
    corpus = Corpus("random", "", "", _VOCABULARY, ids[:900_000], ids[900_000:], ids[:0])
    architecture = Architecture(vocabulary_size=len(_VOCABULARY), hidden_size=_OPTIONS.hidden_size)
    model = CharRNN(architecture, _VOCABULARY, dropout=_OPTIONS.dropout)
    learner = Learner(model, corpus.train, _OPTIONS, _CPU, precision)
    controls = Controls(ControlState(observing=observing))
    with Run.create(directory, {"options": _OPTIONS.to_json()}) as run:
        for event in Trainer(
            learner, corpus, _OPTIONS, controls, run, pace=Pace(baselines_seconds=1e9)
        ).run():
            run.write(event)
            yield event.step


def _bare(
    ids: np.ndarray[tuple[int], np.dtype[np.uint8]], precision: Precision
) -> Generator[int, None, None]:
    """A loop as in a notebook: no reports, no evaluation, no checkpoints."""
    o, symbols = _OPTIONS, len(_VOCABULARY)
    lstm, dropout = nn.LSTM(symbols, o.hidden_size), nn.Dropout(o.dropout)
    readout = nn.Linear(o.hidden_size, symbols)
    parameters = [*lstm.parameters(), *readout.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, o.learning_rate, betas=(o.momentum, o.smoothing), weight_decay=o.decay, fused=True
    )
    length = 900_000 // o.batch_size
    text = (
        torch.from_numpy(ids[: length * o.batch_size].astype(np.int64))
        .view(o.batch_size, length)
        .t()
        .contiguous()
    )
    state = None
    position = step = 0
    while True:
        if position + o.sequence_length >= length:
            position, state = 0, None
        inputs = text[position : position + o.sequence_length]
        targets = text[position + 1 : position + 1 + o.sequence_length]
        with autocast(_CPU, precision):
            hidden, state = lstm(functional.one_hot(inputs, symbols).float(), state)
            logits = readout(dropout(hidden))
        loss = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        state = (state[0].detach(), state[1].detach())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, o.clip_norm)
        optimizer.step()
        position += o.sequence_length
        step += 1
        yield step


if __name__ == "__main__":
    main()
