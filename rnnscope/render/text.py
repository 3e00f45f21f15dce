"""Numbers and characters as text in reports."""

from __future__ import annotations

import math

from rich.cells import cell_len

from rnnscope.text.display import safe

LEAST_DECIMAL = 0.01
"""Smaller numbers are written with an exponent."""
_MOST_DECIMALS = 3


def tick(value: float, decimals: int = 0) -> str:
    """A number as axes name it: 0, 0.05, 2.50, 100, 1k, 2.5k, 1M, 5e-4; none below zero.

    decimals: how many it needs, for a number below 1,000. Numbers that need few take at most five columns.
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    if value == 0 or value >= LEAST_DECIMAL:
        return f"{value:.{min(decimals, _MOST_DECIMALS)}f}"
    power = math.floor(math.log10(value) + 1e-9)
    mantissa = f"{value / 10.0**power:.{max(0, decimals + power)}f}"
    return f"{mantissa}e{power}"


def about(value: float) -> str:
    """A number of two digits, as `tick` writes it: 0.64, 0.023, 12; with an exponent of one digit."""
    if value <= 0:
        return "0"
    rounded = float(f"{value:.{1 if value >= LEAST_DECIMAL * 0.95 else 0}e}")
    power = math.floor(math.log10(rounded) + 1e-9)
    return tick(rounded, max(0, (1 if rounded >= LEAST_DECIMAL else 0) - power))


def shortened(text: str, cells: int) -> str:
    """A text in at most so many cells: cut after a word, with `…`; a first word that is too long is cut."""
    if cell_len(text) <= cells:
        return text
    kept = ""
    for word in text.split(" "):
        longer = f"{kept} {word}" if kept else word
        if cell_len(longer) >= cells:
            break
        kept = longer
    kept = kept.rstrip(" ,;:·(")
    if not kept:
        kept = text
        while kept and cell_len(kept) >= cells:
            kept = kept[:-1]
    return f"{kept}…"[: max(0, cells)]


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, such as `+0.25` or `−1.00`; zero without a sign."""
    written = f"{value:+.{digits}f}".replace("-", "−")
    return written if any(digit in written for digit in "123456789") else written[1:]


def visible(text: str) -> str:
    """A text in one line, with visible spaces and line breaks, safe in a terminal."""
    return safe(text).replace("\n", "↵").replace(" ", "␣")
