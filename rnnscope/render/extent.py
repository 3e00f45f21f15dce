"""How much of a text a search has read, in words; and where it was a part, a line that asks for the whole."""

from __future__ import annotations

from rnnscope.app.asking.answers import Extent
from rnnscope.render.report import Line, Run, words


def of_text(extent: Extent | None, positions: int) -> str:
    """`20,000 of 1,115,394 characters`; positions: what is said of a search that tells no extent."""
    if extent is None:
        return f"{positions:,} characters"
    if not extent.is_part:
        return f"{extent.read:,} characters"
    return f"{extent.read:,} of {extent.characters:,}{'' if extent.is_counted else '+'} characters"


def whole_text(extent: Extent | None) -> list[Line]:
    """A line to choose where only a part was read."""
    if extent is None or not extent.is_part:
        return []
    read = f"{extent.read:,}"
    told = f"only the first {read}; L: the whole text", f"the first {read}; L: all of it"
    return [words(told[0], "text", told[1], choice=Run("scope"))]
