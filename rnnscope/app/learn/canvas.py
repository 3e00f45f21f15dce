"""A canvas of cells: a figure puts text and numbers at places, some of which can be clicked."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnscope.text.display import REPLACEMENT, glyph
from rnnscope.theme.palette import Palette, signed_steps, unit_steps
from rnnscope.theme.segments import segments

_MINUS = "−"


@dataclass(frozen=True)
class Look:
    """What changes how the same state is drawn."""

    emphasis: str = ""
    """The parts of the figure that the text is about, separated by spaces."""
    hidden: str = ""
    """The parts that would give the answer away."""

    def is_about(self, part: str) -> bool:
        return part in self.emphasis.split()

    def hides(self, part: str) -> bool:
        return part in self.hidden.split()


class Canvas:
    """Cells in rows; what is put outside is cut off."""

    def __init__(self, palette: Palette, width: int, height: int, look: Look = Look()) -> None:
        self.palette = palette
        self.width, self.height = width, height
        self.look = look
        fill = palette.ink("text")
        self._cells: list[list[tuple[str, Style]]] = [[(" ", fill)] * width for _ in range(height)]
        self._targets: list[tuple[int, range, Hashable]] = []
        self._left = 0

    def indent(self, columns: int) -> None:
        """Count columns from another one on; what is drawn before stays."""
        self._left += columns
        self.width -= columns

    def put(
        self, x: int, y: int, text: str, style: Style | str = "text", target: Hashable | None = None
    ) -> int:
        """Write a text from column x of row y on; returns the column after it.

        style: a style, or the token of an ink. target: what a click on the text chooses.
        """
        style = self.palette.ink(style) if isinstance(style, str) else style
        start = x
        for character in text:
            if 0 <= y < self.height and 0 <= x < self.width:
                self._cells[y][self._left + x] = (one_cell(character), style)
            x += 1
        if target is not None:
            self.link(start, y, x - start, target)
        return x

    def link(self, x: int, y: int, width: int, target: Hashable) -> None:
        """Let a click on these cells choose a target."""
        x += self._left
        self._targets.append((y, range(x, x + width), target))

    def label(self, x: int, y: int, text: str, part: str = "", token: str = "dim") -> int:
        """Write a label; it is azure and bold where the text of the step is about its part."""
        style = self.palette.ink("azure", bold=True) if self.look.is_about(part) else token
        return self.put(x, y, text, style)

    def signed(
        self,
        x: int,
        y: int,
        value: float,
        width: int = 6,
        *,
        scale: float = 1.0,
        target: Hashable | None = None,
        chosen: bool = False,
        changed: bool = False,
    ) -> int:
        """Write a number on the background of its value / scale; `changed` is bold, `chosen` the cursor."""
        style = self.palette.diverging[int(signed_steps(value / scale))]
        style += Style(underline=False, bold=changed or None)
        return self.put(
            x, y, number(value, width - 1) + " ", self.palette.cursor if chosen else style, target
        )

    def share(self, x: int, y: int, value: float, text: str, kind: str = "probability") -> int:
        """Write a text on the background of a value within 0..1, of the scale `probability` or `gate`."""
        styles = self.palette.probability if kind == "probability" else self.palette.gate
        return self.put(x, y, text, styles[int(unit_steps(value))])

    def row(self, y: int) -> list[Segment]:
        """The segments of a row."""
        return segments(self._cells[y]) if 0 <= y < self.height else []

    def target_at(self, x: int, y: int) -> Hashable | None:
        """What a click on a cell chooses."""
        found = [target for row, columns, target in self._targets if row == y and x in columns]
        return found[-1] if found else None


def one_cell(character: str) -> str:
    """The glyph of a character, or a replacement where that does not take one cell."""
    shown = glyph(character)
    return shown if cell_len(shown) == 1 else REPLACEMENT


def decimal(value: float, decimals: int = 2) -> str:
    """A number without blanks, such as `−0.25`."""
    return number(value, 12, decimals).strip()


def number(value: float, width: int, decimals: int = 2) -> str:
    """A number flush right, with as many decimals as fit, at most `decimals`; the minus is `−`."""
    for places in range(decimals, -1, -1):
        text = f"{value:.{places}f}"
        if float(text) == 0.0:
            text = text.lstrip("-")
        if len(text) <= width:
            break
    else:
        text = f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return text.replace("-", _MINUS).rjust(width)
