"""A picture of the screen as one SVG file without external resources."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

from rich.cells import cell_len
from textual.app import App

from rnnscope.export.layout import is_right_to_left

_FONTS = "'JetBrains Mono', 'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_TEXT = re.compile(
    r'<text (class="[^"]*") x="([^"]*)" (y="[^"]*") textLength="([^"]*)" ([^>]*)>([^<]*)</text>'
)


def screenshot(app: App[Any]) -> str:
    """The screen as SVG, in a monospaced font that is installed on the viewer's machine."""
    svg = app.export_screenshot(title="rnnscope")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # Textual links fonts on the web
    svg = re.sub(r"font-family: ?(Fira Code|arial)[^;]*;", f"font-family: {_FONTS};", svg)
    return fit_to_cells(svg)


def fit_to_cells(svg: str) -> str:
    """Rich's SVG with every character in the cells that a terminal gives it.

    Rich counts one cell per code point, but wide characters have two and combining marks none; and viewers
    reorder right-to-left text within a `<text>`, and some collapse blanks at its ends. Wide and right-to-left
    characters get a `<text>` each, and no `<text>` starts or ends with a blank.
    """
    return _TEXT.sub(_fitted, svg)


def _fitted(match: re.Match[str]) -> str:
    css_class, x, y, length, clip, content = match.groups()
    text = unescape(content)
    pieces = _pieces(text)
    if len(pieces) == 1 and cell_len(text) == len(text) and text.strip("\xa0") == text:
        return match[0]
    cell, column, elements = float(length) / len(text), 0, []
    for piece in pieces:
        drawn, indent = piece.strip("\xa0"), len(piece) - len(piece.lstrip("\xa0"))
        if drawn:
            left, width = float(x) + (column + indent) * cell, max(1, cell_len(drawn)) * cell
            position = f'x="{left:g}" {y} textLength="{width:g}"'
            content = escape(drawn).replace("\xa0", "&#160;")
            elements.append(f"<text {css_class} {position} {clip}>{content}</text>")
        column += cell_len(piece)
    return "".join(elements)


def _pieces(text: str) -> list[str]:
    """Runs of narrow left-to-right characters; every other character with its combining marks."""
    pieces: list[str] = []
    was_plain = False
    for character in text:
        width = cell_len(character)
        if width == 0 and pieces:  # a combining mark leaves the run with its base
            if was_plain and len(pieces[-1]) > 1:
                pieces[-1:] = [pieces[-1][:-1], pieces[-1][-1]]
            pieces[-1] += character
            was_plain = False
            continue
        is_plain = width == 1 and not is_right_to_left(character)
        if is_plain and was_plain:
            pieces[-1] += character
        else:
            pieces.append(character)
        was_plain = is_plain
    return pieces
