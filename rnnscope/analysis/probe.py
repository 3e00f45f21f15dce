"""A linear probe: how well all units together predict a feature, to compare with the best single unit.

Boolean: logistic regression with an L1 penalty, so that many weights are 0,

    minimise  mean log(1 + exp(−y (w·x + b))) + λ ‖w‖₁          y = ±1, x standardised

along a path of falling λ, each by accelerated proximal gradient (FISTA, Beck & Teboulle 2009) over the units
that the sequential strong rule keeps (Tibshirani et al. 2012), checked against the optimality conditions.
Number: ridge regression. The penalty is chosen on every fourth block of the training positions; the score,
AUC or Spearman, is computed on held-out positions.

It is implemented here, with matrix products, to avoid a dependency on scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnscope.analysis.features import Kind
from rnnscope.analysis.statistics import Probe, auc, spearman
from rnnscope.network.cells.product import product
from rnnscope.progress import NO_PROGRESS, Progress

Float = NDArray[np.float32]

_STEPS = 8
_FALL = 0.45
"""The ratio of consecutive penalties of the path."""
_ROUNDS = 40
_BLOCKS = 16
_PATIENCE = 2
"""The path ends after this many penalties without a better score."""
_CLOSE_ENOUGH = 0.002
"""A score within this distance of the best is preferred if it uses fewer units."""
_PERFECT = 1 - _CLOSE_ENOUGH
_ROWS = 1024
_RIDGES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)


def probe(
    states: Float,
    answers: Float,
    held_states: Float,
    held_answers: Float,
    kind: Kind,
    units: int,
    *,
    progress: Progress = NO_PROGRESS,
) -> Probe:
    """Fit a probe to states (n, D) and answers (n,), in text order, and score it on the held-out ones.

    A boolean answer is 0 or 1. The D columns are one or more blocks of `units` columns, such as the cell
    states of all units and then their hidden states. Raises Cancelled.
    """
    mean, scale = states.mean(axis=0), states.std(axis=0)
    scale = np.where(scale > 1e-6, scale, np.inf)  # a constant unit carries no information
    x, held_x = (torch.from_numpy((part - mean) / scale) for part in (states, held_states))
    y = torch.from_numpy(2 * answers - 1 if kind == "boolean" else answers - answers.mean())
    judge = _auc if kind == "boolean" else _spearman
    path = partial(_lasso_path if kind == "boolean" else _ridge_path, progress=progress)
    weights = _chosen(path, x, y, judge)
    used = (weights.view(-1, units) != 0).any(dim=0)
    return Probe(judge(held_x @ weights, torch.from_numpy(held_answers)), int(used.sum()))


def _auc(values: Tensor, answers: Tensor) -> float:
    return auc(values.numpy(), (answers > 0).numpy())


def _spearman(values: Tensor, answers: Tensor) -> float:
    return spearman(values.numpy(), answers.numpy())


def _chosen(
    path: Callable[[Tensor, Tensor], Iterator[Tensor]],
    x: Tensor,
    y: Tensor,
    judge: Callable[[Tensor, Tensor], float],
) -> Tensor:
    """Weights for the strongest penalty close to the best on every fourth block, fitted to the others."""
    judges = torch.arange(len(x)) * _BLOCKS // len(x) % 4 == 3
    if not (_varies(y[judges]) and _varies(y[~judges])):
        return next(islice(path(x, y), _PATIENCE, None))
    tried: list[Tensor] = []
    scores: list[float] = []
    judge_x, judge_y = x[judges], y[judges]
    for weights in path(x[~judges], y[~judges]):
        tried.append(weights)
        scores.append(judge(judge_x @ weights, judge_y))
        if scores[-1] > _PERFECT or len(scores) > int(np.argmax(scores)) + _PATIENCE:
            break
    return tried[int(np.argmax(np.array(scores) >= max(scores) - _CLOSE_ENOUGH))]


def _varies(y: Tensor) -> bool:
    return len(y) > 0 and bool((y != y[0]).any())


def _lasso_path(x: Tensor, y: Tensor, progress: Progress = NO_PROGRESS) -> Iterator[Tensor]:
    """Weights for decreasing penalties, each initialized with the previous solution."""
    weights = x.new_zeros(x.shape[1])
    share = float((y > 0).float().mean())
    intercept = math.log(share / (1 - share))
    gradient = _gradient(x, y, weights, intercept)
    before = float(gradient.abs().max())
    for _ in range(_STEPS):
        penalty = before * _FALL
        keep = (gradient.abs() >= 2 * penalty - before) | (weights != 0)
        while True:
            active = keep.nonzero().flatten()
            part, start = x[:, active], (weights[active], intercept)
            weights[active], intercept = _fista(part, y, *start, penalty, progress)
            gradient = _gradient(x, y, weights, intercept)
            missed = (gradient.abs() > 1.05 * penalty) & ~keep
            if not missed.any():
                break
            keep |= missed
        yield weights.clone()
        before = penalty


def _gradient(x: Tensor, y: Tensor, weights: Tensor, intercept: float) -> Tensor:
    """The gradient of the mean logistic loss with respect to the weights."""
    return -(_pull(y, x @ weights + intercept) @ x) / len(x)


def _pull(y: Tensor, margin: Tensor) -> Tensor:
    """y σ(−y m): the negative gradient of the logistic loss with respect to each margin."""
    return y * torch.sigmoid(-y * margin)


def _fista(
    x: Tensor, y: Tensor, weights: Tensor, intercept: float, penalty: float, progress: Progress = NO_PROGRESS
) -> tuple[Tensor, float]:
    """The minimum from a warm start, restarted when the objective increases (O'Donoghue & Candès 2015)."""
    design = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    now = torch.cat([weights, weights.new_tensor([intercept])])
    step = 1.0 / max(_curvature(design), 1e-9)
    threshold = torch.full_like(now, step * penalty)
    threshold[-1] = 0.0
    ahead, momentum = now, 1.0
    for _ in range(_ROUNDS):
        progress.check()
        moved = ahead + step / len(x) * (_pull(y, design @ ahead) @ design)
        following = moved.sign() * (moved.abs() - threshold).clamp(min=0)
        change = following - now
        if float((ahead - following) @ change) > 0:
            momentum = 1.0
        grown = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / grown * change
        now, momentum = following, grown
        if float(change.abs().max()) <= 1e-4 * max(1e-3, float(now.abs().max())):
            break
    return now[:-1], float(now[-1])


def _curvature(design: Tensor) -> float:
    """The largest eigenvalue of the loss's second derivative: at most ‖X‖² / 4n, by power iteration."""
    direction = design.new_ones(design.shape[1])
    length = 1.0
    for _ in range(12):
        direction = (design @ direction) @ design
        length = float(direction.norm())
        if length == 0:
            return 0.0
        direction /= length
    return 1.05 * length / (4 * len(design))


def _ridge_path(x: Tensor, y: Tensor, progress: Progress = NO_PROGRESS) -> Iterator[Tensor]:
    """Weights for decreasing penalties."""
    products, shared = x.new_zeros(x.shape[1], x.shape[1]), (y @ x).double()
    for part in torch.split(x, _ROWS):
        progress.check()
        turned = part.t().contiguous()
        products += product(turned, turned)
    products = products.double()
    whole = torch.eye(len(products), dtype=torch.float64) * len(x)
    for ridge in _RIDGES:
        progress.check()
        yield torch.linalg.solve(products + ridge * whole, shared).float()
