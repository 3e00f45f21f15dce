"""The archive as a stream of documents of five kinds, in shuffled rounds, up to a given length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnscope.corpora.archive.grammar import Chance
from rnnscope.corpora.archive.ledgers import ledger
from rnnscope.corpora.archive.letters import letter
from rnnscope.corpora.archive.notices import notice
from rnnscope.corpora.archive.plays import play
from rnnscope.corpora.archive.programs import program

KINDS: tuple[Callable[[Chance], str], ...] = (
    letter, program, play, letter, ledger, ledger, program,
    letter, notice, ledger, program, play, letter, program, ledger,
)  # fmt: skip
"""One round of documents; the order of each round is shuffled."""

SEPARATOR = "\n\n\n"


def write_archive(characters: int, seed: int = 0) -> Iterator[str]:
    """Documents, each with its separator; the last one brings the total length to at least `characters`."""
    chance = Chance(seed)
    written = 0
    while True:
        for write in chance.shuffled(KINDS):
            document = write(chance) + SEPARATOR
            yield document
            written += len(document)
            if written >= characters:
                return


def archive_text(characters: int, seed: int = 0) -> str:
    """The archive as one text that ends in a line break."""
    return "".join(write_archive(characters, seed)).rstrip("\n") + "\n"
