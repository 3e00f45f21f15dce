"""A row of facts over a rule; in a narrow row the least important are left out.

 rnnscope   corpus  LSTM 1×256                                                     held out 1.571 nats
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.widget_palette import ink_of
from rnnscope.text.display import safe

_GAP = 2
_NAME_WIDTH = 28
_MARKS = ("●", "○", "■", "‖", "!")


@dataclass(frozen=True)
class Part:
    """A fact in the row; where there is no room, higher ranks are left out first."""

    rank: int
    segments: tuple[Segment, ...]
    on_the_right: bool = False

    @property
    def width(self) -> int:
        return sum(segment.cell_length for segment in self.segments)


def facts_row(widget: Widget, parts: Sequence[Part]) -> Strip:
    """As many parts as fit into a widget's width: some at its left edge, some at its right."""
    width, ground = widget.size.width, ink_of(widget)
    fitting = _fitting([part for part in parts if part.width], width)
    left = _joined([part for part in fitting if not part.on_the_right], ground)
    right = _joined([part for part in fitting if part.on_the_right], ground)
    gap = max(0, width - left.cell_length - right.cell_length)
    return Strip([*left, Segment(" " * gap, ground), *right]).adjust_cell_length(width, ground)


def progress_rule(widget: Widget, half_cells: int) -> Strip:
    """A progress rule as wide as a widget; `done` is in half cells."""
    done, half = divmod(half_cells, 2)
    bar = "━" * done + "╸" * half
    rest = "─" * (widget.size.width - len(bar))
    return Strip([Segment(bar, ink_of(widget, "azure")), Segment(rest, ink_of(widget, "faint"))])


def short_name(corpus: str) -> str:
    """A text's name in a bounded width: of a long path only its end."""
    name = corpus if len(corpus) <= _NAME_WIDTH else PurePath(corpus).name
    return safe(name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…")


def _fitting(parts: Sequence[Part], width: int) -> list[Part]:
    """As many parts as fit, the most important first, in their own order."""
    kept: list[Part] = []
    for part in sorted(parts, key=lambda part: part.rank):
        if not kept or _needed([*kept, part]) <= width:
            kept.append(part)
    return [part for part in parts if part in kept]


def _needed(parts: Sequence[Part]) -> int:
    """The width of the row with all of these parts."""
    return sum(part.width for part in parts) + _GAP * (len(parts) - 1)


def _joined(parts: Sequence[Part], ground: Style) -> Strip:
    segments: list[Segment] = []
    for i, part in enumerate(parts):
        # the word follows its dot after one column
        gap = 1 if i and parts[i - 1].segments[0].text in _MARKS else _GAP
        if i:
            segments.append(Segment(" " * gap, ground))
        segments.extend(part.segments)
    return Strip(segments)
