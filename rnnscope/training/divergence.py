"""Detects that training has diverged and returns to an earlier state; detects that it has stalled.

At fixed steps, so that runs are reproducible, the mean loss since the last check is compared with its running
level. Two copies of the state are kept: the one from the last good check is trusted only if the next check
is good, too, because weights can diverge a few steps before the loss does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

CHECK_EVERY = 50
"""Steps between two checks."""
GIVE_UP_AFTER = 24
"""Give up after this many consecutive restorations."""

_SMOOTHING = 0.3

STALL_STEPS = 500
"""After this many steps a loss no better than the character frequencies alone is a stall."""
_COUNTED_CHARACTERS = 4_000_000

Snapshot = dict[str, Tensor]


def is_divergent(loss_nats: float, level_nats: float) -> bool:
    """Return True if a mean loss over CHECK_EVERY steps is far above `level_nats`, or NaN."""
    return not loss_nats <= 1.5 * level_nats + 0.5  # NaN compares false


def frequencies_nats(ids: NDArray[np.generic]) -> float:
    """The loss of the 1-gram model of `ids` on themselves: the entropy of their frequencies, nats."""
    counts = np.bincount(np.asarray(ids[:_COUNTED_CHARACTERS]).astype(np.int64)).astype(np.float64)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def is_stalled(loss_nats: float, one_gram_nats: float) -> bool:
    """Return True if a training loss is no better than that of the 1-gram model."""
    return one_gram_nats > 0.1 and loss_nats > 0.98 * one_gram_nats


@dataclass
class Guard:
    """The reference level of the loss, and the states to restore.

    level_nats: the running level of the loss; begins at that of a uniform prediction.
    trusted, recent: copies of weights and optimizer, the former one good check older.
    """

    level_nats: float
    trusted: Snapshot
    recent: Snapshot
    rate_factor: float = 1.0
    """Halved at each restoration."""
    returns_in_a_row: int = 0
    losses_nats: list[float] = field(default_factory=list)
    """The losses since the last check."""

    def add(self, losses_nats: Iterable[float]) -> None:
        """Add the losses of further steps."""
        self.losses_nats.extend(losses_nats)

    def check(self, state: Mapping[str, Tensor]) -> Snapshot | None:
        """Check the losses since the last check: None if they are good, otherwise the state to restore.

        state: the present weights and optimizer; copied if the losses are good.
        """
        mean = math.fsum(self.losses_nats) / len(self.losses_nats)
        self.losses_nats.clear()
        if not is_divergent(mean, self.level_nats):
            self.level_nats += _SMOOTHING * (mean - self.level_nats)
            self.trusted, self.recent = self.recent, copied(state)
            self.returns_in_a_row = 0
            return None
        self.rate_factor /= 2
        self.returns_in_a_row += 1
        self.recent = self.trusted
        return self.trusted


def copied(state: Mapping[str, Tensor]) -> Snapshot:
    """Copies of the tensors, on the same device."""
    return {name: tensor.detach().clone() for name, tensor in state.items()}
