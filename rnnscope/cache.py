"""A cache of results on disk, for the next time a model is opened.

    {"format": 2, "model": "SHA-256", "results": {"KEY": {"query": {...}, "result": {...}}}}

A model is identified by the bytes of its file; results of another state of the model are dropped. The key is
a digest of the query and of the text that it read. A file that cannot be read is replaced, and one that
cannot be written is reported once: then results are kept in memory alone.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from rnnscope.analysis.query import Query, Result, as_json
from rnnscope.files import write_atomically
from rnnscope.strict_json import JsonError, decode, read_json

R = TypeVar("R", bound=Result)

_FORMAT = 2
_LARGEST_BYTES = 16 << 20
_MOST_RESULTS = 256
"""The oldest results are dropped first."""
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class _Entry:
    """One cached result, with its query for readers of the file."""

    query: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True)
class _File:
    format: int
    model: str = ""
    results: dict[str, _Entry] = field(default_factory=dict)


class Cache:
    """Results of one model in one file. Several threads may use it at once."""

    def __init__(self, path: Path, model_digest: str) -> None:
        """model_digest: `digest_of` the model's files."""
        self.path = path
        self.notes: list[str] = []
        """Notes on the file for the user, one line each."""
        self.model_digest = model_digest
        """The digest of the model's files."""
        self._is_writable = True
        self._lock = threading.Lock()
        self._results = self._load()

    def get(self, query: Query[Any], text_digest: str, kind: type[R]) -> R | None:
        """The kept result of a query on a text; None if there is none."""
        with self._lock:
            entry = self._results.get(key_of(query, text_digest))
        if entry is None:
            return None
        try:
            return decode(kind, entry.result)
        except (JsonError, TypeError, ValueError):
            return None  # written by another version: computed again and replaced

    def put(self, query: Query[Any], text_digest: str, result: Result) -> None:
        """Keep a result and write the file."""
        key = key_of(query, text_digest)
        with self._lock:
            self._results.pop(key, None)
            self._results[key] = _Entry({"name": query.name} | _fields(query), result.to_dict())
            while len(self._results) > _MOST_RESULTS:
                del self._results[next(iter(self._results))]
            self._write()

    def detach(self) -> None:
        """Stop writing, because the model file has been replaced by another model."""
        with self._lock:
            self._is_writable = False

    def _load(self) -> dict[str, _Entry]:
        try:
            kept = decode(_File, read_json(self.path, max_bytes=_LARGEST_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, JsonError) as error:
            self.notes.append(
                f"{self.path.name} cannot be read and is replaced: {' '.join(str(error).split())}"
            )
            return {}
        return dict(kept.results) if (kept.format, kept.model) == (_FORMAT, self.model_digest) else {}

    def _write(self) -> None:
        if not self._is_writable:
            return
        content = as_json(_File(_FORMAT, self.model_digest, self._results))
        data = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
        try:
            write_atomically(self.path, lambda file: file.write(data))
        except OSError as error:
            self._is_writable = False
            self.notes.append(f"results are not kept: {self.path}: {error.strerror or error}")


def key_of(query: Query[Any], text_digest: str) -> str:
    """A digest of a query's name and fields and of its text."""
    written = json.dumps([query.name, _fields(query), text_digest], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def digest_of(paths: Iterable[Path]) -> str:
    """The SHA-256 of the bytes of files, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while part := file.read(_READ_AT_ONCE):
                digest.update(part)
    return digest.hexdigest()


def _fields(query: Query[Any]) -> dict[str, Any]:
    """The fields by which two queries are compared."""
    return {each.name: as_json(getattr(query, each.name)) for each in fields(query) if each.compare}
