"""Texts as they come: opened, decoded in pieces, and refused in one line where they are no text.

A byte order mark is left out and CRLF line breaks become LF; both are told. Nothing else is changed.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rnnscope.errors import TextError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.display import glyph

STANDARD_INPUT = "-"
LARGE_BYTES = 64 << 20
"""From this size on a file is not read into memory but piece by piece."""
PIECE_BYTES = 1 << 20

# A text may hold a stray NUL; programs and UTF-16 hold many.
_STRAY_NULS = 8
_BINARY_SHARE = 0.01
_BYTE_ORDER_MARK = "\ufeff"


def read_text(path: str | Path) -> str:
    """A whole text as characters, as a corpus reads it. Raises TextError."""
    with open_text(path) as file:
        return "".join(Decoded(file, name_of(path)).pieces())


def name_of(path: str | Path) -> str:
    """How a text is called in a message or on a screen."""
    return "standard input" if str(path) == STANDARD_INPUT else "".join(map(glyph, str(path)))


def check_text(path: str | Path, *, as_bytes: bool = False) -> None:
    """Refuse at once what is no text, judging by its first piece. Raises TextError.

    A pipe is let pass: what is read from it here would be missing later.
    """
    if str(path) == STANDARD_INPUT or not stat.S_ISREG(_status_of(path).st_mode):
        return
    with _reading(path), open(path, "rb") as file:
        first = _not_empty(io.BytesIO(file.read(PIECE_BYTES)), name_of(path))
    if not as_bytes:
        next(Decoded(first, name_of(path)).pieces())


def open_text(path: str | Path) -> BinaryIO:
    """The text's bytes: in memory where they are few or come through a pipe, else the open file.

    Raises TextError.
    """
    name = name_of(path)
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise TextError("standard input is closed; give a text file")
        return _not_empty(io.BytesIO(sys.stdin.buffer.read()), name)
    status = _status_of(path)
    with _reading(path):
        if stat.S_ISREG(status.st_mode) and status.st_size > LARGE_BYTES:
            return open(path, "rb")
        with open(path, "rb") as file:
            return _not_empty(io.BytesIO(file.read()), name)


def _status_of(path: str | Path) -> os.stat_result:
    with _reading(path):
        status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise TextError(f"{name_of(path)} is a directory; give a text file")
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        raise TextError(f"{name_of(path)} is a device; give a text file, or - for standard input")
    return status


@contextlib.contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """What the system refuses becomes a TextError."""
    try:
        yield
    except FileNotFoundError as error:
        raise TextError(f"there is no file {name_of(path)}") from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise TextError(f"{name_of(path)} cannot be read: {reason(error)}") from error


def _not_empty(file: io.BytesIO, name: str) -> BinaryIO:
    if not file.getbuffer().nbytes:
        raise TextError(f"{name} is empty; give a text with something in it")
    return file


class Decoded:
    """A file of UTF-8 as pieces of text, without a byte order mark and with LF line breaks."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._digest = hashlib.sha256()
        self._bytes = 0  # read so far, and the line breaks in them
        self._lines = 0
        self._had_mark = False
        self._carriage_returns = 0

    @property
    def sha256(self) -> str:
        """Of the bytes read so far."""
        return self._digest.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed so far."""
        mark = ("the byte order mark is left out",) if self._had_mark else ()
        if not self._carriage_returns:
            return mark
        return (*mark, f"{self._carriage_returns:,} CRLF line breaks are read as LF")

    def pieces(self, progress: Progress = NO_PROGRESS) -> Iterator[str]:
        """All the text, from the file's start. Raises TextError where it is not UTF-8, Cancelled."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        held_back = ""  # a carriage return, until it is known what follows
        for raw in raw_pieces(self._file, progress):
            self._digest.update(raw)
            at_start = self._bytes == 0
            text = held_back + self._decode(decoder, raw)
            if at_start and text.startswith(_BYTE_ORDER_MARK):
                self._had_mark = True
                text = text[1:]
            held_back = "\r" if text.endswith("\r") else ""
            yield self._with_line_feeds(text[: len(text) - len(held_back)])
        yield held_back + self._decode(decoder, b"", final=True)

    def _decode(self, decoder: codecs.IncrementalDecoder, raw: bytes, final: bool = False) -> str:
        nuls = raw.count(0)
        if nuls > max(_STRAY_NULS, _BINARY_SHARE * len(raw)):
            raise self._not_text("it is binary, with a NUL", self._bytes + raw.index(0))
        try:
            text = decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            # The decoder had kept a few bytes of the piece before.
            offset = self._bytes + len(raw) - len(error.object) + error.start
            self._lines += raw[: max(0, offset - self._bytes)].count(b"\n")
            raise self._not_text("it is not UTF-8", offset, self._lines + 1) from error
        self._bytes += len(raw)
        self._lines += raw.count(b"\n")
        return text

    def _not_text(self, what: str, offset: int, line: int | None = None) -> TextError:
        where = f"at byte {offset:,}" + (f" (line {line:,})" if line else "")
        return TextError(
            f"{self._name} cannot be read as text: {what} {where}; "
            "convert it to UTF-8, or train on any file with --encoding bytes"
        )

    def _with_line_feeds(self, text: str) -> str:
        pairs = text.count("\r\n")
        self._carriage_returns += pairs
        return text.replace("\r\n", "\n") if pairs else text


def raw_pieces(file: BinaryIO, progress: Progress = NO_PROGRESS) -> Iterator[bytes]:
    """All the bytes, from the file's start. Raises Cancelled."""
    file.seek(0)
    if isinstance(file, io.BytesIO):
        total = file.getbuffer().nbytes
    else:
        total = max(1, os.fstat(file.fileno()).st_size)
    done = 0
    while raw := file.read(PIECE_BYTES):
        yield raw
        done += len(raw)
        progress(min(1.0, done / total))


def reason(error: Exception) -> str:
    """What the system says was wrong, in a few words."""
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()
