"""A text of any size with random access to its characters, which are counted only as far as needed.

    bytes       |----- block 0 -----|----- block 1 -----|-- …     64 KiB or so, cut between two characters
    characters  0                   n₀                  n₀ + n₁   …

Only the positions of the blocks stay in memory, less than a thousandth of the file. The text is read as in a
corpus (no byte order mark, CRLF as LF), with one exception: only its beginning is checked when it is opened,
so invalid UTF-8 further on becomes U+FFFD, with a note.
"""

from __future__ import annotations

import io
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from rnnscope.errors import TextError
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.display import REPLACEMENT, counted
from rnnscope.text.reading import (
    PROBED_BYTES,
    SIZES,
    Decoded,
    ReadSizes,
    line_break_of,
    memory_errors,
    name_of,
    open_text,
    with_line_feeds,
)

Kind = Literal["characters", "bytes"]
BLOCK_BYTES = 64 << 10
_KEPT_BLOCKS = 16
_LONGEST_CHARACTER = 4
_MARK = b"\xef\xbb\xbf"
_REPLACEMENT_BYTES = REPLACEMENT.encode()

ReadBytes = Callable[[int, int], bytes]
"""Returns `size` bytes from an offset, or fewer at the end: `read_bytes(offset, size)`."""


class LongText:
    """A text with characters as positions; each byte of a text of bytes is one, chr(0) to chr(255).

    Several threads may read it at once.
    """

    def __init__(
        self, read_bytes: ReadBytes, size: int, name: str, kind: Kind, *, block_bytes: int = BLOCK_BYTES
    ) -> None:
        """size: the number of bytes. name: the name of the text. block_bytes: the size of a block."""
        self.name = name
        self.kind = kind
        self._read_bytes = read_bytes
        self._size = size
        self._block_bytes = block_bytes
        self._growing = threading.Lock()  # one thread at a time finds the next block
        self._cache: OrderedDict[int, str] = OrderedDict()
        self._caching = threading.Lock()
        self._line_breaks = 0
        self._undecodable = 0
        self._line_break = line_break_of(read_bytes(0, min(size, PROBED_BYTES)))
        # The first position of each block and the end of the last known one, in bytes and in characters.
        self._bytes: Sequence[int]
        self._characters: Sequence[int]
        self._is_counted = kind == "bytes" or size == 0
        if kind == "bytes":
            self._bytes = self._characters = _Evenly(block_bytes, size)
        else:
            self._bytes, self._characters = [0], [0]

    @classmethod
    def open(
        cls,
        path: str | Path,
        kind: Kind = "characters",
        *,
        block_bytes: int = BLOCK_BYTES,
        sizes: ReadSizes = SIZES,
        progress: Progress = NO_PROGRESS,
    ) -> LongText:
        """Open a file, or `-` for standard input.

        progress: checked while a pipe has nothing to read. Raises TextError if the beginning is not text,
        Cancelled.
        """
        name = name_of(path)
        with memory_errors(name):
            file = open_text(path, sizes, progress)
            if kind == "characters":
                next(Decoded(file, name, sizes).pieces())
            if isinstance(file, io.BytesIO):
                return cls.of(file.getvalue(), name, kind, block_bytes=block_bytes)
        size = os.fstat(file.fileno()).st_size

        def read_bytes(offset: int, size: int) -> bytes:
            # By offset, so that threads do not interfere. Not mapped: truncating a mapped file would kill the
            # process.
            return os.pread(file.fileno(), size, offset)

        return cls(read_bytes, size, name, kind, block_bytes=block_bytes)

    @classmethod
    def of(
        cls,
        content: str | bytes,
        name: str = "text",
        kind: Kind = "characters",
        *,
        block_bytes: int = BLOCK_BYTES,
    ) -> LongText:
        """A text in memory."""
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content

        def read_bytes(offset: int, size: int) -> bytes:
            return raw[offset : offset + size]

        return cls(read_bytes, len(raw), name, kind, block_bytes=block_bytes)

    @property
    def known(self) -> int:
        """The number of characters counted so far; all of them once `is_counted`."""
        return self._characters[-1]

    @property
    def is_counted(self) -> bool:
        """True if the length of the text is known."""
        return self._is_counted

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the changes in the characters counted so far, such as line breaks."""
        notes = []
        if self.kind == "characters" and self._read_bytes(0, len(_MARK)) == _MARK:
            notes.append("the byte order mark is left out")
        if self._line_breaks:
            kind = "CRLF" if self._line_break == "\r\n" else "CR"
            notes.append(f"{self._line_breaks:,} {kind} line breaks are read as LF")
        if self._undecodable:
            places = counted(self._undecodable, "place")
            notes.append(f"invalid UTF-8 in {places} is read as {REPLACEMENT}")
        return tuple(notes)

    def count(self, until: int | None = None, progress: Progress = NO_PROGRESS) -> int:
        """Count at least `until` characters, or all, and return the number counted so far.

        progress: gets the share of the file. A cancelled call keeps its count. Raises TextError if
        the file has changed, and Cancelled.
        """
        while not self.is_counted and (until is None or self.known < until):
            progress.check()
            with self._growing:
                if not self.is_counted:
                    self._grow()
            progress.on_progress(self._bytes[-1] / self._size)
        return self.known

    def read(self, start: int, stop: int) -> str:
        """The characters start .. stop−1, or as many of them as there are. Raises TextError."""
        stop = min(stop, self.count(stop))
        start = max(0, start)
        if start >= stop:
            return ""
        first = bisect_right(self._characters, start) - 1
        last = bisect_right(self._characters, stop - 1)
        text = "".join([self._block(i) for i in range(first, last)])
        offset = start - self._characters[first]
        return text[offset : offset + stop - start]

    def _grow(self) -> None:
        """Find the end of the next block."""
        assert isinstance(self._bytes, list)
        assert isinstance(self._characters, list)
        begin = self._bytes[-1]
        raw = self._read_bytes(begin, min(self._block_bytes + _LONGEST_CHARACTER, self._size - begin))
        if not raw:
            raise self._changed()
        end = _block_end(raw, self._block_bytes)
        raw = raw[:end]
        text = self._decoded(raw, begin)
        self._line_breaks += raw.count(self._line_break.encode())
        self._undecodable += text.count(REPLACEMENT) - raw.count(_REPLACEMENT_BYTES)
        # In this order: other threads read them without a lock, from the last to the first.
        self._bytes.append(begin + end)
        self._characters.append(self._characters[-1] + len(text))
        self._is_counted = begin + end >= self._size

    def _block(self, index: int) -> str:
        with self._caching:
            if (known := self._cache.get(index)) is not None:
                self._cache.move_to_end(index)
                return known
        begin, end = self._bytes[index], self._bytes[index + 1]
        text = self._decoded(self._read_bytes(begin, end - begin), begin)
        if len(text) != self._characters[index + 1] - self._characters[index]:
            raise self._changed()
        with self._caching:
            self._cache[index] = text
            if len(self._cache) > _KEPT_BLOCKS:
                self._cache.popitem(last=False)
        return text

    def _decoded(self, raw: bytes, begin: int) -> str:
        if self.kind == "bytes":
            return raw.decode("latin-1")
        if begin == 0 and raw.startswith(_MARK):
            raw = raw[len(_MARK) :]
        text = raw.decode("utf-8", "replace")
        return with_line_feeds(text, self._line_break)

    def _changed(self) -> TextError:
        return TextError(f"{self.name} changed while it was open; open it again")


class _Evenly(Sequence[int]):
    """The first positions of blocks of equal size, and the end of the last one, without a list."""

    def __init__(self, block_bytes: int, size: int) -> None:
        self._block_bytes = block_bytes
        self._size = size

    def __len__(self) -> int:
        return -(-self._size // self._block_bytes) + 1

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        index = index + len(self) if index < 0 else index
        return min(index * self._block_bytes, self._size)


def _block_end(raw: bytes, block_bytes: int) -> int:
    """The end of a block: before the first byte of a character, and not within a CRLF."""
    if len(raw) <= block_bytes:
        return len(raw)
    end = block_bytes
    while end > block_bytes - _LONGEST_CHARACTER and 0x80 <= raw[end] < 0xC0:
        end -= 1
    return end + 1 if raw[end - 1 : end + 1] == b"\r\n" else end
