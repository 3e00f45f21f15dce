"""The same text in a second passage, as a second neuron colors it."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment

from rnnscope.app.panels.passage import Passage
from rnnscope.selection import Selection


class SecondPassage(Passage):
    """The same text as the second neuron colors it."""

    heading: ClassVar[str] = "second"

    def show(self, selection: Selection) -> None:
        seen = selection.seconded()
        if seen is not None:
            super().show(seen)

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        if self._selection is None:
            return [Segment("press 2 to keep a neuron", self.palette.ink("dim"))] if row == 0 else []
        return super().body(row, width, height)
