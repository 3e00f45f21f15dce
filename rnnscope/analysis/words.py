"""What errors and brackets are about: the words of a text, and which closing character closes what.

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
"""Closing characters and what opens each. The straight single quote is left out: it is an apostrophe too."""

_COUNTED_AT_ONCE = 1 << 22


def words(text: str) -> Iterator[tuple[int, int]]:
    """Every word [start, stop), in order."""
    return (found.span() for found in WORD.finditer(text))


def word_counts(text: str) -> Counter[str]:
    """How often each word is in a text."""
    counts: Counter[str] = Counter()
    start = 0
    while start < len(text):
        stop = start + _COUNTED_AT_ONCE
        if stop < len(text) and (space := text.find("\n", stop)) >= 0:
            stop = space  # no word goes across a line break
        elif stop < len(text):
            stop = len(text)
        counts.update(WORD.findall(text, start, stop))
        start = stop
    return counts


@cache
def is_punctuation(character: str) -> bool:
    """Whether Unicode calls it punctuation or a symbol."""
    return unicodedata.category(character)[0] in "PS"


def pairs(text: str, closer: str) -> Iterator[tuple[int, int]]:
    """(opener, closer) positions of every matched pair, in the order of the closers.

    Pairs of one kind nest and know nothing of other kinds. Where opener and closer are the same character
    they take turns. An empty line ends what is open: a quote forgotten would turn all after it inside out.
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
