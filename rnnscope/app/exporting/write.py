"""From a coloured text, or a screen's view, to a file; its suffix says which kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rnnscope.app.exporting.coloured import ColouredText, Facts
from rnnscope.app.exporting.numbers import as_csv, as_json, as_npz
from rnnscope.app.exporting.page import page
from rnnscope.app.exporting.picture import picture
from rnnscope.app.view import View
from rnnscope.errors import OptionError
from rnnscope.files import write_atomically

PICTURES: dict[str, Callable[[ColouredText], str]] = {".html": page, ".svg": picture}
NUMBERS: dict[str, Callable[[ColouredText], str | bytes]] = {
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


def write(text: ColouredText, path: Path) -> None:
    """Write a coloured text. Raises OptionError for an unknown suffix, and OSError."""
    check_destination(path)
    content = {**PICTURES, **NUMBERS}[path.suffix.lower()](text)
    encoded = content.encode("utf-8") if isinstance(content, str) else content
    write_atomically(path, lambda file: file.write(encoded))


def write_page(view: View, path: Path, *, start: int = 0, facts: Facts = ()) -> None:
    """Write what a screen's passage shows; `start` is where its trace begins in its text."""
    write(ColouredText.of(view, start=start, facts=facts), path)
