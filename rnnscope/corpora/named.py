"""The corpora by name: `archive`, `python` and `shakespeare` are accepted as a TEXT.

A corpus is made, or downloaded, when it is first used, and kept in the user's cache. A file of the same name
takes precedence.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import platformdirs

from rnnscope.errors import TextError, similar
from rnnscope.files import write_atomically
from rnnscope.text.reading import STANDARD_INPUT, name_of

CorpusName = Literal["archive", "python", "shakespeare"]
NAMES: tuple[CorpusName, ...] = get_args(CorpusName)

# data/input.txt was made with these.
ARCHIVE_CHARACTERS = 1_500_000
ARCHIVE_SEED = 1
ARCHIVE_SHA256 = "5e2897a715446877c9a7ec4ae7aa35f6770af6799999f11585ca4b563b747e73"


def corpus_pieces(name: CorpusName, characters: int | None = None, seed: int | None = None) -> Iterator[str]:
    """The text of a corpus, in pieces.

    characters: the length; None takes 1,500,000 of archive and all of the others. seed: of archive; None is
    1. Raises TextError where shakespeare cannot be downloaded.
    """
    match name:
        case "archive":
            from rnnscope.corpora.archive import archive_text

            length = ARCHIVE_CHARACTERS if characters is None else characters
            yield archive_text(length, ARCHIVE_SEED if seed is None else seed)
        case "python":
            from rnnscope.corpora.recipes import python_text

            yield from python_text(characters)
        case "shakespeare":
            from rnnscope.corpora.recipes import fetch_shakespeare

            path = _cached("shakespeare")
            path.parent.mkdir(parents=True, exist_ok=True)
            yield fetch_shakespeare(path).read_text(encoding="utf-8")[:characters]


def resolve_text(text: str) -> str:
    """The path of a TEXT, or `-`. A corpus, named or by its path in the cache, is created if it is missing.

    Raises TextError for a mistyped name of a corpus. Another file that is missing is left to its reader.
    """
    if text == STANDARD_INPUT or os.path.lexists(text):
        return text
    for name in NAMES:
        path = _cached(name)
        if text in (name, str(path)):
            if not path.exists():
                _make(name, path)
            return str(path)
    meant = similar(text, NAMES)
    if meant is not None:
        raise TextError(f"there is no file {name_of(text)}; did you mean {meant}?")
    return text


def is_corpus(text: str) -> bool:
    """Return True if a TEXT names a corpus, rather than a file."""
    return text in NAMES and not os.path.lexists(text)


def corpus_of(sha256: object) -> str | None:
    """The path of the corpus with this SHA-256, where that takes no download; None if there is none."""
    if sha256 == ARCHIVE_SHA256:
        return resolve_text(str(_cached("archive")))
    for name in NAMES:
        path = _cached(name)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return str(path)
    return None


def corpus_name(path: str) -> CorpusName | None:
    """The name of the corpus that is kept at `path`; None for any other file."""
    return next((name for name in NAMES if path == str(_cached(name))), None)


def _cached(name: CorpusName) -> Path:
    file = {"archive": "archive.txt", "shakespeare": "tinyshakespeare.txt"}.get(name)
    directory = platformdirs.user_cache_path("rnnscope", appauthor=False)
    return directory / (file or f"python-{platform.python_version()}.txt")


def _make(name: CorpusName, path: Path) -> None:
    def write(file: BinaryIO) -> None:
        for piece in corpus_pieces(name):
            file.write(piece.encode("utf-8"))

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, write)
