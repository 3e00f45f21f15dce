"""The layout of the learn screen: the text of a step above the figure of its chapter."""

from __future__ import annotations

from rnnscope.app.layout import GAP_ROWS, HEADER_ROWS, Block, Row

TEXT_ROWS = 4
"""Rows of text in a terminal of 24 rows: every step fits at 80 columns."""


def learn_blocks(width: int, height: int, inner: int) -> tuple[Block, ...]:
    """The text takes as many rows as it needs at 80 columns, the figure all others."""
    body = height - HEADER_ROWS - 1 - (GAP_ROWS if height >= 28 else 0)
    lesson = TEXT_ROWS + 1
    return (Block(1, (Row(lesson, (("lesson", 1),)), Row(body - GAP_ROWS - lesson, (("figure", 1),)))),)
