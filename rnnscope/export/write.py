"""From a colored text, or a screen's selection, to a file; its suffix says which kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText, Facts
from rnnscope.export.numbers import as_csv, as_json, as_npz
from rnnscope.export.page import page
from rnnscope.export.picture import picture
from rnnscope.files import write_atomically
from rnnscope.selection import Selection

PICTURES: dict[str, Callable[[ColoredText], str]] = {".html": page, ".svg": picture}
NUMBERS: dict[str, Callable[[ColoredText], str | bytes]] = {
    ".json": as_json,
    ".csv": as_csv,
    ".npz": as_npz,
}


def check_destination(path: Path) -> None:
    """Raises OptionError where no such file can be written, before any work."""
    if path.suffix.lower() not in {**PICTURES, **NUMBERS}:
        known = ", ".join([*PICTURES, *NUMBERS])
        raise OptionError(f"{path.name} is of no kind that can be written; end it in one of {known}")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"there is no directory {path.parent} to write {path.name} into")


def write(text: ColoredText, path: Path) -> None:
    """Write a colored text. Raises OptionError for an unknown suffix, and OSError."""
    check_destination(path)
    content = {**PICTURES, **NUMBERS}[path.suffix.lower()](text)
    encoded = content.encode("utf-8") if isinstance(content, str) else content
    write_atomically(path, lambda file: file.write(encoded))


def write_page(selection: Selection, path: Path, *, start: int = 0, facts: Facts = ()) -> None:
    """Write what a screen's passage shows; `start` is where its trace begins in its text."""
    write(ColoredText.of(selection, start=start, facts=facts), path)
