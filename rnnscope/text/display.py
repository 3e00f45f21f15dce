"""Characters that are safe in a terminal: control and format characters are replaced by pictures.

    line break ↵    tab →    escape ␛    nul ␀    other controls ␁ … ␟ ␡    no picture �

All other characters are shown as they are, in one or two cells. In a list of symbols each is distinct: one
without a picture is U+200B, and a real U+FFFD is U+FFFD.
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
# Terminals drop or obey format characters (zero-width, bidirectional, tags), lone surrogates and C1 controls,
# and disagree on the width of private and unassigned code points.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_DOTTED_CIRCLE = "\u25cc"
_CODED = {
    *{REPLACEMENT, "␣", *_PICTURES.values()},
    *{"\u2028", "\u2029", "\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"},
}
"""Characters that are the picture of another one, or blank: their labels are their code points."""


def glyph(symbol: str) -> str:
    """The character as a text shows it: itself, or a picture if it is invisible."""
    picture = _PICTURES.get(symbol)
    if picture is not None:
        return picture
    return REPLACEMENT if unicodedata.category(symbol) in _UNSHOWABLE else symbol


def label(symbol: str) -> str:
    """The character as a list shows it: as `glyph` if it is visible then, and different from all others.

    Spaces are visible, combining marks have a base, and others are named by their code points.
    """
    if symbol in _CODED:
        return f"U+{ord(symbol):04X}"
    match unicodedata.category(symbol):
        case "Zs":
            return "␣" if symbol == " " else f"U+{ord(symbol):04X}"
        case "Mn" | "Me":
            return _DOTTED_CIRCLE + symbol
        case category if category in _UNSHOWABLE and symbol not in _PICTURES:
            return f"U+{ord(symbol):04X}"
        case _:
            return glyph(symbol)


def glyphs(symbols: Sequence[str]) -> tuple[str, ...]:
    """The glyph of every id; bytes from 0x80 on are parts of characters, shown as �."""
    of_bytes = are_bytes(symbols)
    return tuple(REPLACEMENT if of_bytes and symbol >= "\x80" else glyph(symbol) for symbol in symbols)


def labels(symbols: Sequence[str]) -> tuple[str, ...]:
    r"""The label of every id; bytes from 0x80 on are labeled such as `\xe2`."""
    of_bytes = are_bytes(symbols)
    return tuple(
        f"\\x{ord(symbol):02x}" if of_bytes and symbol >= "\x80" else label(symbol) for symbol in symbols
    )


def listed(symbols: Sequence[str]) -> str:
    """The labels of all symbols in one line; those of several characters are set off by spaces."""
    parts = [shown if len(shown) == 1 else f" {shown} " for shown in labels(symbols)]
    return " ".join("".join(parts).split())


def counted(count: int, noun: str) -> str:
    """Such as `1 character` and `2,000 characters`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def are_bytes(symbols: Sequence[str]) -> bool:
    """Return True for the symbols of a vocabulary of bytes."""
    return len(symbols) == 256 and all(ord(symbol) == i for i, symbol in enumerate(symbols))


def safe(text: str) -> str:
    """A text that cannot act on a terminal: control characters are pictures, line breaks are kept."""
    return text.translate(_Safe())


class _Safe(dict[int, str]):
    """A translation table that is filled one character at a time."""

    def __missing__(self, code: int) -> str:
        shown = "\n" if code == 0x0A else glyph(chr(code))
        self[code] = shown
        return shown
