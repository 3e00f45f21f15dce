"""Scores of one number as a predictor of a feature: AUC, average precision, Spearman's correlation.

    AUC        the probability that a position where the feature is on has the higher value; a tie counts
    half.
               With r the ranks 1 … n (ties share their mean) it is (mean r where on − (n₊ + 1)/2) / n₋.
    AP         Σ (recall_k − recall_{k−1}) · precision_k over decreasing thresholds; for rare features.
    Spearman   the correlation of ranks.

If the activations of a text do not fit in memory, histograms replace the values; two values in one bin count
as a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST_BATCHES, _LEAST_BATCHES, _LEAST_IN_BATCH = 30, 5, 10


@dataclass(frozen=True)
class Probe:
    """The score of a linear probe.

    held_out: AUC or Spearman on held-out positions. units_used: the number of units with a nonzero weight.
    """

    held_out: float
    units_used: int


def auc(values: NDArray[Any], is_on: Bools) -> float:
    """Area under the ROC curve of `values` (n,) for `is_on` (n,); ½ if either class is empty."""
    return float(auc_of_ranks(centered_ranks(values[None].astype(np.float64)), is_on[:, None])[0, 0])


def spearman(values: NDArray[Any], numbers: NDArray[Any]) -> float:
    """Spearman's rank correlation of two (n,) arrays; 0 if one of them is constant."""
    ours = centered_ranks(values[None].astype(np.float64))
    theirs = centered_ranks(numbers[None].astype(np.float64))
    return float(correlation(ours, theirs.T)[0, 0])


def average_precision(values: NDArray[Any], is_on: Bools) -> float:
    """Average precision of `values` (n,) for `is_on` (n,); equal values are one threshold."""
    order = np.argsort(-values, kind="stable")
    falling, hits = values[order], np.cumsum(is_on[order])
    last_of_tie = np.append(falling[1:] != falling[:-1], True)
    hits, taken = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    if not len(hits) or not hits[-1]:
        return 0.0
    return float(np.sum(np.diff(hits, prepend=0) / hits[-1] * (hits / taken)))


def centered_ranks(values: NDArray[Any]) -> NDArray[Any]:
    """The ranks of each row (C, n), in its type, shifted and scaled to −½ … ½; ties share their mean."""
    n = values.shape[1]
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    is_tied = ordered[:, 1:] == ordered[:, :-1]
    places = np.broadcast_to(np.arange(n, dtype=values.dtype), values.shape)
    if tied := np.flatnonzero(is_tied.any(axis=1)).tolist():
        places = places.copy()
        for row in tied:
            firsts = np.flatnonzero(np.append(True, ~is_tied[row]))
            lengths = np.diff(np.append(firsts, n))
            places[row] = np.repeat(firsts + (lengths - 1) / 2, lengths)
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, places, axis=1)
    ranks -= (n - 1) / 2
    ranks /= n
    return ranks


def auc_of_ranks(ranks: NDArray[Any], is_on: Bools) -> Doubles:
    """(C, F): AUC of every row of centered ranks (C, n) for every column of `is_on` (n, F)."""
    n = ranks.shape[1]
    on = is_on.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (ranks @ is_on.astype(ranks.dtype)) / on
        areas: Doubles = 0.5 + mean * (n / (n - on))  # centered ranks have mean 0
    areas[:, (on == 0) | (on == n)] = 0.5
    return np.clip(areas, 0.0, 1.0)  # float32 products may exceed 1 by 1e-8


def correlation(ranks: NDArray[Any], numbers: NDArray[Any]) -> Doubles:
    """(C, F): Pearson's correlation of centered rows (C, n) and centered columns (n, F)."""
    lengths = np.sqrt(np.einsum("cn,cn->c", ranks, ranks, dtype=np.float64))[:, None]
    lengths = lengths * np.sqrt(np.einsum("nf,nf->f", numbers, numbers, dtype=np.float64))
    products = (ranks @ numbers.astype(ranks.dtype)).astype(np.float64)
    found: Doubles = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return np.clip(found, -1.0, 1.0)


def auc_of_counts(on: NDArray[Any], off: NDArray[Any]) -> Doubles:
    """(…): AUC from histograms (…, bins) of the values where a feature is on and where it is off."""
    off = off.astype(np.float64)
    below = np.cumsum(off, axis=-1) - off / 2
    pairs = on.sum(axis=-1, dtype=np.float64) * off.sum(axis=-1)
    won = np.einsum("...b,...b->...", on, below, dtype=np.float64)
    areas: Doubles = np.divide(won, pairs, out=np.full_like(pairs, 0.5), where=pairs > 0)
    return areas


def spearman_of_counts(counts: NDArray[Any], sums: Doubles, variance: float) -> Doubles:
    """(…): Spearman's correlation from histograms of the values.

    counts: (…, bins) the positions in each bin. sums: (…, bins) the sums of their centered ranks in the other
    variable; variance: the mean of the squares of those ranks.
    """
    n = np.maximum(counts.sum(axis=-1, keepdims=True, dtype=np.float64), 1)
    ranks = (np.cumsum(counts, axis=-1) - counts / 2) / n - 0.5
    covariance = np.einsum("...b,...b->...", ranks, sums) / n[..., 0]
    covariance -= np.einsum("...b,...b->...", ranks, counts) / n[..., 0] * sums.sum(axis=-1) / n[..., 0]
    spread = np.sqrt(np.maximum(np.einsum("...b,...b->...", ranks**2, counts) / n[..., 0], 0) * variance)
    found: Doubles = np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 1e-9)
    return found.clip(-1, 1)


def average_precision_of_counts(on: NDArray[Any], off: NDArray[Any]) -> float:
    """Average precision from two histograms (bins,); a bin is one threshold."""
    hits, taken = np.cumsum(on[::-1]), np.cumsum((on + off)[::-1])
    if not hits[-1]:
        return 0.0
    precision = np.divide(hits, taken, out=np.zeros(len(hits)), where=taken > 0)
    return float(np.sum(on[::-1] / hits[-1] * precision))


def mean_interval(values: NDArray[Any], confidence: float = 0.95) -> tuple[float, float] | None:
    """A confidence interval of the mean of an autocorrelated series (n,), by batch means.

    The means of consecutive batches are nearly independent even if single values are not. Student's interval
    of some 30 of them is valid; that of all values would be far too narrow. None for fewer than 50 values.
    """
    batches = min(_MOST_BATCHES, len(values) // _LEAST_IN_BATCH)
    if batches < _LEAST_BATCHES:
        return None
    borders = np.arange(batches) * len(values) // batches
    sizes = np.diff(borders, append=len(values))
    means = np.add.reduceat(values.astype(np.float64), borders) / sizes
    mean = float(np.mean(values, dtype=np.float64))
    half = _student(0.5 + confidence / 2, batches - 1) * float(means.std(ddof=1)) / batches**0.5
    return mean - half, mean + half


def _student(probability: float, freedom: int) -> float:
    """The quantile of Student's distribution (Abramowitz & Stegun 1964, 26.7.5), for 4 degrees or more."""
    z = NormalDist().inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4)
    )
