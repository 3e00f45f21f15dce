"""Symbols as a terminal may show them: what would move the cursor, hide or recolor is a picture instead.

    line break ↵    tab →    escape ␛    nul ␀    other controls ␁ … ␟ ␡    what has no picture �

Every other character stands for itself, in as many cells as it is wide.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

REPLACEMENT = "\ufffd"

_PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {
    "\x7f": "␡",
    "\n": "↵",
    "\t": "→",
    "\u2028": "↵",
    "\u2029": "¶",
}
# Format characters (zero-width, bidirectional, tags), lone surrogates, C1 controls, private and unassigned
# code points have no look of their own: a terminal drops them, obeys them, or disagrees on their width.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_DOTTED_CIRCLE = "\u25cc"


def glyph(symbol: str) -> str:
    """The character as it is shown in a text: itself, or a picture when it would not be seen."""
    picture = _PICTURES.get(symbol)
    if picture is not None:
        return picture
    return REPLACEMENT if unicodedata.category(symbol) in _UNSHOWABLE else symbol


def label(symbol: str) -> str:
    """The character as it is named beside a bar: as `glyph`, but spaces are seen and accents have a seat."""
    match unicodedata.category(symbol):
        case "Zs":
            return "␣" if symbol == " " else f"U+{ord(symbol):04X}"
        case "Mn" | "Me":
            return _DOTTED_CIRCLE + symbol
        case _:
            return glyph(symbol)


def glyphs(symbols: Sequence[str]) -> tuple[str, ...]:
    """The glyph of every id; bytes from 0x80 on are parts of characters and show as �."""
    of_bytes = are_bytes(symbols)
    return tuple(REPLACEMENT if of_bytes and symbol >= "\x80" else glyph(symbol) for symbol in symbols)


def labels(symbols: Sequence[str]) -> tuple[str, ...]:
    r"""The label of every id; bytes from 0x80 on are named `\xe2`."""
    of_bytes = are_bytes(symbols)
    return tuple(
        f"\\x{ord(symbol):02x}" if of_bytes and symbol >= "\x80" else label(symbol) for symbol in symbols
    )


def are_bytes(symbols: Sequence[str]) -> bool:
    """Whether these are the 256 symbols of a vocabulary of bytes."""
    return len(symbols) == 256 and all(ord(symbol) == i for i, symbol in enumerate(symbols))


def safe(text: str) -> str:
    """A whole text that cannot act on a terminal: every control is a picture, and line breaks are kept."""
    return text.translate(_Safe())


class _Safe(dict[int, str]):
    """A translation table that works itself out, one character at a time."""

    def __missing__(self, code: int) -> str:
        shown = "\n" if code == 0x0A else glyph(chr(code))
        self[code] = shown
        return shown
