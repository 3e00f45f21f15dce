"""Who is learning what, and how far it is: one row of facts over a rule that is the progress bar.

     rnnscope   corpus  LSTM 1×256  351,682 parameters  cpu        ● training  epoch 4.2  90k char/s  00:42
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────

Where the row is too narrow for all, what matters least goes first; name, text and time stay.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region

from rnnscope.app.panels.facts import Facts, Part, logo, short_name
from rnnscope.app.status import Status, clock, short


class Header(Facts):
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

    def parts(self) -> list[Part]:
        status, text = self._status, self.text
        parts = [Part(0, logo(self.palette)), Part(2, text(short_name(status.corpus), "strong"))]
        if status.model:
            parts.append(Part(3, text(status.model)))
            parts.append(Part(10, text(f"{status.parameters:,} parameters", "mute")))
            parts.append(Part(9, text(status.device, "mute")))
        dot, word = self._state()
        parts.append(Part(4, (dot,), on_the_right=True))
        parts.append(Part(6, (word,), on_the_right=True))
        if status.epoch is not None:
            parts.append(Part(7, text(f"epoch {status.epoch:.1f}"), on_the_right=True))
        if status.characters_per_second is not None:
            parts.append(Part(5, text(f"{short(status.characters_per_second):>4} char/s"), on_the_right=True))
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

    def filled(self) -> int:
        return self._filled(self._status)

    def _filled(self, status: Status) -> int:
        """How many half cells of the rule are done."""
        return round(2 * self.size.width * min(1.0, status.fraction or 0.0))
