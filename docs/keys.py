"""Write docs/keys.md, the tables of keys, from the actions that panels declare.

python docs/keys.py
"""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.actions import actions_of, table
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.replay import ReplayScreen
from rnnscope.app.screens.train import TrainScreen

PAGE = Path(__file__).resolve().parent / "keys.md"

_BEGINNING = """\
# Keys

`?` shows the keys of a screen, `Ctrl+P` searches its actions. The same key has the same function on every
screen. The mouse does what the keys do: click a character, a neuron, a panel, a word of the footer, or a key
in a prompt; drag over text to mark it; the wheel scrolls, and with Ctrl zooms the heat map.

This page is made by `python docs/keys.py`."""


def page() -> str:
    """The page, with a table for each screen; `watch` has the keys of the train screen that do not train."""
    tables = {
        "Train and watch": table(actions_of(TrainScreen.OWNERS)),
        "Inspect": table(actions_of(InspectScreen.OWNERS)),
        "Replay": table(actions_of(ReplayScreen.OWNERS)),
    }
    return "\n\n".join([_BEGINNING, *(f"## {title}\n\n{rows}" for title, rows in tables.items())]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
