"""The header of a replay: the run and its network, and where in the training it is; the rule is that place.

 rnnscope   shakespeare-1  LSTM 1×256                 ▶ 2×  snapshot 61 of 98  step 1,024  00:42
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸────────────────────────────────────────────
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.frame.facts import Part, facts_row, progress_rule, short_name
from rnnscope.app.player import Playing
from rnnscope.app.status import clock
from rnnscope.app.widget_palette import ink_of, logo, palette_of


@dataclass(frozen=True)
class Replayed:
    """What the header shows."""

    run: str
    """The name of the run."""
    title: str = ""
    """Such as `LSTM 1×256`; empty while it is being loaded."""
    source: str = ""
    """Where the text is from."""
    playing: Playing = field(default_factory=Playing)
    elapsed_seconds: float | None = None
    """The training time of the present snapshot."""
    activity: str = ""
    """What a job does, such as `searching`; empty where none is under way."""
    is_growing: bool = False
    """Whether a process writes the run."""


class ReplayHeader(Widget):
    """Shows a `Replayed`."""

    def __init__(self, run: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.replayed = Replayed(run)

    def show(self, replayed: Replayed) -> None:
        if replayed != self.replayed:
            self.replayed = replayed
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return facts_row(self, self._parts()) if y == 0 else progress_rule(self, self._filled())

    def _text(self, words: str, token: str = "text", *, bold: bool = False) -> tuple[Segment, ...]:
        return (Segment(words, ink_of(self, token, bold=bold)),)

    def _parts(self) -> list[Part]:
        shown, text = self.replayed, self._text
        playing = shown.playing
        parts = [Part(0, logo(palette_of(self))), Part(3, text(short_name(shown.run), "strong"))]
        if not shown.title:
            return [*parts, Part(2, text("○ loading torch…", "dim"), True)]
        parts.append(Part(5, text(shown.title)))
        parts.append(Part(9, text(short_name(shown.source), "mute")))
        if shown.activity:
            parts.append(Part(7, text(f"{shown.activity}…", "azure"), on_the_right=True))
        if shown.is_growing:
            parts.append(Part(8, text("training goes on", "dim"), on_the_right=True))
        word, token = (f"▶ {playing.speed_name}", "mint") if playing.plays else ("‖ paused", "amber")
        parts.append(Part(4, text(word, token), on_the_right=True))
        place = f"snapshot {playing.place + 1} of {len(playing.steps)}"
        parts.append(Part(6, text(place, "dim"), on_the_right=True))
        width = len(f"{playing.steps[-1]:,}") if playing.steps else 1
        parts.append(Part(1, text(f"step {playing.step:>{width},}", "strong", bold=True), on_the_right=True))
        if shown.elapsed_seconds is not None:
            parts.append(Part(2, text(clock(shown.elapsed_seconds), "strong"), on_the_right=True))
        return parts

    def _filled(self) -> int:
        """How many half cells of the rule are done."""
        playing = self.replayed.playing
        if len(playing.steps) < 2:
            return 0
        return round(2 * self.size.width * playing.place / (len(playing.steps) - 1))
