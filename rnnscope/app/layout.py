"""Computes the regions of a screen from the terminal's size and the panels to show.

The header takes two rows at the top (the lower one is the progress rule), the footer one row at the bottom.
Gaps are two columns and one row. Rows and columns share the space by weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from textual.geometry import Region

SMALLEST = (60, 16)
"""Columns and rows that a screen needs."""

GAP_COLUMNS = 2
GAP_ROWS = 1
HEADER_ROWS = 2


@dataclass(frozen=True)
class Row:
    """Panels side by side, each with the weight of its width."""

    height: int
    panels: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Block:
    """Rows of panels, from top to bottom."""

    width: int
    rows: tuple[Row, ...]


Blocks: TypeAlias = Callable[[int, int, int, str], tuple[Block, ...]]
"""The blocks of a screen, left to right, as a function of its columns, its rows, the columns within the
margins, and the panel in the shared place."""


@dataclass(frozen=True)
class Arrangement:
    """Regions by name: every visible panel, `header`, `footer`, `prompt`, `banner`, or `too-small` alone."""

    regions: dict[str, Region]

    def __getitem__(self, name: str) -> Region:
        return self.regions[name]

    def __contains__(self, name: object) -> bool:
        return name in self.regions


def arrange(
    width: int,
    height: int,
    blocks_of: Blocks,
    *,
    chosen: str = "loss",
    hidden: Set[str] = frozenset(),
    zoomed: str | None = None,
) -> Arrangement:
    """Every part's region.

    `chosen` is the panel in the shared place. The space of `hidden` panels goes to their neighbors; a
    `zoomed` panel takes the space of all.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Arrangement({"too-small": Region(0, 0, width, height)})
    margin = 2 if width >= 100 else 1
    inner = width - 2 * margin
    gap_below = GAP_ROWS if height >= 28 else 0
    body = Region(margin, HEADER_ROWS, inner, height - HEADER_ROWS - gap_below - 1)
    footer = Region(margin, height - 1, inner, 1)
    regions = {
        "header": Region(margin, 0, inner, HEADER_ROWS),
        "footer": footer,
        "prompt": footer,
        "banner": footer.translate((0, -1)),
    }
    if zoomed is not None:
        return Arrangement(regions | {zoomed: body})
    blocks = _without(blocks_of(width, height, inner, chosen), hidden)
    for block, (x, span) in zip(
        blocks, _spans([b.width for b in blocks], body.width, GAP_COLUMNS), strict=True
    ):
        rows = _spans([row.height for row in block.rows], body.height, GAP_ROWS)
        for row, (y, high) in zip(block.rows, rows, strict=True):
            columns = _spans([weight for _, weight in row.panels], span, GAP_COLUMNS)
            for (name, _), (left, wide) in zip(row.panels, columns, strict=True):
                regions[name] = Region(body.x + x + left, body.y + y, wide, high)
    return Arrangement(regions)


def _without(blocks: Sequence[Block], hidden: Set[str]) -> list[Block]:
    """The blocks without these panels; empty rows and blocks are removed."""
    kept = []
    for block in blocks:
        rows = []
        for row in block.rows:
            panels = tuple(panel for panel in row.panels if panel[0] not in hidden)
            if panels:
                rows.append(Row(row.height, panels))
        if rows:
            kept.append(Block(block.width, tuple(rows)))
    return kept


def _spans(weights: Sequence[int], total: int, gap: int) -> list[tuple[int, int]]:
    """(start, length) of parts that share `total` by weight, `gap` between them."""
    if not weights:
        return []
    room = total - gap * (len(weights) - 1)
    ends = [round(room * sum(weights[: i + 1]) / sum(weights)) for i in range(len(weights))]
    lengths = [ends[0], *(after - before for before, after in pairwise(ends))]
    return [(ends[i] - length + gap * i, length) for i, length in enumerate(lengths)]
