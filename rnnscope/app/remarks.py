"""What a reader remarked of a model's neurons, kept in a small JSON file beside the model.

{"favorites": ["1/97"], "notes": {"1/97": "counts columns"}}
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rnnscope.app.ranking import Neuron, Remarks
from rnnscope.errors import OptionError
from rnnscope.files import write_atomically


def remarks_path(model: Path) -> Path:
    """Where the remarks of a model file are kept."""
    return model.with_suffix(".remarks.json")


def load_remarks(path: Path) -> Remarks:
    """The remarks in a file; none where there is no file. Raises OptionError for what is no such file."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        favorites = frozenset(_neuron(name) for name in told["favorites"])
        return Remarks(favorites, {_neuron(name): str(note) for name, note in told["notes"].items()})
    except FileNotFoundError:
        return Remarks()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OptionError(f"{path} cannot be read: {error}; move it away to begin anew") from error


def save_remarks(path: Path, remarks: Remarks) -> None:
    """Raises OSError."""
    told = {
        "favorites": [_name(neuron) for neuron in sorted(remarks.favorites)],
        "notes": {_name(neuron): note for neuron, note in sorted(remarks.notes.items())},
    }
    content = json.dumps(told, ensure_ascii=False, indent=1).encode()
    write_atomically(path, lambda file: file.write(content))


def with_favorite(remarks: Remarks, neuron: Neuron) -> Remarks:
    """The remarks with the neuron as a favorite, or without it where it was one."""
    return replace(remarks, favorites=remarks.favorites ^ {neuron})


def with_note(remarks: Remarks, neuron: Neuron, note: str) -> Remarks:
    """The remarks with another note on the neuron, or with none."""
    kept = {at: said for at, said in remarks.notes.items() if at != neuron}
    return replace(remarks, notes=kept | ({neuron: note} if note else {}))


def _name(neuron: Neuron) -> str:
    return f"{neuron[0]}/{neuron[1]}"


def _neuron(name: str) -> Neuron:
    layer, unit = name.split("/")
    return int(layer), int(unit)
