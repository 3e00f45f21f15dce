"""Write a colored text to a file; the extension selects the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rnnscope.errors import OptionError
from rnnscope.export.numbers import as_csv, as_json, as_npz
from rnnscope.export.page import page
from rnnscope.export.picture import picture
from rnnscope.files import write_atomically

if TYPE_CHECKING:
    from rnnscope.export.colored import ColoredText

PICTURES: dict[str, Callable[[ColoredText], str]] = {".html": page, ".svg": picture}
NUMBERS: dict[str, Callable[[ColoredText], str | bytes]] = {
    ".json": as_json,
    ".csv": as_csv,
    ".npz": as_npz,
}


def check_destination(path: Path) -> None:
    """Raise OptionError for an unsupported extension or a missing directory, before any computation."""
    if path.suffix.lower() not in {**PICTURES, **NUMBERS}:
        *most, last = [*PICTURES, *NUMBERS]
        given = f"unsupported extension {path.suffix}" if path.suffix else f"{path.name} has no extension"
        raise OptionError(f"{given}; use {', '.join(most)} or {last}")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"the directory {path.parent} does not exist; create it or choose another")


def write(text: ColoredText, path: Path) -> None:
    """Write a colored text. Raises OptionError as `check_destination`, and OSError."""
    check_destination(path)
    content = {**PICTURES, **NUMBERS}[path.suffix.lower()](text)
    encoded = content.encode("utf-8") if isinstance(content, str) else content
    write_atomically(path, lambda file: file.write(encoded))
