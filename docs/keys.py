"""Update the key tables of the README from the registries of actions.

python docs/keys.py
"""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.actions import TRAIN, table
from rnnscope.app.inspect_actions import INSPECT

README = Path(__file__).resolve().parent.parent / "README.md"
TABLES = {"train": TRAIN, "inspect": INSPECT}


def with_keys(text: str) -> str:
    """The README with key tables that match the registries."""
    for screen, actions in TABLES.items():
        begin, end = f"<!-- keys of {screen}: made by docs/keys.py -->", f"<!-- end of keys of {screen} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{table(actions)}\n\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text(encoding="utf-8")), encoding="utf-8")
