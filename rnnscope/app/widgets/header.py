"""Who is learning what, and how far it is: one row of facts over a rule that is the progress bar.

     rnnscope   corpus  LSTM 1×256  351,682 parameters  cpu        ● training  epoch 4.2  90k char/s  00:42
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────

Where the row is too narrow for all, what matters least goes first; name, text and time stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from rnnscope.app.palette import STEPS, Palette
from rnnscope.app.status import Status, clock, short
from rnnscope.app.widgets.ground import Ground
from rnnscope.text.display import safe

_LOGO = " rnnscope "
_GAP = 2
_NAME_WIDTH = 28


@dataclass(frozen=True)
class _Part:
    """Something the row says; a higher rank goes sooner when there is no room."""

    rank: int
    segments: tuple[Segment, ...]
    on_the_right: bool = False

    @property
    def width(self) -> int:
        return sum(segment.cell_length for segment in self.segments)


class Header(Ground):
    """Shows a `Status`; draws only the row that changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._status = Status()

    def show(self, status: Status) -> None:
        before, self._status = self._status, status
        if before == status:
            return
        self.refresh(Region(0, 0, self.size.width, 1))
        if self._filled(before) != self._filled(status) or before.phase != status.phase:
            self.refresh(Region(0, 1, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        return self._facts() if y == 0 else self._rule()

    def _facts(self) -> Strip:
        width = self.size.width
        parts = _fitting(self._parts(), width)
        left = _joined([part for part in parts if not part.on_the_right], self.ground)
        right = _joined([part for part in parts if part.on_the_right], self.ground)
        gap = max(0, width - left.cell_length - right.cell_length)
        return Strip([*left, Segment(" " * gap, self.ground), *right]).adjust_cell_length(width, self.ground)

    def _parts(self) -> list[_Part]:
        status = self._status

        def text(words: str, token: str = "text", *, bold: bool = False) -> tuple[Segment, ...]:
            return (Segment(words, self.ink(token, bold=bold)),)

        parts = [_Part(0, logo(self.palette)), _Part(2, text(_name(status.corpus), "strong"))]
        if status.model:
            parts.append(_Part(3, text(status.model)))
            parts.append(_Part(10, text(f"{status.parameters:,} parameters", "mute")))
            parts.append(_Part(9, text(status.device, "mute")))
        dot, word = self._state()
        parts.append(_Part(4, (dot,), on_the_right=True))
        parts.append(_Part(6, (word,), on_the_right=True))
        if status.epoch is not None:
            parts.append(_Part(7, text(f"epoch {status.epoch:.1f}"), on_the_right=True))
        if status.characters_per_second is not None:
            parts.append(
                _Part(5, text(f"{short(status.characters_per_second):>4} char/s"), on_the_right=True)
            )
        if status.memory_bytes:
            parts.append(_Part(11, text(f"{status.memory_bytes / 2**20:,.0f} MB", "mute"), on_the_right=True))
        if status.remaining_seconds is not None and status.phase != "finished":
            left = f"{clock(status.remaining_seconds)} left"
            parts.append(_Part(8, text(left, "mute"), on_the_right=True))
        parts.append(_Part(1, text(clock(status.elapsed_seconds), "strong", bold=True), on_the_right=True))
        return [part for part in parts if part.width]

    def _state(self) -> tuple[Segment, Segment]:
        """The mark of what the run is doing, and the word for it."""
        status = self._status
        if status.paused and status.phase not in ("saving", "finished", "failed"):
            return Segment("‖", self.ink("amber")), Segment("paused", self.ink("amber"))
        match status.phase:
            case "training" | "annealing":
                return Segment("●", self.ink("mint")), Segment(status.phase, self.ink("mint"))
            case "finished":
                return Segment("■", self.ink("dim")), Segment("finished", self.ink("dim"))
            case "failed":
                return Segment("!", self.ink("error")), Segment("stopped", self.ink("error"))
            case "saving":
                return Segment("●", self.ink("dim")), Segment("saving", self.ink("dim"))
            case _:
                return Segment("○", self.ink("dim")), Segment("loading torch…", self.ink("dim"))

    def _rule(self) -> Strip:
        width = self.size.width
        done, half = divmod(self._filled(self._status), 2)
        bar = "━" * done + "╸" * half
        rest = "─" * (width - len(bar))
        return Strip([Segment(bar, self.ink("azure")), Segment(rest, self.ink("faint"))])

    def _filled(self, status: Status) -> int:
        """How many half cells of the rule are done."""
        return round(2 * self.size.width * min(1.0, status.fraction or 0.0))


def _name(corpus: str) -> str:
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


def _fitting(parts: Sequence[_Part], width: int) -> list[_Part]:
    """As many parts as fit, the most important first, in their own order."""
    kept: list[_Part] = []
    for part in sorted(parts, key=lambda part: part.rank):
        if not kept or _needed([*kept, part]) <= width:
            kept.append(part)
    return [part for part in parts if part in kept]


def _needed(parts: Sequence[_Part]) -> int:
    """The width of the row with all of these parts."""
    return sum(part.width for part in parts) + _GAP * (len(parts) - 1)


def _joined(parts: Sequence[_Part], ground: Style) -> Strip:
    segments: list[Segment] = []
    for i, part in enumerate(parts):
        # the word follows its dot after one column
        gap = 1 if i and parts[i - 1].segments[0].text in _MARKS else _GAP
        if i:
            segments.append(Segment(" " * gap, ground))
        segments.extend(part.segments)
    return Strip(segments)


_MARKS = ("●", "○", "■", "‖", "!")
