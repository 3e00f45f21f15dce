"""A search of one megabyte against one plain forward pass over the same streams, and its top five checked.

    python benchmarks/find.py [MODEL [THREADS]]     default: archive-lstm, 2 threads, on data/input.txt
    python benchmarks/find.py --exact [MODEL]       the top five against the scores of all positions

The claims: one query takes at most three times the forward pass, its memory does not grow with the text, and
its top five are those of the exact scores. Search and forward pass take turns; the median of the ratios is
printed. The exact scores are computed from a trace of every position by scikit-learn and SciPy.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import torch  # isort: skip
import numpy as np
import psutil

from rnnscope.analysis.find import Find, FindResult, find
from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.checkpoint import load_model
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.streams import STREAMS

_PAIRS = 5
_CHARACTERS = 1_000_000
_CHUNK = 64
_TEXT = Path(__file__).parent.parent / "data" / "input.txt"
_QUERIES = (Find(feature="quotes"), Find(feature="column"), Find(pattern=r"\b[A-Z]\w+"))
_TOP = 5

Column: TypeAlias = tuple[int, int, str]
Scores: TypeAlias = tuple[float, float, float]
"""On the selection half, on the held-out half, and the average precision on the held-out half."""


def main() -> None:
    arguments = [each for each in sys.argv[1:] if each != "--exact"]
    model = load_model(resolve_model(arguments[0] if arguments else "archive-lstm"))
    torch.set_num_threads(int(arguments[1]) if len(arguments) > 1 else 2)
    text = _TEXT.read_text("utf-8")[:_CHARACTERS]
    print(f"{model.architecture.title}, {len(text):,} characters, {torch.get_num_threads()} thread(s)")
    if "--exact" in sys.argv:
        _compare(model, text)
    else:
        _time(model, text)


def _time(model: CharRNN, text: str) -> None:
    ids = TextReader(model, text).ids(0, len(text))
    for query in _QUERIES:
        ratios, memory = [], []
        for _ in range(_PAIRS):
            plain = _seconds(lambda: _forward(model, ids))
            for part in (len(text) // 2, len(text)):
                reader = TextReader(model, text[:part])
                search = _seconds(lambda reader=reader, query=query: find(query, reader))
                memory.append(psutil.Process().memory_info().rss / 2**20)
            ratios.append(search / plain)
            print(
                f"  forward {plain:6.1f} s   search {search:6.1f} s   {search / plain:.2f} times", flush=True
            )
        print(
            f"{query.feature or query.pattern}: {statistics.median(ratios):.2f} times a forward pass; "
            f"memory {memory[-2]:.0f} MB after half of the text, {memory[-1]:.0f} MB after all",
            flush=True,
        )


@torch.no_grad()
def _forward(model: CharRNN, ids: np.ndarray) -> None:
    rows = ids[: len(ids) // STREAMS * STREAMS].reshape(STREAMS, -1).T
    state = model.initial_state(STREAMS)
    for first in range(0, len(rows), _CHUNK):
        part = np.ascontiguousarray(rows[first : first + _CHUNK]).astype(np.int64)
        _, state = model(torch.from_numpy(part), state)


def _compare(model: CharRNN, text: str) -> None:
    """The top five of every query against those of all positions of the same halves."""
    found = [find(query, TextReader(model, text)) for query in _QUERIES]
    blocks = np.arange(len(text)) // -(-len(text) // 16)
    halves = [np.flatnonzero(blocks % 2 == half) for half in (0, 1)]
    answers = [query.target().values(lambda a, b: text[a:b], len(text)) for query in _QUERIES]
    exact: list[dict[Column, Scores]] = [{} for _ in _QUERIES]
    for layer in range(1, model.architecture.layers + 1):
        for quantity in QUANTITIES[model.architecture.cell]:
            values = np.empty((model.architecture.hidden_size, len(text)), np.float32)
            at = 0
            for trace in TextReader(model, text).traces(stretch=16_384):
                values[:, at : at + len(trace)] = trace[f"{layer}/{quantity}"].T
                at += len(trace)
            for unit, column in enumerate(values):
                for scores, answer in zip(exact, answers, strict=True):
                    scores[layer, unit, quantity] = _scores(column, answer, halves)
            print(f"  {layer}/{quantity} scored at every position", flush=True)
    for query, result, scores in zip(_QUERIES, found, exact, strict=True):
        _report(query.feature or str(query.pattern), result, scores)


def _report(name: str, result: FindResult, exact: dict[Column, Scores]) -> None:
    best = sorted(exact, key=lambda column: -exact[column][0])[:_TOP]
    ours = [(each.layer, each.unit, each.quantity) for each in result.results]
    pairs = list(zip(result.results, (exact[column] for column in ours), strict=True))
    scores = max(abs(each.score - theirs[0]) for each, theirs in pairs)
    held_out = max(abs(each.held_out - theirs[1]) for each, theirs in pairs)
    precisions = [
        abs(each.average_precision - theirs[2])
        for each, theirs in pairs
        if each.average_precision is not None
    ]
    print(
        f"{name}: the top {_TOP} are {'equal' if ours[:_TOP] == best else 'NOT equal'}; off by at most "
        f"{scores:.1e} (score), {held_out:.1e} (held out)"
        + (f", {max(precisions):.1e} (average precision)" if precisions else "")
    )
    for column, each in zip(best, result.results, strict=False):
        theirs = ", ".join(f"{value:.4f}" for value in exact[column])
        print(
            f"   exact {column}: {theirs}   found {each.layer}/{each.unit} {each.quantity}: "
            f"{each.score:.4f}, {each.held_out:.4f} ± {each.standard_error}, {each.average_precision}"
        )


def _scores(column: np.ndarray, answer: np.ndarray, halves: list[np.ndarray]) -> Scores:
    """On the selection half, in the same direction on the held-out half, and its average precision."""
    from scipy.stats import spearmanr
    from sklearn.metrics import average_precision_score, roc_auc_score

    held = halves[1]
    if set(np.unique(answer[:1000])) <= {0.0, 1.0}:
        score, held_out = (roc_auc_score(answer[half], column[half]) for half in halves)
        flip = score < 0.5
        if max(score, 1 - score) < 0.7:
            return max(score, 1 - score), 1 - held_out if flip else held_out, np.nan
        precision = average_precision_score(answer[held], -column[held] if flip else column[held])
        return max(score, 1 - score), 1 - held_out if flip else held_out, float(precision)
    score, held_out = (spearmanr(column[half], answer[half]).statistic for half in halves)
    score, held_out = float(np.nan_to_num(score)), float(np.nan_to_num(held_out))
    return abs(score), held_out if score >= 0 else -held_out, np.nan


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
