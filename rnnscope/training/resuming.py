"""The numbers in resume.safetensors, next to its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnscope.strict_json import decode
from rnnscope.training.events import FinishReason
from rnnscope.training.schedule import Finish, Patience


@dataclass(frozen=True)
class LearnerNumbers:
    """The scalars of a `Learner` that its next steps depend on."""

    step: int
    epoch: int
    position: int
    level_nats: float
    rate_factor: float
    returns_in_a_row: int


@dataclass(frozen=True)
class ResumeInfo:
    """All scalars that a resumed run depends on."""

    learner: LearnerNumbers
    elapsed_seconds: float
    finish: Finish | None
    patience: Patience
    best_nats: float | None
    learning_rate_factor: float
    ended: FinishReason | None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ResumeInfo:
        """Raises JsonError, a ValueError, for values of another type."""
        return decode(cls, value)
