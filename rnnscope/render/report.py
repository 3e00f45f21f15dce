"""A report: lines that can be drawn at any width; some can be selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from rnnscope.render.text import shortened
from rnnscope.text.display import glyph
from rnnscope.theme.palette import Palette, signed_steps, unit_steps
from rnnscope.theme.segments import segments


@dataclass(frozen=True)
class Place:
    """A position of the text to go to."""

    position: int


@dataclass(frozen=True)
class Run:
    """An action of the screen, such as a search for a feature."""

    action: str
    argument: str = ""


@dataclass(frozen=True)
class Unit:
    """A neuron to select."""

    layer: int
    unit: int


Choice: TypeAlias = Place | Run | Unit

Ink: TypeAlias = Callable[..., Style]
"""`ink(token, bold=False)`, a style on the background of the line."""
Draw: TypeAlias = Callable[[Palette, Ink, int], Sequence[Segment]]
"""The segments of a line, for a width in cells."""


@dataclass(frozen=True)
class Line:
    """One row of a report."""

    draw: Draw
    choice: Choice | None = None
    pointed: Callable[[int, int], Choice] | None = None
    """The choice for a click at a column of a line of some width, if it depends on the column."""


@dataclass(frozen=True)
class Report:
    """The content of a panel: a subject for its title, a legend at the right, and lines."""

    subject: str = ""
    legend: str = ""
    lines: tuple[Line, ...] = ()


BLANK = Line(lambda palette, ink, width: [])


_WIDTH_WITH_NOTE = 72


def words(
    text: str, token: str = "text", *shorter: str, bold: bool = False, choice: Choice | None = None
) -> Line:
    """A line in one style: the text, or the first `shorter` one that fits; else words of the last one."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        shown = next((each for each in (text, *shorter) if len(each) <= width), (text, *shorter)[-1])
        return [Segment(shortened(shown, width), ink(token, bold=bold))]

    return Line(draw, choice)


def listed(lead: str, items: Sequence[str], token: str = "text") -> Line:
    """As many items as fit, with `…` where some are left out."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        for count in range(len(items), -1, -1):
            text = "  ".join([lead, *items[:count]]) + ("" if count == len(items) else "  …")
            if cell_len(text) <= width:
                return [Segment(text, ink(token))]
        return [Segment(shortened(lead, width), ink(token))]

    return Line(draw)


def sides(left: str, right: str, token: str = "text", *, choice: Choice | None = None) -> Line:
    """A name, and a value flush right."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = max(0, width - len(right) - 1)
        name = set_cell_size(shortened(left, room), room)
        return [Segment(f"{name} ", ink(token)), Segment(right, ink("strong", bold=True))]

    return Line(draw, choice)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    choices: Sequence[Choice | None] | None = None,
) -> list[Line]:
    """Aligned columns: names on the left, numbers on the right. Columns that do not fit are omitted.

    choices: the choice of each row.
    """
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str], token: str, choice: Choice | None) -> Line:
        def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
            row, used = "", 0
            for number, (cell, room) in enumerate(zip(cells, widths, strict=True)):
                gap = 2 if number else 0
                if used + gap + room > width and number:
                    break
                blank = " " * (room - cell_len(cell))
                row += " " * gap + (blank + cell if number else cell + blank)
                used += gap + room
            return [Segment(set_cell_size(row, min(used, width)), ink(token))]

        return Line(draw, choice)

    targets = [None] * len(rows) if choices is None else choices
    return [
        line(header, "dim", None),
        *(line(row, "text", choice) for row, choice in zip(rows, targets, strict=True)),
    ]


def bar(
    name: str,
    parts: Sequence[tuple[float, str]],
    value: str,
    *,
    name_width: int,
    value_width: int,
    token: str = "text",
    bold: bool = False,
    choice: Choice | None = None,
) -> Line:
    """A name, a bar of parts (each up to a share 0..1, in an ink) over a faint track, and a value."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        names = max(1, min(name_width, width - value_width - 2))  # the value is never truncated
        room = max(0, width - names - value_width - 2)
        row = [Segment(set_cell_size(shortened(name, names), names) + " ", ink(token, bold=bold))]
        done = 0
        for share, ink_of_part in parts:
            cells = max(done, round(room * min(1.0, max(0.0, share))))
            row.append(Segment("▆" * (cells - done), ink(ink_of_part)))
            done = cells
        row.append(Segment("▁" * (room - done), ink("faint")))
        row.append(Segment(f" {value:>{value_width}}", ink("strong" if bold else "text", bold=bold)))
        return row

    return Line(draw, choice)


def excerpt(
    text: str,
    values: NDArray[np.floating],
    center: int,
    value: str,
    *,
    gate: bool,
    choice: Choice,
    note: str = "",
) -> Line:
    """An excerpt of a text, colored, around a marked character, with a value flush right.

    note: shown before the value if the line is wide enough for both.
    """

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        shown_note = f"{note}  " if note and width >= _WIDTH_WITH_NOTE else ""
        room = max(1, width - len(shown_note) - len(value) - 1)
        symbols = [_symbol(character) for character in text]
        first, stop, used = _around(center, [cell_len(symbol) for symbol in symbols], room)
        steps = unit_steps(values) if gate else signed_steps(values)
        styles = palette.cells(gate)
        marked = Style(bold=True, underline=True)
        row = segments(
            [
                (symbols[i], styles[steps[i]] + marked if i == center else styles[steps[i]])
                for i in range(first, stop)
            ]
        )
        gap = room - used + 1
        row.append(Segment(" " * gap, ink("text")))
        if shown_note:
            row.append(Segment(shown_note, ink("dim")))
        return [*row, Segment(value, ink("strong", bold=True))]

    return Line(draw, choice)


def _symbol(character: str) -> str:
    """The glyph of a character; a replacement if it would have no width."""
    shown = glyph(character)
    return shown if cell_len(shown) else "▯"


def _around(center: int, widths: Sequence[int], room: int) -> tuple[int, int, int]:
    """The characters [first, stop) around `center` that fit in `room` cells, and the cells that they take.

    The center is in the middle if there is enough text on both sides.
    """
    first, used = center, widths[center]
    while first and used - widths[center] + widths[first - 1] <= room // 2:
        first -= 1
        used += widths[first]
    stop = center + 1
    while stop < len(widths) and used + widths[stop] <= room:
        used += widths[stop]
        stop += 1
    while first and used + widths[first - 1] <= room:
        first -= 1
        used += widths[first]
    return first, stop, used
