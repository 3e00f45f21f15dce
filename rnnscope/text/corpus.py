"""A corpus: a text of any size as ids, split by position into training, validation and test parts.

    |<------------- train ------------->|<- held out ->|<- test ->|

A text is decoded in pieces, twice: first to count its characters, then to look up their ids. The ids of a
text that does not fit in memory are in a mapped file; bytes are their own ids, so that the text is mapped.
"""

from __future__ import annotations

import errno
import hashlib
import io
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import OptionError, TextError
from rnnscope.files import write_atomically
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.display import counted
from rnnscope.text.documents import NO_DOCUMENTS, Starts, document_starts, starts_between
from rnnscope.text.reading import (
    SIZES,
    STANDARD_INPUT,
    Decoded,
    ReadSizes,
    memory_errors,
    name_of,
    no_address_space,
    open_text,
    raw_pieces,
    reason,
)
from rnnscope.text.vocabulary import Vocabulary, add_code_points, code_points

Ids: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]
Encoding = Literal["utf-8", "bytes"]
Split = Literal["train", "validation", "test"]

_LEAST_SHARE = 1e-6
_LEAST_CHARACTERS = 2  # one to read and one to predict


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids.

    name: the displayed name of the text.
    path: the absolute path of the file; "-" for standard input.
    sha256: the SHA-256 of the file, in hexadecimal.
    train, held_out, test: (T,) uint8, uint16 or uint32, the ids of each split, in order; mapped from a file
        for a large text.
    unknown_characters: the number of ids that are the unknown symbol.
    notes: the changes made in reading, for the user.
    """

    name: str
    path: str
    sha256: str
    vocabulary: Vocabulary
    train: Ids
    held_out: Ids
    test: Ids
    unknown_characters: int = 0
    notes: tuple[str, ...] = ()
    document_starts: Starts = field(default_factory=NO_DOCUMENTS.copy)

    def starts_in(self, split: Split) -> Starts:
        """Where documents begin in a split, counted from its beginning."""
        bounds = np.cumsum([0, len(self.train), len(self.held_out), len(self.test)]).tolist()
        index = ("train", "validation", "test").index(split)
        return starts_between(self.document_starts, bounds[index], bounds[index + 1])

    def ids_of(self, split: Split) -> Ids:
        """(T,) the ids of a split."""
        return {"train": self.train, "validation": self.held_out, "test": self.test}[split]


def load_corpus(
    path: str | Path,
    *,
    encoding: Encoding = "utf-8",
    held_out: float = 0.1,
    test: float = 0.0,
    minimum_count: int = 1,
    vocabulary: Vocabulary | None = None,
    grow: bool = False,
    document_separator: str | None = None,
    cache: Path | None = None,
    progress: Progress = NO_PROGRESS,
    sizes: ReadSizes = SIZES,
) -> Corpus:
    """Read a text, give its characters ids, and split it.

    held_out, test: the shares of the validation and the test split, 0..1; the test split is the end.
    minimum_count: characters with fewer occurrences become the unknown symbol.
    vocabulary: the ids to use; None builds a vocabulary from the text.
    grow: add the characters that `vocabulary` lacks, in place of an error.
    document_separator: a regular expression, after each match of which a document begins.
    cache: the directory that keeps the ids of a large text; None uses a temporary file.

    A text that is too short for all splits has only a training split, with a note.

    Raises TextError for a text that cannot be read or is too short, OptionError for impossible shares,
    Cancelled.
    """
    _check_shares(held_out, test)
    if vocabulary is not None and vocabulary.kind == "characters" and encoding == "bytes":
        raise OptionError("a model of characters cannot read bytes: leave out --encoding bytes")
    name = name_of(path)
    with memory_errors(name), open_text(path, sizes, progress) as file:
        if encoding == "bytes" or (vocabulary is not None and vocabulary.kind == "bytes"):
            read = _read_bytes(file, name, progress, sizes)
        else:
            read = _read_characters(file, name, vocabulary, grow, minimum_count, cache, progress, sizes)
    size = len(read.ids)
    if size < _LEAST_CHARACTERS:
        raise TextError(f"{name} is too short: 1 character; give a text of at least 2")
    first, second, notes = _split(size, held_out, test)
    starts = NO_DOCUMENTS
    if document_separator is not None:
        starts = document_starts(read.ids, read.vocabulary, document_separator)
        notes = (*notes, f"{counted(len(starts) + 1, 'document')}, each read from a zero state")
    return Corpus(
        name=name,
        path=STANDARD_INPUT if str(path) == STANDARD_INPUT else os.path.abspath(path),
        sha256=read.sha256,
        vocabulary=read.vocabulary,
        train=read.ids[:first],
        held_out=read.ids[first:second],
        test=read.ids[second:],
        unknown_characters=read.unknown_characters,
        notes=(*read.notes, *notes),
        document_starts=starts,
    )


def load_ids(path: str | Path, vocabulary: Vocabulary) -> Ids:
    """(T,) the ids of a whole text in the vocabulary of a trained model. Raises TextError."""
    return load_corpus(path, held_out=0.0, vocabulary=vocabulary).train


@dataclass(frozen=True, eq=False)
class _Read:
    ids: Ids
    sha256: str
    vocabulary: Vocabulary
    unknown_characters: int = 0
    notes: tuple[str, ...] = ()


def _read_bytes(file: BinaryIO, name: str, progress: Progress, sizes: ReadSizes) -> _Read:
    _require_address_space(file, name)
    digest = hashlib.sha256()
    for raw in raw_pieces(file, progress, sizes):
        digest.update(raw)
    if isinstance(file, io.BytesIO):
        ids: Ids = np.frombuffer(file.getvalue(), np.uint8)
    else:
        ids = np.memmap(file, np.uint8, mode="r")
    return _Read(ids, digest.hexdigest(), Vocabulary.of_bytes())


def _read_characters(
    file: BinaryIO,
    name: str,
    vocabulary: Vocabulary | None,
    grow: bool,
    minimum_count: int,
    cache: Path | None,
    progress: Progress,
    sizes: ReadSizes,
) -> _Read:
    _require_address_space(file, name)
    counts = np.zeros(sys.maxunicode + 1, np.int64)
    first = Decoded(file, name, sizes)
    for piece in first.pieces(progress.part(0.0, 0.5)):
        add_code_points(counts, code_points(piece))
    size = int(counts.sum())
    if vocabulary is None:
        vocabulary = Vocabulary.of_counts(counts, minimum_count)
    elif grow:
        vocabulary = vocabulary.grown(counts)

    dtype = np.min_scalar_type(max(0, len(vocabulary) - 1))
    second = Decoded(file, name, sizes)
    pieces = _ids_in_pieces(second, vocabulary, dtype, progress.part(0.5, 1.0))
    if isinstance(file, io.BytesIO):
        ids: Ids = np.empty(size, dtype)
        end = 0
        for piece_ids in pieces:
            ids[end : (end := end + len(piece_ids))] = piece_ids
    else:
        ids = _mapped(pieces, size, dtype, cache, _cache_name(first.sha256, vocabulary), name)
    unknown = 0 if vocabulary.unknown is None else _count(ids, vocabulary.unknown)
    return _Read(ids, first.sha256, vocabulary, unknown, first.notes)


def _ids_in_pieces(
    file: Decoded, vocabulary: Vocabulary, dtype: np.dtype[Any], progress: Progress
) -> Iterator[Ids]:
    start = 0
    for piece in file.pieces(progress):
        yield vocabulary.encode_code_points(code_points(piece), start).astype(dtype)
        start += len(piece)


def _mapped(
    pieces: Iterator[Ids], size: int, dtype: np.dtype[Any], cache: Path | None, cache_name: str, name: str
) -> Ids:
    """The ids of a large text, mapped from a file in `cache` or from a temporary file."""

    def write(file: BinaryIO) -> None:
        # Not mapped for writing: writing to a map on a full disk kills the process.
        for ids in pieces:
            file.write(ids.tobytes())
        file.flush()
        if file.tell() != size * dtype.itemsize:
            raise TextError(f"{name} changed while it was read; try again")

    try:
        if cache is None:
            with tempfile.TemporaryFile() as file:
                write(file)
                return np.memmap(file, dtype, mode="r")
        kept = cache / cache_name
        if not kept.is_file() or kept.stat().st_size != size * dtype.itemsize:
            cache.mkdir(parents=True, exist_ok=True)
            write_atomically(kept, write)
        return np.memmap(kept, dtype, mode="r")
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise no_address_space(name, size * dtype.itemsize) from error
        where = cache or tempfile.gettempdir()
        raise TextError(f"the ids of {name} cannot be written to {where}: {reason(error)}") from error


def _cache_name(sha256: str, vocabulary: Vocabulary) -> str:
    key = f"{sha256} {vocabulary.unknown} {''.join(vocabulary.symbols)}"
    return hashlib.sha256(key.encode()).hexdigest()[:32] + ".ids"


def _check_shares(held_out: float, test: float) -> None:
    for name, share in (("held-out", held_out), ("test", test)):
        if share != 0 and not _LEAST_SHARE <= share < 1:
            raise OptionError(f"the {name} share is {share:g}: give 0, or a share from {_LEAST_SHARE:g} to 1")
    if 1 - held_out - test < _LEAST_SHARE:
        raise OptionError(f"held out {held_out:g} and test {test:g} leave nothing to learn from: lower one")


def _split(size: int, held_out: float, test: float) -> tuple[int, int, tuple[str, ...]]:
    """The first positions of the validation and the test split; a note if the text is too short for them."""
    first, second = int(size * (1 - held_out - test)), size - int(size * test)
    is_enough = (
        first >= _LEAST_CHARACTERS
        and (not held_out or second - first >= _LEAST_CHARACTERS)
        and (not test or size - second >= _LEAST_CHARACTERS)
    )
    if is_enough:
        return first, second, ()
    return size, size, (f"a short text: all {size} characters are for training, none for validation",)


def _require_address_space(file: BinaryIO, name: str) -> None:
    """Raise TextError for a large text that cannot be mapped."""
    if isinstance(file, io.BytesIO):
        return
    try:
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).close()
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise no_address_space(name, os.fstat(file.fileno()).st_size) from error
        raise


def _count(ids: Ids, symbol: int) -> int:
    step = SIZES.piece
    return sum(int(np.count_nonzero(ids[i : i + step] == symbol)) for i in range(0, len(ids), step))
