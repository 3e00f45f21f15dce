"""The words of a text, and pairs of brackets and quotes.

A word is a run of letters, digits and underscores, with apostrophes inside it: `couldn't` is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache

WORD = re.compile(r"\w+(?:['’]\w+)*")

QUOTES = frozenset("\"'“”‘’„‚«»‹›`")
CLOSERS = {")": "(", "]": "[", "}": "{", '"': '"', "”": "“", "»": "«"}
"""Closing characters and their openers, without the straight single quote, which is also an apostrophe."""


def words(text: str) -> Iterator[tuple[int, int]]:
    """Every word [start, stop), in order."""
    return (found.span() for found in WORD.finditer(text))


def word_counts(text: str) -> Counter[str]:
    """The number of occurrences of each word in a text."""
    return Counter(found.group() for found in WORD.finditer(text))


@cache
def is_punctuation(character: str) -> bool:
    """Return True for characters in the Unicode categories of punctuation and symbols."""
    return unicodedata.category(character)[0] in "PS"


def pairs(text: str, closer: str) -> Iterator[tuple[int, int]]:
    """(opener, closer) positions of every matched pair, in the order of the closers.

    Pairs of one kind nest, regardless of the text between them. If opener and closer are the same character
    they alternate. An empty line discards all open pairs; otherwise one missing quote would shift all later
    pairs.
    """
    opener = CLOSERS[closer]
    found = re.compile("|".join((r"\n\s*\n", *sorted({re.escape(opener), re.escape(closer)}))))
    opened: list[int] = []
    for match in found.finditer(text):
        character = match.group()
        if character[0] == "\n":
            opened.clear()
        elif character == closer and opened:
            yield opened.pop(), match.start()
        elif character == opener:
            opened.append(match.start())
