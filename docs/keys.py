"""Update the key tables of the README from the registries of actions.

python docs/keys.py
"""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.actions import actions_of, table
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.train import TrainScreen

README = Path(__file__).resolve().parent.parent / "README.md"
SCREENS = {"train": TrainScreen, "inspect": InspectScreen}


def with_keys(text: str) -> str:
    """The README with key tables that match the registries."""
    for name, screen in SCREENS.items():
        begin, end = f"<!-- keys of {name}: made by docs/keys.py -->", f"<!-- end of keys of {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{table(actions_of(screen.OWNERS))}\n\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text(encoding="utf-8")), encoding="utf-8")
