"""Open texts and decode them in pieces; reject what is not text.

A byte order mark is removed and CRLF line breaks become LF, with a note each. Nothing else is changed.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from rnnscope.errors import TextError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.display import glyph

STANDARD_INPUT = "-"
_LONGEST_NAME = 300
_WAIT_SECONDS = 0.1
"""The interval of checks for cancellation while a pipe has no data, in seconds."""


@dataclass(frozen=True)
class ReadSizes:
    """The sizes by which files are read, in bytes."""

    large: int = 64 << 20
    """A larger file is read in pieces and not held in memory."""
    piece: int = 1 << 20


SIZES = ReadSizes()

# A text may have a few NULs; binary files and UTF-16 have many.
_STRAY_NULS = 8
_BINARY_SHARE = 0.01
_BYTE_ORDER_MARK = "\ufeff"

PROBED_BYTES = 64 << 10
"""The number of bytes at the beginning that decide which line breaks a text has."""


def read_text(path: str | Path) -> str:
    """The characters of a whole text, as a corpus reads them. Raises TextError."""
    with open_text(path) as file:
        return "".join(Decoded(file, name_of(path)).pieces())


def name_of(path: str | Path) -> str:
    """The displayed name of a text; one that is longer than a line is cut in its middle."""
    if str(path) == STANDARD_INPUT:
        return "standard input"
    name = "".join(map(glyph, str(path)))
    return (
        name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 :]}"
    )


def check_text(path: str | Path, *, as_bytes: bool = False) -> None:
    """Raise TextError if the first piece of a file is not text.

    Pipes are not checked, since they can be read only once.
    """
    if str(path) == STANDARD_INPUT or not stat.S_ISREG(_status_of(path).st_mode):
        return
    with _text_errors(path), open(path, "rb") as file:
        first = _not_empty(io.BytesIO(file.read(SIZES.piece)), name_of(path))
    if not as_bytes:
        next(Decoded(first, name_of(path)).pieces())


def open_text(path: str | Path, sizes: ReadSizes = SIZES, progress: Progress = NO_PROGRESS) -> BinaryIO:
    """The bytes of a text: in memory for small files and pipes, else the open file.

    path: a file, or `-` for standard input. progress: checked while a pipe has nothing to read. Raises
    TextError, Cancelled.
    """
    name = name_of(path)
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise TextError("standard input is closed; give a text file")
        with _text_errors(path):
            return _not_empty(io.BytesIO(_read_standard_input(progress)), name)
    status = _status_of(path)
    with _text_errors(path):
        if stat.S_ISREG(status.st_mode):
            if status.st_size > sizes.large:
                return open(path, "rb")
            with open(path, "rb") as file:
                return _not_empty(io.BytesIO(file.read()), name)
        # Without O_NONBLOCK, opening a pipe waits for its writer, and nothing could end the wait.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as pipe:
            return _not_empty(io.BytesIO(_read_pipe(pipe.fileno(), progress)), name)


def _read_standard_input(progress: Progress) -> bytes:
    try:
        descriptor = sys.stdin.fileno()
    except io.UnsupportedOperation:  # a file in memory
        return sys.stdin.buffer.read()
    return _read_pipe(descriptor, progress)


def _read_pipe(descriptor: int, progress: Progress) -> bytes:
    """All bytes until the writers close the pipe."""
    pieces: list[bytes] = []
    while True:
        while not select.select([descriptor], [], [], _WAIT_SECONDS)[0]:
            progress.check()
        if not (piece := os.read(descriptor, SIZES.piece)):
            return b"".join(pieces)
        pieces.append(piece)
        progress.check()


def _status_of(path: str | Path) -> os.stat_result:
    with _text_errors(path):
        status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise TextError(f"{name_of(path)} is a directory; give a text file")
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        raise TextError(f"{name_of(path)} is a device; give a text file, or - for standard input")
    return status


@contextlib.contextmanager
def _text_errors(path: str | Path) -> Iterator[None]:
    """Turn errors of the operating system into TextError."""
    try:
        yield
    except FileNotFoundError as error:
        raise TextError(f"there is no file {name_of(path)}") from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise TextError(f"{name_of(path)} cannot be read: {reason(error)}") from error


@contextlib.contextmanager
def memory_errors(name: str) -> Iterator[None]:
    """Turn a failed allocation while a text is read into TextError. name: of the text."""
    try:
        yield
    except MemoryError as error:
        raise TextError(
            f"{name} does not fit in memory: use a part of it, or save it as a file, which is read in pieces"
        ) from error


def no_address_space(name: str, size: int) -> TextError:
    """The error for a text that needs `size` bytes of address space, beyond the limit of the process."""
    return TextError(
        f"{name} needs {size / 1e9:.1f} GB of address space, more than the limit of this process allows; "
        "raise it (ulimit -v unlimited) or use a part of the text"
    )


def _not_empty(file: io.BytesIO, name: str) -> BinaryIO:
    if not file.getbuffer().nbytes:
        raise TextError(f"{name} is empty; give a text of at least 2 characters")
    return file


LineBreak = Literal["\r\n", "\r"]


def line_break_of(beginning: bytes) -> LineBreak:
    """The line break that becomes LF: CR if the beginning of the text has no other, else CRLF."""
    return "\r" if b"\r" in beginning and b"\n" not in beginning else "\r\n"


def with_line_feeds(text: str, line_break: LineBreak) -> str:
    """The text with LF line breaks."""
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n") if line_break == "\r" else text


class Decoded:
    """A UTF-8 file as pieces of text, without a byte order mark and with LF line breaks."""

    def __init__(self, file: BinaryIO, name: str, sizes: ReadSizes = SIZES) -> None:
        self._file = file
        self._sizes = sizes
        self._name = name
        self._digest = hashlib.sha256()
        self._bytes = 0  # read so far
        self._lines = 0
        self._had_mark = False
        self._carriage_returns = 0
        file.seek(0)
        self._break = line_break_of(file.read(PROBED_BYTES))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes read so far, in hexadecimal."""
        return self._digest.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the changes so far."""
        mark = ("the byte order mark is left out",) if self._had_mark else ()
        if not self._carriage_returns:
            return mark
        kind = "CRLF" if self._break == "\r\n" else "CR"
        return (*mark, f"{self._carriage_returns:,} {kind} line breaks are read as LF")

    def pieces(self, progress: Progress = NO_PROGRESS) -> Iterator[str]:
        """The text from the start of the file. Raises TextError for invalid UTF-8, and Cancelled."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        held_back = ""  # a carriage return at the end of a piece
        for raw in raw_pieces(self._file, progress, self._sizes):
            self._digest.update(raw)
            at_start = self._bytes == 0
            text = held_back + self._decode(decoder, raw)
            if at_start and text.startswith(_BYTE_ORDER_MARK):
                self._had_mark = True
                text = text[1:]
            held_back = "\r" if text.endswith("\r") else ""
            yield self._with_line_feeds(text[: len(text) - len(held_back)])
        yield self._with_line_feeds(held_back + self._decode(decoder, b"", final=True))

    def _decode(self, decoder: codecs.IncrementalDecoder, raw: bytes, final: bool = False) -> str:
        nuls = raw.count(0)
        if nuls > max(_STRAY_NULS, _BINARY_SHARE * len(raw)):
            raise self._not_text("it is binary, with a NUL", self._bytes + raw.index(0))
        try:
            text = decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            # The decoder may hold a few bytes of the previous piece.
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
        self._carriage_returns += text.count(self._break)
        return with_line_feeds(text, self._break)


def raw_pieces(file: BinaryIO, progress: Progress = NO_PROGRESS, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """The bytes from the start of the file. Raises Cancelled."""
    file.seek(0)
    if isinstance(file, io.BytesIO):
        total = file.getbuffer().nbytes
    else:
        total = max(1, os.fstat(file.fileno()).st_size)
    done = 0
    while raw := file.read(sizes.piece):
        yield raw
        done += len(raw)
        progress(min(1.0, done / total))


def reason(error: Exception) -> str:
    """The reason of a system error, in lower case."""
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()
