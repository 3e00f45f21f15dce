"""Letters: a writer, an addressee, a third person, an object, a place and a sum of money.

[Letter, found in the flour bin.]

                                                Loam's Bakery,
                                               Herring Street,
                                   Tuesday, 14th of March 1893

My dear Ansel,

I write about the four crowns that I lent to Mr. Pym ...
"""

from __future__ import annotations

import textwrap

from rnnscope.corpora.archive.grammar import Chance, Memory
from rnnscope.corpora.archive.world import new_memory

WIDTH = 64
PARAGRAPH = "//"


def letter(chance: Chance) -> str:
    """One letter, wrapped to 64 columns, with its date, its signature and up to two postscripts."""
    memory = new_memory(chance)
    for role in ("!me=person", "!you=person", "!third=person", "!witness=person"):
        memory.expand("{" + role + "}")
    for role in ("!obj=object", "!pl=place", "!sum=money"):
        memory.expand("{" + role + "}")
    parts = [wrapped(f"[{memory.write('notelabel')}.]"), _heading(memory), memory.write("salutation")]
    parts += paragraphs(memory, "letter")
    parts.append(memory.write("valediction") + "\n" + memory.write("signature"))
    for _ in range(chance.below(3)):
        parts.append(wrapped("P.S. " + punctuated(memory.write("postscript") + ".")))
    return "\n\n".join(parts)


def _heading(memory: Memory) -> str:
    lines = ("{me.workplace},", "{me.street},", "{today}")
    return "\n".join(_capital(memory.expand(line)).rjust(WIDTH) for line in lines)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def paragraphs(memory: Memory, rule: str) -> list[str]:
    """An expansion of a rule, split at its `//` marks; each part is wrapped."""
    return [wrapped(punctuated(part.strip())) for part in memory.write(rule).split(PARAGRAPH)]


def wrapped(text: str, width: int = WIDTH, indent: str = "") -> str:
    """Lines of at most `width` columns, the later ones indented; words are not split."""
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def punctuated(text: str) -> str:
    """The text with periods inside closing quotes, and none after a question or exclamation mark."""
    for wrong, right in (
        ('?".', '?"'),
        ('!".', '!"'),
        ('.".', '."'),
        ('".', '."'),
        ("?.", "?"),
        ("!.", "!"),
        ("...", "..."),
    ):
        text = text.replace(wrong, right)
    return text
