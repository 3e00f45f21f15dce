"""The header of a run: one row of facts over a rule that is the progress bar.

     rnnscope   corpus  LSTM 1×256  351,682 parameters  cpu        ● training  epoch 4.2  90k char/s  00:42
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────

Where the row is too narrow for all facts, the least important are left out; name, text and time stay.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.frame.facts import Part, facts_row, progress_rule, short_name
from rnnscope.app.status import Status, clock, short
from rnnscope.app.widget_palette import ink_of, logo, palette_of


class Header(Widget):
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
        return facts_row(self, self._parts()) if y == 0 else progress_rule(self, self._filled(self._status))

    def _text(self, words: str, token: str = "text", *, bold: bool = False) -> tuple[Segment, ...]:
        return (Segment(words, ink_of(self, token, bold=bold)),)

    def _parts(self) -> list[Part]:
        status, text = self._status, self._text
        parts = [Part(0, logo(palette_of(self))), Part(2, text(short_name(status.corpus), "strong"))]
        if status.model:
            parts.append(Part(3, text(status.model)))
            parts.append(Part(10, text(f"{status.parameters:,} parameters", "mute")))
            parts.append(Part(9, text(status.device, "mute")))
        dot, word = self._state()
        parts.append(Part(4, (dot,), on_the_right=True))
        parts.append(Part(5, (word,), on_the_right=True))
        if status.unsaved:
            parts.append(Part(1, text("! not saved", "error", bold=True), on_the_right=True))
        if status.epoch is not None:
            parts.append(Part(7, text(f"epoch {status.epoch:.1f}"), on_the_right=True))
        if status.characters_per_second is not None:
            parts.append(Part(6, text(f"{short(status.characters_per_second):>4} char/s"), on_the_right=True))
        if status.memory_bytes:
            parts.append(Part(11, text(f"{status.memory_bytes / 2**20:,.0f} MB", "mute"), on_the_right=True))
        if status.remaining_seconds is not None and status.phase != "finished":
            left = f"{clock(status.remaining_seconds)} left"
            parts.append(Part(8, text(left, "mute"), on_the_right=True))
        parts.append(Part(1, text(clock(status.elapsed_seconds), "strong", bold=True), on_the_right=True))
        return parts

    def _state(self) -> tuple[Segment, Segment]:
        """The mark of what the run is doing, and the word for it."""
        status = self._status
        if status.paused and status.phase not in ("saving", "finished", "failed"):
            return Segment("‖", ink_of(self, "amber")), Segment("paused", ink_of(self, "amber"))
        match status.phase:
            case "training" | "annealing":
                return Segment("●", ink_of(self, "mint")), Segment(status.phase, ink_of(self, "mint"))
            case "finished":
                return Segment("■", ink_of(self, "dim")), Segment("finished", ink_of(self, "dim"))
            case "failed":
                return Segment("!", ink_of(self, "error")), Segment("stopped", ink_of(self, "error"))
            case "saving":
                return Segment("●", ink_of(self, "dim")), Segment("saving", ink_of(self, "dim"))
            case _:
                return Segment("○", ink_of(self, "dim")), Segment("loading torch…", ink_of(self, "dim"))

    def _filled(self, status: Status) -> int:
        """How many half cells of the rule are done."""
        return round(2 * self.size.width * min(1.0, status.fraction or 0.0))
