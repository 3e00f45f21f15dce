"""A colored text as SVG: a grid of rectangles with the text on them, for light and dark.

A run of cells of one color is one rectangle and one `<text>` with a `textLength`, so that it fits the grid
in any font. Wide characters, characters with combining marks and right-to-left characters have a `<text>`
each: the grid runs from left to right, one character per cell, as in a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len, set_cell_size

from rnnscope.export.layout import Layout
from rnnscope.export.page import MONOSPACE, PALETTES, escaped, hexadecimal
from rnnscope.theme.palette import STEPS, Palette

if TYPE_CHECKING:
    from rnnscope.export.colored import ColoredText

COLUMNS = 100
_WIDTH, _HEIGHT = 8.4, 20
_BASELINE = 14.5
_MARGIN = 24
_BETWEEN = " · "


def picture(text: ColoredText) -> str:
    """A complete SVG document."""
    layout = text.layout(COLUMNS)
    facts = _filled(text.facts)
    first_row = len(facts) + 3  # below the title, the facts, the legend and an empty row
    width = 2 * _MARGIN + COLUMNS * _WIDTH
    height = 2 * _MARGIN + (first_row + len(layout)) * _HEIGHT
    light, dark = (_rules(palette, text) for palette in PALETTES)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img">',
        f"<title>{escaped(text.subject)}</title>",
        f"<style>text{{font:14px {MONOSPACE};white-space:pre}}\n.strong{{font-weight:bold}}\n"
        f"rect{{shape-rendering:crispEdges}}\n{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n"
        "</style>",
        '<rect class="panel" width="100%" height="100%"/>',
        _text(text.subject, "strong", 0, 0),
        *(_text(line, "dim", 0, row) for row, line in enumerate(facts, 1)),
        *_legend(text, len(facts) + 1),
        *_runs(text, layout, first_row),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _filled(facts: Sequence[str]) -> list[str]:
    """The facts in lines of at most COLUMNS cells; a longer fact is truncated."""
    lines: list[str] = []
    for fact in facts:
        if lines and cell_len(lines[-1] + _BETWEEN + fact) <= COLUMNS:
            lines[-1] += _BETWEEN + fact
        else:
            lines.append(set_cell_size(fact, COLUMNS) if cell_len(fact) > COLUMNS else fact)
    return lines


def _rules(palette: Palette, text: ColoredText) -> str:
    colors = palette.colors
    rules = [f".panel{{fill:{colors.panel}}}", f".strong{{fill:{colors.strong}}}"]
    for step, style in enumerate(getattr(palette, text.kind)):
        color, background = hexadecimal(style)
        rules.append(f".b{step}{{fill:{background}}}.f{step}{{fill:{color}}}")
    rules.append(f".dim{{fill:{colors.dim}}}")
    return "".join(f"{rule}\n" for rule in rules)


def _legend(text: ColoredText, row: int) -> Iterator[str]:
    description = text.description
    first, last = description.steps
    low = description.lead + description.ends[0]
    column = len(low) + 1
    yield _text(low, "dim", 0, row)
    for place, step in enumerate(range(first, last + 1)):
        yield _rectangle(f"b{step}", column + place / 2, row, 0.5)
    high = description.ends[1] + (f"  {text.scale}" if text.scale else "")
    yield _text(high, "dim", column + (last - first + 1) / 2 + 1, row)


def _runs(text: ColoredText, layout: Layout, first_row: int) -> Iterator[str]:
    codes = text.codes[layout.bases].tolist()
    underlined = [bool(style.underline) for style in getattr(PALETTES[0], text.kind)]
    bases, is_plain = layout.bases.tolist(), _plain(layout)
    for line in range(len(layout)):
        start, stop = layout.span(line)
        pieces = layout.pieces(start, stop)
        row, at = first_row + line, start
        while at < stop:
            after = at + 1
            while after < stop and (
                bases[after] == at or (is_plain[at] and is_plain[after] and codes[after] == codes[at])
            ):
                after += 1
            column = int(layout.edges[at] - layout.edges[start])
            cells = int(layout.edges[after] - layout.edges[at])
            step, is_quiet = codes[at] % STEPS, codes[at] >= STEPS
            yield _rectangle(f"b{step}", column, row, cells)
            run = "".join(pieces[at - start : after - start])
            if run.strip(" "):
                yield _text(run, "dim" if is_quiet else f"f{step}", column, row, cells)
            if underlined[step]:
                yield _underline(f"f{step}", column, row, cells)
            at = after


def _plain(layout: Layout) -> list[bool]:
    """(T,) whether each character may share a `<text>`: one cell wide, without marks, left to right."""
    shapes = layout.shapes
    is_one_glyph = np.array([len(glyph) == 1 for glyph in shapes.glyphs], np.bool_)
    is_plain = (is_one_glyph & (shapes.widths == 1) & ~shapes.right_to_left)[layout.ids]
    is_mark = layout.bases != np.arange(len(layout.ids))
    is_plain[layout.bases[is_mark]] = False
    plain: list[bool] = (is_plain & ~is_mark).tolist()
    return plain


def _rectangle(look: str, column: float, row: int, cells: float) -> str:
    x, y = _MARGIN + column * _WIDTH, _MARGIN + row * _HEIGHT
    return f'<rect class="{look}" x="{x:g}" y="{y:g}" width="{cells * _WIDTH:g}" height="{_HEIGHT}"/>'


def _underline(look: str, column: float, row: int, cells: float) -> str:
    x, y = _MARGIN + column * _WIDTH, _MARGIN + row * _HEIGHT + _BASELINE + 2
    return f'<rect class="{look}" x="{x:g}" y="{y:g}" width="{cells * _WIDTH:g}" height="1"/>'


def _text(words: str, look: str, column: float, row: int, cells: int | None = None) -> str:
    x, y = _MARGIN + column * _WIDTH, _MARGIN + row * _HEIGHT + _BASELINE
    fitted = f' textLength="{cells * _WIDTH:g}" lengthAdjust="spacingAndGlyphs"' if cells else ""
    return f'<text class="{look}" x="{x:g}" y="{y:g}"{fitted} xml:space="preserve">{escaped(words)}</text>'
