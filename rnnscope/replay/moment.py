"""Where to go in a replay, as the user types it: a step, a share, or a condition on a curve.

1200        the snapshot nearest to this step
40%         that share of the snapshots
loss<1.5    the first at which the validation loss is below 1.5 nats per character
score>0.9   the first at which the unit's score is at least 0.9
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from rnnscope.errors import OptionError

Curve: TypeAlias = Sequence[tuple[int, float]]
"""Steps and values, sorted by step."""

_CONDITION = re.compile(r"(loss|score)\s*([<>])\s*=?\s*(\S+)", re.IGNORECASE)
_EXAMPLES = "a step such as 1200, 40%, loss<1.5 or score>0.9"


def step_of(answer: str, steps: Sequence[int], *, losses: Curve, scores: Curve) -> int:
    """The snapshot that an answer means, one of `steps`, which rise and are not empty.

    losses: validation losses in nats per character. scores: those of the chosen unit. Raises OptionError with
    what is wrong.
    """
    text = answer.strip()
    if text.endswith("%"):
        share = _number(text[:-1])
        if not 0 <= share <= 100:
            raise OptionError("a share is from 0% to 100%")
        return steps[round(share / 100 * (len(steps) - 1))]
    if text.replace(",", "").isdecimal():
        return nearest(steps, int(text.replace(",", "")))
    if (match := _CONDITION.fullmatch(text)) is None:
        raise OptionError(_EXAMPLES)
    name, sign, value = match[1].lower(), match[2], _number(match[3])
    curve = losses if name == "loss" else scores
    if not curve:
        raise OptionError(
            "this run has no validation loss" if name == "loss" else "press / to find a feature first"
        )
    first = first_passed(curve, value, below=sign == "<")
    if first is None:
        verb = "falls below" if sign == "<" else "reaches"
        raise OptionError(f"the {'validation loss' if name == 'loss' else 'score'} never {verb} {value:g}")
    return next((step for step in steps if step >= first), steps[-1])


def first_passed(curve: Curve, value: float, *, below: bool) -> int | None:
    """The first step at which a curve is below `value`, or at least `value`; None if there is none."""
    return next((step for step, now in curve if (now < value if below else now >= value)), None)


def nearest(steps: Sequence[int], step: float) -> int:
    """The snapshot nearest to a step; of two equally near, the earlier."""
    return min(steps, key=lambda each: abs(each - step))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(_EXAMPLES) from None
