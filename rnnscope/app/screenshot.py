"""A picture of the screen as one SVG file that loads nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from textual.app import App

_FONTS = "'JetBrains Mono', 'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def screenshot(app: App[Any]) -> str:
    """The screen as SVG, in a monospaced font that the reader's machine has."""
    svg = app.export_screenshot(title="rnnscope")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # Textual links fonts on the web
    return re.sub(r"font-family: ?(Fira Code|arial)[^;]*;", f"font-family: {_FONTS};", svg)
