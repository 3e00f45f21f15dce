"""Numbers and characters as text in reports."""

from __future__ import annotations

from rnnscope.text.display import safe


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, such as `+0.25` or `−1.00`; zero without a sign."""
    written = f"{value:+.{digits}f}".replace("-", "−")
    return written if any(digit in written for digit in "123456789") else written[1:]


def visible(text: str) -> str:
    """A text in one line, with visible spaces and line breaks, safe in a terminal."""
    return safe(text).replace("\n", "↵").replace(" ", "␣")
