"""The user's remarks on a model's neurons, in a small JSON file.

{"favorites": ["1/97"], "notes": {"1/97": "counts columns"}}

Every change is merged into the file under a lock: two programs on one model keep each other's remarks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from rnnscope.app.ranking import Neuron, Remarks
from rnnscope.errors import OptionError
from rnnscope.files import FileLock, read_regular_file, write_atomically
from rnnscope.network.architecture import Architecture
from rnnscope.network.locate import sidecar
from rnnscope.strict_json import JsonError, decode, parse, shown

_LARGEST_BYTES = 4 << 20
_LONGEST_NOTE = 10_000


@dataclass(frozen=True)
class _File:
    favorites: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    """How versions up to 0.1 spelled it."""
    notes: dict[str, str] = field(default_factory=dict)


def remarks_path(model: Path) -> Path:
    """The file with the remarks on a model."""
    return sidecar(model, ".remarks.json")


def load_remarks(path: Path) -> Remarks:
    """The remarks in a file; none where there is no file. Raises OptionError for another kind of file."""
    try:
        return _parsed(read_regular_file(path, max_bytes=_LARGEST_BYTES))
    except FileNotFoundError:
        return Remarks()
    except (OSError, JsonError) as error:
        raise OptionError(f"{path} cannot be read: {_reason(error)}; move it away to begin anew") from error


def edit_remarks(path: Path, change: Callable[[Remarks], Remarks]) -> Remarks:
    """Apply a change to the remarks that the file has now, write them, and return them.

    Raises OptionError for another kind of file, which stays as it is, and OSError.
    """
    lock = FileLock.acquire(path, seconds=5.0)
    try:
        remarks = change(load_remarks(path))
        value = {
            "favorites": [_name(neuron) for neuron in sorted(remarks.favorites)],
            "notes": {_name(neuron): _writable(note) for neuron, note in sorted(remarks.notes.items())},
        }
        content = json.dumps(value, ensure_ascii=False, indent=1).encode()
        write_atomically(path, lambda file: file.write(content))
    finally:
        lock.release()
    return remarks


def with_favorite(remarks: Remarks, neuron: Neuron, *, is_favorite: bool) -> Remarks:
    """The remarks with the neuron among the favorites, or not."""
    others = remarks.favorites - {neuron}
    return replace(remarks, favorites=others | {neuron} if is_favorite else others)


def with_note(remarks: Remarks, neuron: Neuron, note: str) -> Remarks:
    """The remarks with another note on the neuron; an empty one removes it."""
    others = {at: text for at, text in remarks.notes.items() if at != neuron}
    return replace(remarks, notes=others | ({neuron: _writable(note)} if note else {}))


def of_network(remarks: Remarks, architecture: Architecture) -> Remarks:
    """The remarks on neurons that the network has."""

    def is_there(neuron: Neuron) -> bool:
        return 1 <= neuron[0] <= architecture.layers and neuron[1] < architecture.hidden_size

    notes = {neuron: note for neuron, note in remarks.notes.items() if is_there(neuron)}
    return replace(remarks, favorites=frozenset(filter(is_there, remarks.favorites)), notes=notes)


def _parsed(content: bytes) -> Remarks:
    if not content:  # a program that was killed between locking and writing the file
        return Remarks()
    file = decode(_File, parse(content))
    favorites = frozenset(map(_neuron, (*file.favorites, *file.favourites)))
    return Remarks(favorites, {_neuron(name): _writable(note) for name, note in file.notes.items()})


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
