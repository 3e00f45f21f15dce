"""The analyses of a model as plain facts: numbers and names that JSON can hold and tables are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.compare import Comparison, all_match_distances, breakdown, compare
from rnnscope.analysis.comparison import ORDERS
from rnnscope.analysis.errors import Level
from rnnscope.analysis.gradient_flow import gradient_flow, spread
from rnnscope.analysis.matching import match, select
from rnnscope.analysis.saturation import saturation
from rnnscope.analysis.words import word_counts
from rnnscope.errors import RnnscopeError, TextError
from rnnscope.network.model import CharRNN
from rnnscope.progress import Progress
from rnnscope.text.long import LongText
from rnnscope.text.ngram import log_probabilities_by_order
from rnnscope.tracing.reader import TextReader
from rnnscope.tracing.record import true_log_probabilities
from rnnscope.tracing.trace import Float, Trace

Facts = dict[str, Any]
Told = Callable[[float], object]

_AROUND = 20  # characters before a position that are quoted with it
_EXTREMES = 20
_LOSSES = 64  # predictions whose gradients are averaged
_MATCHES = 20


@dataclass(frozen=True, eq=False)
class Judged:
    """What a model and n-grams of every order expected of a text, which begins at `start` of a longer one."""

    text: str
    start: int
    log_probabilities: Float
    by_order: tuple[tuple[int, NDArray[np.float64]], ...]
    comparison: Comparison
    training_text: str


def judge(
    model: CharRNN, learnt: NDArray[Any], judged: NDArray[Any], start: int, told: Told | None
) -> Judged:
    """Let the model read what is judged, from nothing, and the n-grams what is learnt."""
    symbols = model.vocabulary.symbols
    log_probabilities = true_log_probabilities(model, judged, progress=_progress(told))
    _check_numbers(log_probabilities)
    by_order = tuple(log_probabilities_by_order(learnt, judged, len(symbols), ORDERS))
    return Judged(
        _text(symbols, judged),
        start,
        log_probabilities,
        by_order,
        compare(log_probabilities, by_order),
        _text(symbols, learnt),
    )


def saturation_facts(model: CharRNN, ids: NDArray[Any], told: Told | None) -> Facts:
    """Of every gate of every layer the shares at which each unit is shut, left, and open, right."""
    found = saturation(_traces(model, ids, told))
    gates = [
        {"layer": gate.layer, "gate": gate.gate, "left": gate.left.tolist(), "right": gate.right.tolist()}
        for gate in found.gates
    ]
    return {"positions": found.positions, "gates": gates}


def ngram_facts(judged: Judged) -> Facts:
    """Mean losses, and the characters at which the model is most ahead and most behind."""
    comparison = judged.comparison

    def told(positions: Iterable[int]) -> list[Facts]:
        return [
            {
                "position": judged.start + at,
                "before": judged.text[max(0, at - _AROUND) : at],
                "character": judged.text[at],
                "network": math.exp(comparison.network[at - 1]),
                "ngram": math.exp(comparison.ngram[at - 1]),
                "difference_nats": float(comparison.difference[at - 1]),
            }
            for at in positions
        ]

    ranked = comparison.ranked
    return {
        "network_nats": comparison.network_nats,
        "ngram_nats": comparison.ngram_nats,
        "order": comparison.order,
        "by_order": {str(order): nats for order, nats in comparison.by_order.items()},
        "ahead": told(ranked[:_EXTREMES].tolist()),
        "behind": told(ranked[::-1][:_EXTREMES].tolist()),
    }


def error_facts(judged: Judged) -> Facts:
    """The breakdown: every bucket's levels with their positions."""
    found = breakdown(
        judged.text, judged.log_probabilities, judged.by_order, word_counts(judged.training_text)
    )

    def told(level: Level) -> Facts:
        return {
            "name": level.name,
            "count": len(level),
            "positions": (level.positions + judged.start).tolist(),
        }

    return {
        "characters": found.characters,
        "errors": len(found.errors),
        "buckets": [
            {
                "name": bucket.name,
                "count": len(bucket),
                "share": found.share(bucket),
                "levels": [told(level) for level in bucket.levels],
            }
            for bucket in found.buckets
        ],
    }


def match_facts(judged: Judged) -> list[Facts]:
    """Of every closing character the mean losses in bins of distance; an empty bin is left out."""
    return [
        {
            "closer": of_closer.closer,
            "pairs": len(of_closer.positions),
            "bins": [
                {
                    "from": int(of_closer.edges[number]),
                    "to": int(of_closer.edges[number + 1]) - 1,
                    "count": int(count),
                    "network_nats": float(of_closer.network_nats[number]),
                    "ngram_nats": float(of_closer.ngram_nats[number]),
                }
                for number, count in enumerate(of_closer.counts)
                if count
            ],
        }
        for of_closer in all_match_distances(judged.text, judged.comparison)
    ]


def gradient_facts(model: CharRNN, ids: NDArray[Any], distance: int, told: Told | None) -> Facts:
    """Mean norms of each layer at 0, 1, … steps back."""
    positions = spread(len(ids), _LOSSES, distance)
    if not positions:
        raise TextError(f"the text has {len(ids):,} characters: too few to look {distance} steps back")
    flow = gradient_flow(model, ids, positions, distance=distance, told=told)
    _check_numbers(flow.norms)
    return {"title": flow.title, "positions": flow.positions, "layers": flow.norms.tolist()}


def selection_facts(
    model: CharRNN, ids: NDArray[Any], span: tuple[int, int], threshold: float, told: Told | None
) -> Facts:
    """The neurons on over exactly a stretch, and the other stretches where they are."""
    start, stop = span
    first = max(0, start - 1)
    chosen = _rows(model, ids, first, stop)
    selection = select(chosen, start - first, stop - first, threshold=threshold)
    values = map(_shown, _traces(model, ids, told))
    found = match(values, selection, limit=_MATCHES, exclude=span)
    size, symbols = model.architecture.hidden_size, model.vocabulary.symbols
    columns = zip(
        found.starts.tolist(),
        found.stops.tolist(),
        found.shared.tolist(),
        found.jaccard.tolist(),
        strict=True,
    )
    return {
        "start": start,
        "stop": stop,
        "text": _text(symbols, ids[start:stop]),
        "quantity": _matched(model),
        "threshold": threshold,
        "neurons": [
            {"layer": unit // size + 1, "unit": unit % size, "sign": sign}
            for unit, sign in zip(selection.units.tolist(), selection.signs.tolist(), strict=True)
        ],
        "matches": [
            {
                "start": begin,
                "stop": end,
                "shared": shared,
                "jaccard": jaccard,
                "text": _text(symbols, ids[begin:end]),
            }
            for begin, end, shared, jaccard in columns
        ],
    }


def _check_numbers(values: NDArray[np.floating]) -> None:
    if not np.isfinite(values).all():
        raise RnnscopeError("the network expects nothing that is a number; its weights have diverged")


def _matched(model: CharRNN) -> str:
    return "cell" if model.layers[0].state_parts == 2 else "hidden"


def _rows(model: CharRNN, ids: NDArray[Any], first: int, stop: int) -> Float:
    """What all neurons show from one position to another, having read all that is before."""
    kept, at = [], 0
    for trace in _traces(model, ids[:stop]):
        kept.append(_shown(trace)[max(0, first - at) :])
        at += len(trace)
    return np.concatenate(kept)


def _shown(trace: Trace) -> Float:
    """(T, layers · H) what all neurons show."""
    quantity = "cell" if "cell" in trace.quantities else "hidden"
    layers = range(1, trace.architecture.layers + 1)
    return np.concatenate([trace.shown(layer, quantity) for layer in layers], axis=1)


def _text(symbols: tuple[str, ...], ids: NDArray[Any]) -> str:
    """One character an id, also of a network of bytes."""
    return "".join([symbols[i] for i in ids.tolist()])


def _progress(told: Told | None) -> Progress:
    return Progress() if told is None else Progress(told)


def _traces(model: CharRNN, ids: NDArray[Any], told: Told | None = None) -> Iterator[Trace]:
    content = (
        bytes(ids.tolist()) if model.vocabulary.kind == "bytes" else _text(model.vocabulary.symbols, ids)
    )
    reader = TextReader(model, LongText.of(content, kind=model.vocabulary.kind))
    return reader.traces(progress=_progress(told))
