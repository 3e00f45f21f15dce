"""The header of a model: its name, its validation loss and its text; the rule below is a job's progress.

 rnnscope   shakespeare  LSTM 1×512     finding 43 %   model's loss 1.393 nats  111,539 characters
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────────
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.frame.facts import Part, facts_row, progress_rule, short_name
from rnnscope.app.widget_palette import ink_of, logo, palette_of

_WIDE = 110
"""Columns from which the header says which loss it is."""


@dataclass(frozen=True)
class Model:
    """What the header shows of a model and the text under it."""

    name: str
    title: str = ""
    """Such as `LSTM 1×256`; empty while it is being loaded."""
    held_out_nats: float | None = None
    """On the validation text of its training, which is not the text that is open."""
    source: str = ""
    """Where the text is from."""
    position: int = 0
    characters: int = 0
    is_counted: bool = True
    """Whether `characters` is the length of the text, and not only as far as it was read."""
    is_exact: bool = True
    activity: str = ""
    """What the oldest job does, such as `finding`; empty where none is under way."""
    share: float | None = None
    """How much of that is done, 0..1."""
    searches_all: bool = False
    """Whether searches read the whole text, and not only its beginning."""
    has_failed: bool = False


class ModelHeader(Widget):
    """Shows a `Model`."""

    def __init__(self, name: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.model = Model(name)

    def show(self, model: Model) -> None:
        if model != self.model:
            self.model = model
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return facts_row(self, self._parts()) if y == 0 else progress_rule(self, self._filled())

    def _text(self, words: str, token: str = "text", *, bold: bool = False) -> tuple[Segment, ...]:
        return (Segment(words, ink_of(self, token, bold=bold)),)

    def _parts(self) -> list[Part]:
        model, text = self.model, self._text
        parts = [Part(0, logo(palette_of(self))), Part(1, text(short_name(model.name), "strong"))]
        if not model.title:
            sign, word = ("!", "stopped") if model.has_failed else ("○", "loading torch…")
            return [*parts, Part(2, text(f"{sign} {word}", "error" if model.has_failed else "dim"), True)]
        parts.append(Part(2, text(model.title)))
        parts.append(Part(8, text(short_name(model.source), "mute")))
        if model.has_failed:
            parts.append(Part(1, text("! stopped", "error"), on_the_right=True))
        if model.activity:
            share = f" {100 * model.share:.0f} %" if model.share is not None else "…"
            parts.append(Part(3, text(f"{model.activity}{share}", "azure"), on_the_right=True))
        if model.held_out_nats is not None:
            whose = "model's validation loss " if self.size.width >= _WIDE else "model's loss "
            nats = text(whose, "dim") + text(f"{model.held_out_nats:.3f}", "strong", bold=True)
            parts.append(Part(4, nats + text(" nats", "dim"), on_the_right=True))
            bits = f"{model.held_out_nats / math.log(2):.2f} bits per character"
            parts.append(Part(7, text(bits, "dim"), on_the_right=True))
        if model.searches_all:
            parts.append(Part(6, text("whole text searched", "dim"), on_the_right=True))
        more = "" if model.is_counted else "+"
        about = "" if model.is_exact else "≈ "
        position = f"{about}position {model.position:,} / {model.characters:,}{more}"
        parts.append(Part(3, text(position, "dim"), on_the_right=True))
        return parts

    def _filled(self) -> int:
        """How many half cells of the rule are done."""
        return round(2 * self.size.width * (self.model.share or 0.0)) if self.model.activity else 0
