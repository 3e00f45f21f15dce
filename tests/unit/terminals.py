"""A terminal for commands that are run in this process."""

from __future__ import annotations

import io


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True
