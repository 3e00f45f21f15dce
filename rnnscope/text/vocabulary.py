"""The vocabulary of a network: its characters, or bytes, and their ids.

A vocabulary of characters is built from a text, in the order of code points; one of bytes has all 256 bytes.
A character without an id is an error, unless the vocabulary has an unknown symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.errors import CheckpointError, TextError
from rnnscope.text.display import REPLACEMENT, label

UNKNOWN = ("\u2370", "\u2bd1", "\u2047")
"""Candidates for the symbol of characters below the minimum count; the first not in the text is used."""

_CODE_POINTS = 0x110000
_CHUNK = 1 << 20  # characters looked up at once: four bytes of code point each


@dataclass(frozen=True)
class Vocabulary:
    """The symbol of each id.

    kind: "characters" or "bytes".
    symbols: V one-character strings; chr(0) to chr(255) for bytes.
    unknown: the id of the unknown symbol; None without one.
    """

    kind: Literal["characters", "bytes"]
    symbols: tuple[str, ...]
    unknown: int | None = None

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def encoding(self) -> Literal["utf-8", "bytes"]:
        """The encoding in which a text is read."""
        return "bytes" if self.kind == "bytes" else "utf-8"

    @property
    def opening(self) -> int:
        """The id that writing without a prompt follows: a line break, or the first symbol."""
        known = [i for i in range(len(self)) if i != self.unknown]
        return self.symbols.index("\n") if "\n" in self.symbols else known[0] if known else 0

    @classmethod
    def of(cls, text: str, minimum_count: int = 1) -> Vocabulary:
        """The characters of `text`; those with fewer than `minimum_count` occurrences become unknown."""
        return cls.of_counts(count_code_points(text), minimum_count)

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], minimum_count: int = 1) -> Vocabulary:
        """As `of`, from the count of each code point. Raises TextError for a lone surrogate."""
        if counts[0xD800:0xE000].any():
            raise TextError("the text has a lone surrogate, which is not a character; correct the text first")
        kept = {chr(code) for code in np.flatnonzero(counts >= max(1, minimum_count)).tolist()}
        if minimum_count <= 1:
            return cls("characters", tuple(sorted(kept)))
        unknown = next(symbol for symbol in UNKNOWN if symbol not in kept)
        symbols = tuple(sorted(kept | {unknown}))
        return cls("characters", symbols, symbols.index(unknown))

    @classmethod
    def of_bytes(cls) -> Vocabulary:
        """The 256 bytes."""
        return cls("bytes", tuple(map(chr, range(256))))

    def grown(self, counts: NDArray[np.int64]) -> Vocabulary:
        """The vocabulary with new ids, after the old ones, for the counted code points that it lacks."""
        if self.kind == "bytes":
            return self
        known = set(self.symbols)
        new = [symbol for symbol in Vocabulary.of_counts(counts).symbols if symbol not in known]
        return Vocabulary("characters", (*self.symbols, *new), self.unknown) if new else self

    def encode(self, text: str | bytes) -> NDArray[np.int32]:
        """(T,) int32, the id of every character of `text`, or of every byte.

        Raises TextError for the first character without an id, unless there is an unknown symbol.
        """
        if self.kind == "bytes":
            return np.frombuffer(_to_bytes(text), np.uint8).astype(np.int32)
        if isinstance(text, bytes):
            text = _to_text(text)
        ids = np.empty(len(text), np.int32)
        for start in range(0, len(text), _CHUNK):
            piece = text[start : start + _CHUNK]
            ids[start : start + len(piece)] = self.encode_code_points(code_points(piece), start)
        return ids

    def encode_code_points(self, codes: NDArray[np.uint32], start: int = 0) -> NDArray[np.int32]:
        """(T,) int32, the id of every code point.

        start: the position of the first one in its text, for the error message. Raises TextError as `encode`.
        """
        ids = self._ids_of_code_points[np.minimum(codes, len(self._ids_of_code_points) - 1)]
        missing = ids < 0
        if not missing.any():
            return ids
        if self.unknown is None:
            first = int(np.argmax(missing))
            raise TextError(self._lacks(chr(int(codes[first])), start + first + 1))
        ids[missing] = self.unknown
        return ids

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """The text of `ids`; bytes that are not UTF-8 become U+FFFD."""
        if self.kind == "bytes":
            return self.decode_bytes(ids).decode("utf-8", "replace")
        return "".join([self.symbols[i] for i in np.asarray(ids).tolist()])

    def decode_bytes(self, ids: Sequence[int] | NDArray[Any]) -> bytes:
        """The bytes of `ids`, or the UTF-8 of their characters."""
        if self.kind == "bytes":
            return bytes(np.asarray(ids).tolist())
        return self.decode(ids).encode("utf-8")

    def to_json(self) -> dict[str, Any]:
        """The vocabulary as the header of a model file stores it."""
        if self.kind == "bytes":
            return {"kind": "bytes"}
        kept: dict[str, Any] = {"kind": "characters", "symbols": list(self.symbols)}
        return kept if self.unknown is None else kept | {"unknown": self.unknown}

    @classmethod
    def from_json(cls, json: object) -> Vocabulary:
        """The inverse of `to_json`. Raises CheckpointError for anything else."""
        if not isinstance(json, Mapping):
            raise CheckpointError("the vocabulary is not a JSON object")
        kind, symbols, unknown = json.get("kind"), json.get("symbols"), json.get("unknown")
        if kind == "bytes":
            return cls.of_bytes()
        if kind != "characters":
            raise CheckpointError(f"the vocabulary is of an unknown kind, {str(kind)[:40]!r}")
        if not isinstance(symbols, list) or not symbols or not all(map(_is_symbol, symbols)):
            raise CheckpointError("the vocabulary's symbols are not a list of single characters")
        if len(set(symbols)) < len(symbols):
            raise CheckpointError("the vocabulary names a character twice")
        if unknown is not None and not _is_index(unknown, symbols):
            raise CheckpointError(f"the vocabulary's unknown symbol has no id {str(unknown)[:40]}")
        if unknown is not None and symbols[unknown] == REPLACEMENT:  # as versions up to 0.1 wrote it
            symbols[unknown] = next(symbol for symbol in UNKNOWN if symbol not in symbols)
        return cls("characters", tuple(symbols), unknown)

    @cached_property
    def _ids_of_code_points(self) -> NDArray[np.int32]:
        """A table from code points to ids, −1 without one; its last row serves all higher code points."""
        codes = np.array([ord(symbol) for symbol in self.symbols], np.int64)
        table = np.full(int(codes.max(initial=0)) + 2, -1, np.int32)
        table[codes] = np.arange(len(codes))
        return table

    def _lacks(self, character: str, position: int) -> str:
        return (
            f"the vocabulary of {len(self)} characters has no {_named(character)}, "
            f"which is character {position:,} of the text: change the text, or train a model on it"
        )


def symbols_of(vocabulary: Vocabulary, ids: NDArray[Any]) -> str:
    """The text of ids, one character each, also of a vocabulary of bytes."""
    codes = np.array([ord(symbol) for symbol in vocabulary.symbols], np.uint32)
    text: str = codes[ids].tobytes().decode("utf-32-le")
    return text


def code_points(text: str) -> NDArray[np.uint32]:
    """(T,) uint32, the code point of every character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def count_code_points(text: str) -> NDArray[np.int64]:
    """(0x110000,) int64, the count of each code point in `text`."""
    counts = np.zeros(_CODE_POINTS, np.int64)
    for start in range(0, len(text), _CHUNK):
        add_code_points(counts, code_points(text[start : start + _CHUNK]))
    return counts


def add_code_points(counts: NDArray[np.int64], codes: NDArray[np.uint32]) -> None:
    """Add the occurrences of each code point in `codes` to `counts`."""
    seen = np.bincount(codes)
    counts[: len(seen)] += seen


def _named(character: str) -> str:
    """Such as `é (U+00E9)`."""
    code = f"U+{ord(character):04X}"
    return code if label(character) == code else f"{label(character)} ({code})"


def _is_symbol(symbol: object) -> bool:
    return isinstance(symbol, str) and len(symbol) == 1 and not 0xD800 <= ord(symbol) < 0xE000


def _is_index(unknown: object, symbols: list[str]) -> bool:
    return type(unknown) is int and 0 <= unknown < len(symbols)


def _to_bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise TextError(f"character {error.start + 1:,} of the text is a lone surrogate") from error


def _to_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(
            f"the text is not UTF-8 at byte {error.start:,}; a model of bytes would read it"
        ) from error
