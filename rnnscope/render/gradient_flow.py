"""Gradient flow as a table over steps back, and in words how much is left at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.gradient_flow import Flow, GradientFlowResult
from rnnscope.render.report import BLANK, Report, table, words

_STEPS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


@dataclass(frozen=True, eq=False)
class Curve:
    """One layer's hidden or cell state. norms, errors: (D + 1,) the mean and its standard error."""

    name: str
    is_own: bool
    norms: NDArray[np.float64]
    errors: NDArray[np.float64]

    def left(self, back: int) -> tuple[float, float]:
        """The share of the gradient at step 0 that is left so many steps back, and its standard error."""
        first = max(float(self.norms[0]), 1e-300)
        return float(self.norms[back]) / first, float(self.errors[back]) / first

    @property
    def half(self) -> int | None:
        """The first step back at which less than half is left; None where there is none."""
        below = np.flatnonzero(self.norms < self.norms[0] / 2)
        return int(below[0]) if len(below) else None


def curves(result: GradientFlowResult) -> list[Curve]:
    """The session's network first; the cell state before the hidden state."""
    names = [flow.title.rpartition(" ")[0] for flow in (result.own, result.other)]
    if names[0] == names[1]:
        names = ["this", "other"]
    flows = zip(names, (result.own, result.other), (True, False), strict=True)
    return [curve for name, flow, is_own in flows for curve in _curves(name, flow, is_own)]


def report(result: GradientFlowResult) -> Report:
    """One row per step back, one column per layer and state."""
    drawn = curves(result)
    steps = [step for step in _STEPS if step < result.distance] + [result.distance]
    rows = [[f"{step:,}", *(f"{curve.norms[step]:.1e}" for curve in drawn)] for step in steps]
    lines = table(["steps back", *(curve.name for curve in drawn)], rows)
    lines += [BLANK, *(words(_summary(curve, result.distance), *_shorter(curve, result)) for curve in drawn)]
    lines += [
        BLANK,
        words(
            f"norms of ∂ loss / ∂ h and ∂ loss / ∂ c: means over {result.own.losses} losses along the text",
            "dim",
            f"means over {result.own.losses} losses",
        ),
    ]
    if result.unknown_share:
        lines.append(
            words(f"{result.other.name} lacks {result.unknown_share:.1%} of the text's characters", "dim")
        )
    other = f"{result.other.name} ({result.other.title})"
    return Report("gradient flow", f"{result.own.title}, compared with {other}", tuple(lines))


def _curves(name: str, flow: Flow, is_own: bool) -> list[Curve]:
    found = []
    for layer in range(len(flow.hidden)):
        of_layer = f"{name} {layer + 1}" if len(flow.hidden) > 1 else name
        if flow.cell is not None and flow.cell_error is not None:
            found.append(Curve(f"{of_layer} cell", is_own, flow.cell[layer], flow.cell_error[layer]))
        found.append(Curve(f"{of_layer} hidden", is_own, flow.hidden[layer], flow.hidden_error[layer]))
    return found


def _summary(curve: Curve, distance: int) -> str:
    half = f"half is left after {curve.half} steps" if curve.half else "never below half"
    return f"{curve.name}: {half}, {_left(curve, distance)} after {distance}"


def _shorter(curve: Curve, result: GradientFlowResult) -> tuple[str, str]:
    return "text", f"{curve.name}: {_left(curve, result.distance)} left"


def _left(curve: Curve, distance: int) -> str:
    share, error = curve.left(distance)
    digits = max(2, 1 - int(np.floor(np.log10(share * 100)))) if share * 100 >= 1e-3 else 0
    if not digits:
        return f"{share * 100:.0e} %"
    return f"{share * 100:.{digits}f} ± {error * 100:.{digits}f} %"
