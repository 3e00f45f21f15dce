"""A search of one megabyte against one plain forward pass over the same streams, and its top five checked.

    python benchmarks/find.py [MODEL [THREADS]]     default: archive-lstm, 2 threads, on data/input.txt
    python benchmarks/find.py --exact [MODEL]       the top five against the scores of all positions

The claims: one query takes at most three times the forward pass, its memory does not grow with the text, and
its top five are those of the exact scores. Search and forward pass take turns; the median of the ratios is
printed. The exact scores are those of the ranks of all values (SciPy, scikit-learn).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

import rnnscope  # noqa: F401  (before torch, for how its threads wait)

import torch  # isort: skip
import numpy as np
import psutil
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from rnnscope.analysis.find import Find, FindResult, find
from rnnscope.network.architecture import QUANTITIES
from rnnscope.network.checkpoint import load_model
from rnnscope.network.locate import resolve_model
from rnnscope.network.model import CharRNN
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.streams import STREAMS

_PAIRS = 5
_BOUND = 3.0
_CHARACTERS = 1_000_000
_CHUNK = 64
_TEXT = Path(__file__).parent.parent / "data" / "input.txt"
_QUERIES = (Find(feature="quotes"), Find(feature="column"), Find(pattern=r"\b[A-Z]\w+"))
_TOP = 5

Column: TypeAlias = tuple[int, int, str]
Scores: TypeAlias = tuple[float, float]
"""On the selection half, and on the held-out half."""
_KEYS_AT_ONCE = 2


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
        ratio = statistics.median(ratios)
        print(
            f"{query.feature or query.pattern}: {ratio:.2f} times a forward pass (bound: {_BOUND:g}, "
            f"{'holds' if ratio <= _BOUND else 'does NOT hold'}); "
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
    keys = [
        (layer, quantity)
        for layer in range(1, model.architecture.layers + 1)
        for quantity in QUANTITIES[model.architecture.cell]
    ]
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[first : first + _KEYS_AT_ONCE]
        size = model.architecture.hidden_size
        values = np.empty((len(some) * size, len(text)), np.float32)
        at = 0
        for trace in TextReader(model, text).traces(stretch=16_384):
            for number, (layer, quantity) in enumerate(some):
                rows = slice(number * size, (number + 1) * size)
                values[rows, at : at + len(trace)] = trace[f"{layer}/{quantity}"].T
            at += len(trace)
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            scored = list(pool.map(partial(_scores, answers=answers, halves=halves), values))
        for number, of_column in enumerate(scored):
            layer, quantity = some[number // size]
            for scores, each in zip(exact, of_column, strict=True):
                scores[layer, number % size, quantity] = each
        for query, result, answer in zip(_QUERIES, found, answers, strict=True):
            _check_precision(query, result, some, values, answer, halves[1])
        print(f"  {some} scored at every position", flush=True)
    for query, result, scores in zip(_QUERIES, found, exact, strict=True):
        _report(query.feature or str(query.pattern), result, scores)


def _scores(column: np.ndarray, answers: list[np.ndarray], halves: list[np.ndarray]) -> list[Scores]:
    """For every query the score on the selection half, and on the held-out half in the same direction."""
    signed = []
    for half in halves:
        ranks = rankdata(column[half])
        of_half = []
        for answer in answers:
            if np.isin(answer[:1000], (0, 1)).all():
                on = answer[half] == 1
                n_on, n_off = on.sum(), (~on).sum()
                of_half.append((ranks[on].sum() - n_on * (n_on + 1) / 2) / (n_on * n_off))  # Mann and Whitney
            else:
                of_half.append(
                    float(np.corrcoef(ranks, rankdata(answer[half]))[0, 1]) if np.ptp(ranks) else 0.0
                )
        signed.append(of_half)
    found = []
    for answer, score, held_out in zip(answers, *signed, strict=True):
        middle = 0.5 if np.isin(answer[:1000], (0, 1)).all() else 0.0
        sign = 1 if score >= middle else -1
        found.append((middle + sign * (score - middle), middle + sign * (held_out - middle)))
    return found


def _check_precision(
    query: Find,
    result: FindResult,
    keys: list[tuple[int, str]],
    values: np.ndarray,
    answer: np.ndarray,
    held: np.ndarray,
) -> None:
    """Average precision by scikit-learn, of those of the results that are among the keys."""
    for each in result.results:
        if each.average_precision is not None and (each.layer, each.quantity) in keys:
            size = len(values) // len(keys)
            column = values[keys.index((each.layer, each.quantity)) * size + each.unit]
            exact = average_precision_score(answer[held] == 1, each.direction * column[held])
            print(
                f"  {query.feature or query.pattern} {each.layer}/{each.unit} {each.quantity}: "
                f"average precision {each.average_precision:.4f}, by scikit-learn {exact:.4f}"
            )


def _report(name: str, result: FindResult, exact: dict[Column, Scores]) -> None:
    best = sorted(exact, key=lambda column: -exact[column][0])[:_TOP]
    ours = [(each.layer, each.unit, each.quantity) for each in result.results]
    pairs = list(zip(result.results, (exact[column] for column in ours), strict=True))
    score = max(abs(each.score - theirs[0]) for each, theirs in pairs)
    held_out = max(abs(each.held_out - theirs[1]) for each, theirs in pairs)
    print(
        f"{name}: the top {_TOP} are {'equal' if ours[:_TOP] == best else 'NOT equal'}; "
        f"of the {len(pairs)} reported off by at most {score:.1e} (score), {held_out:.1e} (held out)"
    )
    for column, each in zip(best, result.results, strict=False):
        print(
            f"   exact {column} {exact[column][0]:.4f}, {exact[column][1]:.4f}   "
            f"found {each.layer}/{each.unit} {each.quantity} {each.score:.4f}, {each.held_out:.4f} "
            f"± {each.standard_error or 0:.4f}"
        )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
