"""Which model is looked into, and how good it is; the rule below tells how far a search has come.

 rnnscope   shakespeare  LSTM 1×512     finding 43 %   held out 1.393 nats  111,539 characters
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸──────────────────────────────────────────────────
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnscope.app.panels.facts import Facts, Part, logo, short_name


@dataclass(frozen=True)
class Model:
    """What the header tells of a model and the text under it."""

    name: str
    title: str = ""
    """Such as `LSTM 1×256`; empty while it is being loaded."""
    held_out_nats: float | None = None
    source: str = ""
    """Where the text is from."""
    position: int = 0
    characters: int = 0
    is_whole: bool = True
    is_exact: bool = True
    doing: str = ""
    share: float | None = None
    """How much of what is being done is done."""
    is_all_searched: bool = False
    """Whether searches read the whole text, and not its first part only."""
    failed: bool = False


class ModelHeader(Facts):
    """Shows a `Model`."""

    def __init__(self, name: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.model = Model(name)

    def show(self, model: Model) -> None:
        if model != self.model:
            self.model = model
            self.refresh()

    def parts(self) -> list[Part]:
        model, text = self.model, self.text
        parts = [Part(0, logo(self.palette)), Part(1, text(short_name(model.name), "strong"))]
        if not model.title:
            sign, word = ("!", "stopped") if model.failed else ("○", "loading torch…")
            return [*parts, Part(2, text(f"{sign} {word}", "error" if model.failed else "dim"), True)]
        parts.append(Part(2, text(model.title)))
        parts.append(Part(8, text(short_name(model.source), "mute")))
        if model.failed:
            parts.append(Part(1, text("! stopped", "error"), on_the_right=True))
        if model.doing:
            share = f" {100 * model.share:.0f} %" if model.share is not None else "…"
            parts.append(Part(3, text(f"{model.doing}{share}", "azure"), on_the_right=True))
        if model.held_out_nats is not None:
            nats = text("held out ", "dim") + text(f"{model.held_out_nats:.3f}", "strong", bold=True)
            parts.append(Part(4, nats + text(" nats", "dim"), on_the_right=True))
            bits = f"{model.held_out_nats / math.log(2):.2f} bits per character"
            parts.append(Part(6, text(bits, "dim"), on_the_right=True))
        if model.is_all_searched:
            parts.append(Part(6, text("whole text searched", "dim"), on_the_right=True))
        more = "" if model.is_whole else "+"
        about = "" if model.is_exact else "≈ "
        parts.append(Part(3, text(f"{about}at {model.position:,}", "dim"), on_the_right=True))
        noun = "character" if model.characters == 1 else "characters"
        parts.append(Part(5, text(f"{model.characters:,}{more} {noun}", "dim"), on_the_right=True))
        return parts

    def filled(self) -> int:
        return round(2 * self.size.width * (self.model.share or 0.0)) if self.model.doing else 0
