"""Gradient flow as a table over steps back, and the share that is left at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.gradient_flow import Flow, GradientFlowResult
from rnnscope.render.report import BLANK, Line, Report, table, words

_LEAST_PERCENT = 1e-3
_STEPS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


@dataclass(frozen=True, eq=False)
class Curve:
    """One layer's hidden or cell state. norms, errors, rms: (D + 1,), as in `Norms`."""

    name: str
    is_own: bool
    norms: NDArray[np.float64]
    errors: NDArray[np.float64]
    rms: NDArray[np.float64]

    def left(self, back: int) -> tuple[float, float]:
        """The share of the gradient at step 0 that is left `back` steps earlier, and its standard error."""
        first = max(float(self.norms[0]), 1e-300)
        return float(self.norms[back]) / first, float(self.errors[back]) / first

    @property
    def half(self) -> int | None:
        """The first step back at which less than half is left; None if there is none."""
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
    lines += [BLANK, *(_summary_line(curve, result.distance) for curve in drawn)]
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
    for layer in range(len(flow.hidden.mean)):
        of_layer = f"{name} {layer + 1}" if len(flow.hidden.mean) > 1 else name
        for state, norms in (("cell", flow.cell), ("hidden", flow.hidden)):
            if norms is not None:
                values = norms.mean[layer], norms.error[layer], norms.rms[layer]
                found.append(Curve(f"{of_layer} {state}", is_own, *values))
    return found


def _summary_line(curve: Curve, distance: int) -> Line:
    half = (
        f"half is left after {curve.half} step{'s' * (curve.half > 1)}" if curve.half else "never below half"
    )
    left = _left(curve, distance)
    return words(f"{curve.name}: {half}, {left} after {distance}", "text", f"{curve.name}: {left} left")


def _left(curve: Curve, distance: int) -> str:
    """Such as `1.9 ± 0.5 % (RMS 4.6 %)`."""
    share, error = (100 * value for value in curve.left(distance))
    rms = 100 * float(curve.rms[distance] / max(curve.rms[0], 1e-300))
    if share < _LEAST_PERCENT:
        return f"{share:.0e} %"
    digits = max(1, 1 - int(np.floor(np.log10(share))))
    return f"{share:.{digits}f} ± {error:.{digits}f} % (RMS {rms:.{digits}f} %)"
