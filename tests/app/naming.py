"""Names of neurons, made by hand: what a `Names` query answers, for tests of screens."""

from __future__ import annotations

import numpy as np

from rnnscope.analysis.names import FeatureScores, NamesResult, NeuronLabel
from rnnscope.network.architecture import Architecture

LSTM = Architecture("lstm", 40, 48, 1)
_QUANTITIES = ("input", "forget", "candidate", "output", "cell", "hidden")


def scores(
    feature: str,
    units: dict[int, tuple[str, float, float]],
    size: int = LSTM.hidden_size,
    *,
    is_number: bool = False,
) -> FeatureScores:
    """units: quantity, selection score and held-out score of each; low where on if the score is negative."""
    middle = 0.0 if is_number else 0.5
    selected, held_out = np.full(size, middle), np.full(size, middle)
    quantity, direction = np.zeros(size, np.int8), np.ones(size, np.int8)
    for unit, (name, score, held) in units.items():
        selected[unit], held_out[unit] = abs(score), held
        quantity[unit] = _QUANTITIES.index(name)
        direction[unit] = -1 if score < 0 else 1
    metric = "spearman" if is_number else "auc"
    return FeatureScores(feature, metric, middle, selected, held_out, quantity, direction)


def names(place: int | None = None, architecture: Architecture = LSTM) -> NamesResult:
    """1/7 is labeled quotes, 1/3 column and 1/5 digit; 1/3, 1/9 and 1/7 score for quotes."""
    size = architecture.hidden_size
    found = {
        "quotes": scores(
            "quotes", {7: ("cell", -0.97, 0.96), 9: ("forget", 0.8, 0.7), 3: ("hidden", 0.9, 0.91)}, size
        ),
        "column": scores("column", {3: ("output", 0.93, 0.9), 9: ("cell", 0.2, 0.2)}, size, is_number=True),
        "digit": scores("digit", {5: ("input", 0.99, 0.98)}, size),
    }
    labels: tuple[NeuronLabel, ...] = tuple(
        found[name].label(architecture, unit) for name, unit in (("quotes", 7), ("column", 3), ("digit", 5))
    )
    return NamesResult(20_000, labels, found, place)
