"""A row of facts over a rule: what matters least goes first where the row is too narrow for all.

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

from rnnscope.app.panels.ground import Ground
from rnnscope.text.display import safe
from rnnscope.theme.palette import STEPS, Palette

_LOGO = " rnnscope "
_GAP = 2
_NAME_WIDTH = 28
_MARKS = ("●", "○", "■", "‖", "!")


@dataclass(frozen=True)
class Part:
    """Something the row says; a higher rank goes sooner when there is no room."""

    rank: int
    segments: tuple[Segment, ...]
    on_the_right: bool = False

    @property
    def width(self) -> int:
        return sum(segment.cell_length for segment in self.segments)


class Facts(Ground):
    """The row and the rule; a subclass gives the parts, and how much is done."""

    def parts(self) -> list[Part]:
        """What there is to say, in order."""
        raise NotImplementedError

    def filled(self) -> int:
        """How many half cells of the rule are done."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        return self._row() if y == 0 else self._rule()

    def text(self, words: str, token: str = "text", *, bold: bool = False) -> tuple[Segment, ...]:
        """Words in the ink of a token."""
        return (Segment(words, self.ink(token, bold=bold)),)

    def _row(self) -> Strip:
        width = self.size.width
        parts = _fitting([part for part in self.parts() if part.width], width)
        left = _joined([part for part in parts if not part.on_the_right], self.ground)
        right = _joined([part for part in parts if part.on_the_right], self.ground)
        gap = max(0, width - left.cell_length - right.cell_length)
        return Strip([*left, Segment(" " * gap, self.ground), *right]).adjust_cell_length(width, self.ground)

    def _rule(self) -> Strip:
        width = self.size.width
        done, half = divmod(self.filled(), 2)
        bar = "━" * done + "╸" * half
        rest = "─" * (width - len(bar))
        return Strip([Segment(bar, self.ink("azure")), Segment(rest, self.ink("faint"))])


def short_name(corpus: str) -> str:
    """A text's name in a bounded width: of a long path only its end."""
    name = corpus if len(corpus) <= _NAME_WIDTH else PurePath(corpus).name
    return safe(name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…")


def logo(palette: Palette) -> tuple[Segment, ...]:
    """The name on ten steps of the diverging palette: the first legend."""
    if palette.depth in ("none", "16"):
        return (Segment(_LOGO, Style(bold=True, reverse=True)),)
    segments = []
    for i, letter in enumerate(_LOGO):
        step = round(i * (STEPS - 1) / (len(_LOGO) - 1))
        segments.append(Segment(letter, palette.diverging[step] + Style(bold=True, underline=False)))
    return tuple(segments)


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
