"""A text of any size, read where it is looked at, its characters counted only as far as somebody asks.

    bytes       |----- block 0 -----|----- block 1 -----|-- …     64 KiB or so, cut between two characters
    characters  0                   n₀                  n₀ + n₁   …

Where each block begins is all that is kept: a few bytes a block, less than a thousandth of the file. Text is
read as a corpus reads it (no byte order mark, CRLF as LF), but for one thing: who looks at page one cannot
wait until all is checked, so what further on is no UTF-8 becomes U+FFFD, and is told.
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
from rnnscope.text.display import REPLACEMENT
from rnnscope.text.reading import Decoded, name_of, open_text

Kind = Literal["characters", "bytes"]
Told = Callable[[float], object]
"""Called with the share that is done, 0..1."""
Stop = Callable[[], bool]
"""Looked at between two pieces of work; once true, the work ends with what it has."""

BLOCK_BYTES = 64 << 10
_KEPT_BLOCKS = 16
_LONGEST_CHARACTER = 4
_MARK = b"\xef\xbb\xbf"
_REPLACEMENT_BYTES = REPLACEMENT.encode()

ReadBytes = Callable[[int, int], bytes]
"""From an offset, so many bytes; fewer at the end."""


class LongText:
    """A text whose positions are characters; of bytes, each is one character, chr(0) to chr(255).

    It may be read by several threads at once.
    """

    def __init__(self, read_bytes: ReadBytes, size: int, name: str, kind: Kind) -> None:
        self.name = name
        self.kind = kind
        self._read_bytes = read_bytes
        self._size = size
        self._growing = threading.Lock()  # one thread at a time finds the next block
        self._cache: OrderedDict[int, str] = OrderedDict()
        self._caching = threading.Lock()
        self._line_breaks = 0
        self._undecodable = 0
        # Where each block begins, in bytes and in characters, and where the last one known ends.
        self._bytes: Sequence[int]
        self._characters: Sequence[int]
        self._is_counted = kind == "bytes" or size == 0
        if kind == "bytes":
            self._bytes = self._characters = _Evenly(-(-size // BLOCK_BYTES), size)
        else:
            self._bytes, self._characters = [0], [0]

    @classmethod
    def open(cls, path: str | Path, kind: Kind = "characters") -> LongText:
        """A file, or `-` for standard input. Raises TextError where its beginning is no text."""
        file = open_text(path)
        name = name_of(path)
        if kind == "characters":
            next(Decoded(file, name).pieces())
        if isinstance(file, io.BytesIO):
            return cls.of(file.getvalue(), name, kind)
        size = os.fstat(file.fileno()).st_size

        def read_bytes(offset: int, size: int) -> bytes:
            # By offset, so that threads do not meet, and not mapped: a file that is cut short while it is
            # mapped kills the process.
            return os.pread(file.fileno(), size, offset)

        return cls(read_bytes, size, name, kind)

    @classmethod
    def of(cls, content: str | bytes, name: str = "text", kind: Kind = "characters") -> LongText:
        """A text that is in memory."""
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
        return cls(lambda offset, size: raw[offset : offset + size], len(raw), name, kind)

    @property
    def known(self) -> int:
        """How many characters are counted; all of them once `is_counted`."""
        return self._characters[-1]

    @property
    def is_counted(self) -> bool:
        """Whether the text's length is known."""
        return self._is_counted

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed in what is counted so far."""
        notes = []
        if self.kind == "characters" and self._read_bytes(0, len(_MARK)) == _MARK:
            notes.append("the byte order mark is left out")
        if self._line_breaks:
            notes.append(f"{self._line_breaks:,} CRLF line breaks are read as LF")
        if self._undecodable:
            notes.append(f"{self._undecodable:,} places that are not UTF-8 are read as {REPLACEMENT}")
        return tuple(notes)

    def count(
        self, until: int | None = None, *, told: Told | None = None, should_stop: Stop | None = None
    ) -> int:
        """Count on, up to the character `until` or to the end, and return how many are known.

        told: hears the share of the file counted, 0..1. Raises TextError where the file has changed.
        """
        while not self.is_counted and (until is None or self.known < until):
            if should_stop is not None and should_stop():
                break
            with self._growing:
                if not self.is_counted:
                    self._grow()
            if told is not None:
                told(self._bytes[-1] / self._size)
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
        """Find where the next block ends."""
        assert isinstance(self._bytes, list)
        assert isinstance(self._characters, list)
        begin = self._bytes[-1]
        raw = self._read_bytes(begin, min(BLOCK_BYTES + _LONGEST_CHARACTER, self._size - begin))
        if not raw:
            raise self._changed()
        end = _seam(raw)
        raw = raw[:end]
        text = self._decoded(raw, begin)
        self._line_breaks += raw.count(b"\r\n")
        self._undecodable += text.count(REPLACEMENT) - raw.count(_REPLACEMENT_BYTES)
        # In this order: other threads believe what they see, from the last of these to the first.
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
        return text.replace("\r\n", "\n") if "\r\n" in text else text

    def _changed(self) -> TextError:
        return TextError(f"{self.name} changed while it was open; open it again")


class _Evenly(Sequence[int]):
    """Where blocks of bytes begin, and where the last one ends, without a list of them."""

    def __init__(self, blocks: int, size: int) -> None:
        self._blocks = blocks
        self._size = size

    def __len__(self) -> int:
        return self._blocks + 1

    def __getitem__(self, index: int) -> int:  # type: ignore[override]
        index = index + len(self) if index < 0 else index
        return min(index * BLOCK_BYTES, self._size)


def _seam(raw: bytes) -> int:
    """Where a block may end: at a character's first byte, and not within a CRLF."""
    if len(raw) <= BLOCK_BYTES:
        return len(raw)
    end = BLOCK_BYTES
    while end > BLOCK_BYTES - _LONGEST_CHARACTER and 0x80 <= raw[end] < 0xC0:
        end -= 1
    return end + 1 if raw[end - 1 : end + 1] == b"\r\n" else end
