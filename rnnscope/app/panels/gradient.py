"""The norm of the gradient before clipping, with the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment

from rnnscope.app.axes import ValueAxis
from rnnscope.app.history import History, Series
from rnnscope.app.panels.chart import Chart, Content
from rnnscope.app.plot import Level

_WIDTH_OF_BOTH = 68
_WIDTH_OF_BOTH_WITH_TABS = 76
"""Minimum number of columns for both the update ratio and the learning rate in the title."""


class Gradient(Content):
    """Gradient norm over steps, on log axes, with a dotted line at the clipping threshold."""

    heading = "gradient"
    roomy_above: ClassVar[int] = 9

    def __init__(self, clip_norm: float | None = 1.0) -> None:
        self.clip_norm = clip_norm
        """The norm at which gradients are clipped; None where they are not."""

    def set_clip_norm(self, clip_norm: float | None) -> None:
        self.clip_norm = clip_norm

    def subject(self, chart: Chart) -> str:
        step = chart.crosshair_step
        if step is not None:
            gradient = chart.history.gradient
            row = gradient.nearest(step)
            norm = f"step {step:,}  norm {gradient.mean[row]:.3g}"
            both = f"{norm}  around it {gradient.smooth[row]:.3g}"
            return chart.longest_subject(both, norm, f"step {step:,}")
        name = f"norm (clip {self.clip_norm:g})" if self.clip_norm else "norm"
        return chart.longest_subject(name + chart.zoomed, name)

    def legend(self, chart: Chart) -> list[Segment]:
        history, ink = chart.history, chart.palette.ink
        if history.learning_rate is None or chart.crosshair_step is not None:
            return []
        rate = [
            Segment("learning rate ", ink("dim")),
            Segment(f"{history.learning_rate:.2g}", ink("strong", bold=True)),
        ]
        if history.update_ratio_log10 is None:
            return rate
        update = [
            Segment("log₁₀ Δw/w ", ink("dim")),
            Segment(f"{history.update_ratio_log10:.1f}".replace("-", "−"), ink("strong", bold=True)),
        ]
        both = [*update, Segment("   ", ink("dim")), *rate]
        least = _WIDTH_OF_BOTH if chart.tabs is None else _WIDTH_OF_BOTH_WITH_TABS
        return both if chart.outer_size.width >= least else rate

    def series(self, history: History) -> Series:
        return history.gradient

    def value_labels(self, values: ValueAxis) -> dict[int, str]:
        return values.ticks(aligned=False, through=self.clip_norm)

    def levels(self, history: History) -> Sequence[Level]:
        return [Level("clipping", self.clip_norm)] if self.clip_norm else []
