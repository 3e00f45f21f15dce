"""Write the README's tables of keys anew from the registries of actions.

python docs/keys.py
"""

from __future__ import annotations

from pathlib import Path

from rnnscope.app.actions import TRAIN, table

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- keys: made by docs/keys.py -->", "<!-- end of keys -->"


def with_keys(text: str) -> str:
    """The README with its table of keys as the registry has it."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{table(TRAIN)}\n\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text(encoding="utf-8")), encoding="utf-8")
