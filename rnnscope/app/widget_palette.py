"""The palette of a widget, and the logo."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.widget import Widget

from rnnscope.theme.palette import STEPS, Palette, palette

_LOGO = " rnnscope "


def palette_of(widget: Widget) -> Palette:
    """The application's palette; the dark one in a bare test application."""
    chosen = getattr(widget.app, "palette", None)
    return chosen if isinstance(chosen, Palette) else palette("dark", "truecolor")


def ink_of(widget: Widget, token: str = "text", *, bold: bool = False) -> Style:
    """Text of one token on the screen's background, between and around the panels."""
    return palette_of(widget).ink(token, bold=bold, on="bg")


def logo(palette: Palette) -> tuple[Segment, ...]:
    """The logo in the diverging palette."""
    if palette.depth in ("none", "16"):
        return (Segment(_LOGO, Style(bold=True, reverse=True)),)
    segments = []
    for i, letter in enumerate(_LOGO):
        step = round(i * (STEPS - 1) / (len(_LOGO) - 1))
        segments.append(Segment(letter, palette.diverging[step] + Style(bold=True, underline=False)))
    return tuple(segments)
