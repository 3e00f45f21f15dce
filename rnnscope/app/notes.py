"""Stars and notes on a model's neurons, in a small JSON file.

{"favorites": ["1/97"], "notes": {"1/97": "counts columns"}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rnnscope.app.scope import Neuron, Severity
from rnnscope.app.sidecar_file import Format, SidecarFile, edit_file, load_file
from rnnscope.network.architecture import Architecture
from rnnscope.network.locate import sidecar
from rnnscope.strict_json import JsonError, decode, shown

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

        notes = {neuron: note for neuron, note in self.notes.items() if has_neuron(architecture, neuron)}
        starred = frozenset(neuron for neuron in self.starred if has_neuron(architecture, neuron))
        return replace(self, starred=starred, notes=notes)


@dataclass(frozen=True)
class _File:
    favorites: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    """How versions up to 0.1 spelled it."""
    notes: dict[str, str] = field(default_factory=dict)


def has_neuron(architecture: Architecture, neuron: Neuron) -> bool:
    """Whether a network has a neuron."""
    return 1 <= neuron[0] <= architecture.layers and neuron[1] < architecture.hidden_size


def notes_path(model: Path) -> Path:
    """The file with the notes on a model."""
    return sidecar(model, ".remarks.json")


def load_notes(path: Path) -> Notes:
    """The notes in a file; none where there is no file. Raises OptionError for another kind of file."""
    return load_file(path, _FORMAT)


def edit_notes(path: Path, change: Callable[[Notes], Notes]) -> Notes:
    """Apply a change to the notes that the file has now, write them, and return them.

    Raises OptionError for another kind of file, which stays as it is, and OSError.
    """
    return edit_file(path, _FORMAT, change)


def _decoded(value: object) -> Notes:
    file = decode(_File, value)
    starred = frozenset(map(neuron_of, (*file.favorites, *file.favourites)))
    return Notes(starred, {neuron_of(name): _writable(note) for name, note in file.notes.items()})


def _encoded(notes: Notes) -> object:
    return {
        "favorites": [name_of(neuron) for neuron in sorted(notes.starred)],
        "notes": {name_of(neuron): _writable(note) for neuron, note in sorted(notes.notes.items())},
    }


def _writable(note: str) -> str:
    """The note without halves of surrogate pairs, which no file can hold, and in a bounded length."""
    return note[:_LONGEST_NOTE].encode("utf-8", "replace").decode()


def name_of(neuron: Neuron) -> str:
    """The name of a neuron, such as 1/97."""
    return f"{neuron[0]}/{neuron[1]}"


def neuron_of(name: str) -> Neuron:
    """The neuron of a name. Raises JsonError for another text."""
    if not re.fullmatch("[0-9]{1,9}/[0-9]{1,9}", name):
        raise JsonError(f"{shown(name)} is not a neuron, such as 1/97")
    layer, unit = name.split("/")
    return int(layer), int(unit)


_FORMAT = Format(Notes(), _decoded, _encoded)


class NotesFile(SidecarFile[Notes]):
    """The file of a model's notes."""

    def __init__(self, path: Path | None, announce: Callable[[str, Severity], object]) -> None:
        """path: None keeps notes in memory only."""
        super().__init__(path, _FORMAT, announce)
