"""A line filter that keeps control characters of files, names and prompts from reaching the terminal.

Panels show control characters as pictures (`rnnscope.text.display`). Labels, inputs, notices and lists draw
text unchanged, so every line of every widget passes through this filter.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from rnnscope.text.display import glyph


class Printable(LineFilter):
    """Replaces control, format and other invisible characters, keeping the width of each segment."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(text.isprintable() for text, _, _ in segments):
            return segments
        return [
            segment if segment.text.isprintable() else Segment(printable(segment.text), segment.style)
            for segment in segments
        ]


def printable(text: str) -> str:
    """The text with a picture, or blanks of the same width, for each character that is not printable."""
    return "".join(map(_of_same_width, text))


def _of_same_width(character: str) -> str:
    if character.isprintable():
        return character
    picture = glyph(character)
    return picture if cell_len(picture) == cell_len(character) else " " * cell_len(character)
