"""Computes the regions of a screen from the terminal's size and the panels to show.

The header takes two rows at the top (the lower one is the progress rule), the footer one row at the bottom.
Gaps are two columns and one row. Rows and columns share the space by weight. Panels may share one place: the
one shown last is in front, the others are its tabs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from textual.geometry import Region

SMALLEST = (60, 16)
"""Columns and rows that a screen needs."""

GAP_COLUMNS = 2
GAP_ROWS = 1
HEADER_ROWS = 2
_MARGIN_SHARE = 20
"""In present mode the margins are this part of the width."""
_GATES_ROWS = 6
"""The fewest rows of the gates in present mode."""

Place: TypeAlias = str | tuple[str, ...]
"""A panel, by its id, or the panels that share one place, in the order of their tabs."""


@dataclass(frozen=True)
class Row:
    """Places side by side, each with the weight of its width."""

    height: int
    places: tuple[tuple[Place, int], ...]


@dataclass(frozen=True)
class Block:
    """Rows of places, from top to bottom."""

    width: int
    rows: tuple[Row, ...]


Blocks: TypeAlias = Callable[[int, int, int], tuple[Block, ...]]
"""The blocks of a screen, left to right, as a function of its columns, its rows, and the columns within the
margins."""

LARGE = "large"
LAYOUTS: Mapping[str, str] = {
    "overview": "all panels",
    "reading": "the text, and what is predicted next",
    "gates": "the gates of the neuron, large",
    "heat map": "all neurons over the text, large",
    "charts": "curves and scatter plots, large",
    "analysis": "search results and contexts, large",
    LARGE: "one or two panels and double-spaced text, for a large font",
}
"""The layouts that every screen has, chosen by the keys 1, 2, …, and what each shows."""


@dataclass(frozen=True)
class Arrangement:
    """Regions by name: every visible panel, `header`, `footer`, `prompt`, `banner`, or `too-small` alone."""

    regions: dict[str, Region]
    tabs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The panels of each visible panel's place, where several share it."""

    def __getitem__(self, name: str) -> Region:
        return self.regions[name]

    def __contains__(self, name: object) -> bool:
        return name in self.regions


def arrange(
    width: int,
    height: int,
    blocks_of: Blocks,
    *,
    recent: Sequence[str] = (),
    hidden: Set[str] = frozenset(),
    zoomed: str | None = None,
) -> Arrangement:
    """Every part's region.

    Of the panels that share a place, the first in `recent` is in front. The space of `hidden` panels goes to
    their neighbors; a `zoomed` panel takes the space of all.
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
    blocks = blocks_of(width, height, inner)
    shared = [place for place in places_of(blocks) if len(place) > 1]
    if zoomed is not None:
        tabs = next(({zoomed: place} for place in shared if zoomed in place), {})
        return Arrangement(regions | {zoomed: body}, tabs)
    fronts = {place: _front(place, recent) for place in places_of(blocks)}
    shown = _without(blocks, {place for place, front in fronts.items() if front in hidden})
    for block, (x, span) in zip(
        shown, _spans([b.width for b in shown], body.width, GAP_COLUMNS), strict=True
    ):
        rows = _spans([row.height for row in block.rows], body.height, GAP_ROWS)
        for row, (y, high) in zip(block.rows, rows, strict=True):
            columns = _spans([weight for _, weight in row.places], span, GAP_COLUMNS)
            for (place, _), (left, wide) in zip(row.places, columns, strict=True):
                regions[fronts[_panels(place)]] = Region(body.x + x + left, body.y + y, wide, high)
    return Arrangement(regions, {fronts[place]: place for place in shared if fronts[place] in regions})


def presentation(width: int, height: int) -> Arrangement:
    """The regions of present mode: the passage, the gates below it, prompt and messages in the last row."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Arrangement({"too-small": Region(0, 0, width, height)})
    margin = width // _MARGIN_SHARE
    gates = max(_GATES_ROWS, height // 4)
    last = Region(margin, height - 1, width - 2 * margin, 1)
    top = Region(margin, 1, last.width, height - 3 - gates)
    return Arrangement(
        {
            "passage": top,
            "gates": Region(margin, top.bottom + GAP_ROWS, last.width, gates),
            "prompt": last,
            "banner": last,
        }
    )


def places_of(blocks: Iterable[Block]) -> list[tuple[str, ...]]:
    """The panels of every place, from the left block to the right, from top to bottom."""
    return [_panels(place) for block in blocks for row in block.rows for place, _ in row.places]


def _panels(place: Place) -> tuple[str, ...]:
    return (place,) if isinstance(place, str) else place


def _front(place: tuple[str, ...], recent: Sequence[str]) -> str:
    return next((panel for panel in recent if panel in place), place[0])


def _without(blocks: Sequence[Block], hidden: Set[tuple[str, ...]]) -> list[Block]:
    """The blocks without these places; empty rows and blocks are removed."""
    kept = []
    for block in blocks:
        rows = []
        for row in block.rows:
            places = tuple(each for each in row.places if _panels(each[0]) not in hidden)
            if places:
                rows.append(Row(row.height, places))
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
