"""Stars and notes on a model's neurons, in a small JSON file.

{"favorites": ["1/97"], "notes": {"1/97": "counts columns"}}

Every change is merged into the file under a lock: two programs on one model keep each other's notes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rnnscope.app.scope import Neuron, Severity
from rnnscope.errors import OptionError
from rnnscope.files import FileLock, read_regular_file, write_atomically
from rnnscope.network.architecture import Architecture
from rnnscope.network.locate import sidecar
from rnnscope.strict_json import JsonError, decode, parse, shown

_LARGEST_BYTES = 4 << 20
_LONGEST_NOTE = 10_000


@dataclass(frozen=True)
class Notes:
    """The neurons of a model that the user has starred, and the notes on them."""

    starred: frozenset[Neuron] = frozenset()
    notes: Mapping[Neuron, str] = field(default_factory=dict)

    def with_star(self, neuron: Neuron, *, is_starred: bool) -> Notes:
        """The notes with the neuron starred, or not."""
        others = self.starred - {neuron}
        return replace(self, starred=others | {neuron} if is_starred else others)

    def with_note(self, neuron: Neuron, note: str) -> Notes:
        """The notes with another note on the neuron; an empty one removes it."""
        others = {at: text for at, text in self.notes.items() if at != neuron}
        return replace(self, notes=others | ({neuron: _writable(note)} if note else {}))

    def of_network(self, architecture: Architecture) -> Notes:
        """The notes on neurons that the network has."""

        def is_there(neuron: Neuron) -> bool:
            return 1 <= neuron[0] <= architecture.layers and neuron[1] < architecture.hidden_size

        notes = {neuron: note for neuron, note in self.notes.items() if is_there(neuron)}
        return replace(self, starred=frozenset(filter(is_there, self.starred)), notes=notes)


class NotesFile:
    """The file of a model's notes. An error is announced, and the notes stay in memory."""

    def __init__(self, path: Path | None, announce: Callable[[str, Severity], object]) -> None:
        """path: None keeps notes in memory only."""
        self._path = path
        self._announce = announce

    def load(self) -> Notes:
        """The notes in the file; none where there is no file. One that cannot be read is left alone."""
        if self._path is None:
            return Notes()
        try:
            return load_notes(self._path)
        except OptionError as error:
            self._path = None
            self._announce(str(error), "warning")
            return Notes()

    def edit(self, notes: Notes, change: Callable[[Notes], Notes]) -> Notes:
        """Apply a change to the notes, in the file and in memory, and return them."""
        if self._path is not None:
            try:
                return edit_notes(self._path, change)
            except OptionError as error:
                self._announce(str(error), "warning")
            except OSError as error:
                self._announce(f"not saved: {self._path}: {error.strerror or error}", "warning")
        return change(notes)


@dataclass(frozen=True)
class _File:
    favorites: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    """How versions up to 0.1 spelled it."""
    notes: dict[str, str] = field(default_factory=dict)


def notes_path(model: Path) -> Path:
    """The file with the notes on a model."""
    return sidecar(model, ".remarks.json")


def load_notes(path: Path) -> Notes:
    """The notes in a file; none where there is no file. Raises OptionError for another kind of file."""
    try:
        return _parsed(read_regular_file(path, max_bytes=_LARGEST_BYTES))
    except FileNotFoundError:
        return Notes()
    except (OSError, JsonError) as error:
        raise OptionError(f"{path} cannot be read: {_reason(error)}; move it away to start afresh") from error


def edit_notes(path: Path, change: Callable[[Notes], Notes]) -> Notes:
    """Apply a change to the notes that the file has now, write them, and return them.

    Raises OptionError for another kind of file, which stays as it is, and OSError.
    """
    lock = FileLock.acquire(path, seconds=5.0)
    try:
        notes = change(load_notes(path))
        value = {
            "favorites": [_name(neuron) for neuron in sorted(notes.starred)],
            "notes": {_name(neuron): _writable(note) for neuron, note in sorted(notes.notes.items())},
        }
        content = json.dumps(value, ensure_ascii=False, indent=1).encode()
        write_atomically(path, lambda file: file.write(content))
    finally:
        lock.release()
    return notes


def _parsed(content: bytes) -> Notes:
    if not content:  # a program that was killed between locking and writing the file
        return Notes()
    file = decode(_File, parse(content))
    starred = frozenset(map(_neuron, (*file.favorites, *file.favourites)))
    return Notes(starred, {_neuron(name): _writable(note) for name, note in file.notes.items()})


def _writable(note: str) -> str:
    """The note without halves of surrogate pairs, which no file can hold, and in a bounded length."""
    return note[:_LONGEST_NOTE].encode("utf-8", "replace").decode()


def _reason(error: OSError | JsonError) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _name(neuron: Neuron) -> str:
    return f"{neuron[0]}/{neuron[1]}"


def _neuron(name: str) -> Neuron:
    if not re.fullmatch("[0-9]{1,9}/[0-9]{1,9}", name):
        raise JsonError(f"{shown(name)} is not a neuron, such as 1/97")
    layer, unit = name.split("/")
    return int(layer), int(unit)
