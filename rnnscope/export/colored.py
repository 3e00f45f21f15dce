"""A text with a value for each character, and the color that the screens give it: what files are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnscope.export.coloring import Description, codes, described, kind_of
from rnnscope.export.layout import Layout, Shapes, lay_out
from rnnscope.selection import Selection
from rnnscope.text.display import are_bytes
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.legend import Kind
from rnnscope.theme.palette import Palette, palette

Facts = tuple[str, ...]
PREVIEW = 5_000
"""Characters that a notebook is shown of a longer text."""


@dataclass(frozen=True, eq=False, repr=False)
class ColoredText:
    """Shows itself as a page in a notebook.

    symbols: V strings, what each id stands for.
    ids: (T,) the characters.
    values: (T,) float32 what they are colored by: gates 0..1, all else −1..1 (cell through tanh); surprise
        in bits, NaN where nothing was expected.
    codes: (T,) a palette's step, or 33 more for a quiet line break.
    start: the position in its text of the first character, from 0.
    """

    symbols: tuple[str, ...]
    ids: NDArray[np.int32]
    values: NDArray[np.float32]
    codes: NDArray[np.intp]
    kind: Kind
    description: Description
    quantity: str
    """Such as `cell`, or `surprise`."""
    unit: str = ""
    """Such as `1/37`; empty for what is not a neuron's."""
    start: int = 0
    facts: Facts = ()
    """What else to say of the model and the text, in a few words each."""

    @classmethod
    def of(cls, selection: Selection, *, start: int = 0, facts: Facts = ()) -> ColoredText:
        """What a screen's passage shows."""
        trace, is_surprise = selection.trace, selection.coloring == "surprise"
        symbols, ids = trace.drawn
        overlay = selection.overlay if selection.coloring == "overlay" else None
        values = selection.values if overlay is None else overlay.values
        if is_surprise:
            values = np.concatenate((np.full(min(1, len(trace)), np.nan, np.float32), trace.surprise_bits))
        return cls(
            symbols=symbols,
            ids=ids,
            values=values,
            codes=codes(selection),
            kind=kind_of(selection),
            description=described(selection),
            quantity="surprise"
            if is_surprise
            else selection.quantity
            if overlay is None
            else overlay.subject,
            unit="" if is_surprise or overlay is not None else selection.neuron,
            start=start,
            facts=facts or (trace.architecture.title,),
        )

    @classmethod
    def joined(cls, parts: Sequence[ColoredText]) -> ColoredText:
        """Parts that follow one another, as one."""
        return replace(
            parts[0],
            ids=np.concatenate([part.ids for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            codes=np.concatenate([part.codes for part in parts]),
        )

    def spelled(self, text: str) -> ColoredText:
        """The same values along another spelling, that of a text in which the model did not know all."""
        vocabulary = Vocabulary.of(text)
        return replace(self, symbols=vocabulary.symbols, ids=vocabulary.encode(text))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice) -> ColoredText:
        first, stop, step = part.indices(len(self))
        if step != 1:
            raise ValueError("a part of a text has no gaps")
        part = slice(first, stop)
        return replace(
            self,
            ids=self.ids[part],
            values=self.values[part],
            codes=self.codes[part],
            start=self.start + first,
        )

    def __repr__(self) -> str:
        return f"<{len(self):,} characters colored by {self.subject}>"

    def save(self, path: str | Path) -> None:
        """Write a .html, .svg, .json, .csv or .npz. Raises OptionError for anything else, and OSError."""
        from rnnscope.export.write import write

        write(self, Path(path))

    def _repr_html_(self) -> str:
        from rnnscope.export.page import fragment

        return fragment(self[:PREVIEW], of=len(self))

    @property
    def subject(self) -> str:
        """Such as `neuron 1/37, cell`."""
        return self.description.subjects[0]

    @property
    def is_of_bytes(self) -> bool:
        return are_bytes(self.symbols)

    @property
    def code_points(self) -> NDArray[np.uint32]:
        """(T,) of each character; of bytes, the bytes."""
        return np.array([ord(symbol) for symbol in self.symbols], np.uint32)[self.ids]

    @cached_property
    def shapes(self) -> Shapes:
        return Shapes.of(self.symbols)

    def layout(self, width: int | None) -> Layout:
        """Where the characters stand in lines of some width, or as the text breaks them."""
        return lay_out(self.ids, self.shapes, width)

    def told(self, index: int) -> str:
        """A character's position, name and value."""
        value = float(self.values[index])
        if np.isnan(value):
            shown = "nothing expected"
        elif self.quantity == "surprise":
            shown = f"{value:.2f} bits"
        else:
            shown = f"{value:+.3f}".replace("-", "−") if self.kind == "diverging" else f"{value:.3f}"
        return f"{self.start + index:,}  {self.shapes.labels[self.ids[index]]}  {shown}"


PALETTES: tuple[Palette, Palette] = (palette("light", "truecolor"), palette("dark", "truecolor"))
"""What a file may be looked at in: light, as paper is, unless the reader's system is dark."""
