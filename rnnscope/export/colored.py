"""A text with one value and one color per character: the source of every exported file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnscope.export.coloring import Description, codes, described, kind_of
from rnnscope.export.layout import Layout, Shapes, lay_out
from rnnscope.export.page import fragment
from rnnscope.export.write import write
from rnnscope.network.architecture import UNBOUNDED
from rnnscope.selection import Selection
from rnnscope.text.display import are_bytes, counted
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.legend import Kind
from rnnscope.tracing.trace import Trace

Facts = tuple[str, ...]
"""Short statements about a model and a text, such as `step 1,234`."""

PREVIEW = 5_000
"""A notebook shows this many characters of a longer text."""


@dataclass(frozen=True, eq=False, repr=False)
class ColoredText:
    """A text of T characters, colored by one quantity. A notebook shows it as a page.

    symbols: V strings, the character of each id.
    ids: (T,) int32, the characters.
    values: (T,) float32, the values that set the colors: gates within 0..1, all others within −1..1; surprise
        in bits, NaN where there is no prediction.
    codes: (T,) the color step of each character, 0..32; 33 more where a line break is drawn dim.
    raw: (T,) float32, the recorded values of `cell` and `factor`, which have no bounds: `values` are `raw`
        through `squash`. None for all other quantities.
    start: the position of the first character in its text, from 0.

    Example::

        >>> import rnnscope
        >>> colored = rnnscope.load("archive-lstm").color("Dear Sir, ", "1/37", "cell")
        >>> colored.values.shape, colored.squash
        ((10,), 'tanh')
        >>> colored[:4]
        <4 characters colored by neuron 1/37, cell>
        >>> colored.save("dear.json")
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
    """The neuron, such as `1/37`; empty where the values are not of one neuron."""
    start: int = 0
    facts: Facts = ()
    """Further facts about the model and the text."""
    raw: NDArray[np.float32] | None = None
    squash: str = ""
    """The network's activation, `tanh` or `softsign`; empty where `raw` is None."""

    @classmethod
    def of(cls, selection: Selection, *, start: int = 0, facts: Facts = ()) -> ColoredText:
        """The colored text of a selection, as the passage of a screen shows it."""
        trace, is_surprise = selection.trace, selection.coloring == "surprisal"
        symbols, ids = trace.drawn
        overlay = selection.overlay if selection.coloring == "overlay" else None
        if is_surprise:
            values = np.concatenate((np.full(min(1, len(trace)), np.nan, np.float32), trace.surprise_bits))
            quantity, is_neuron = "surprise", False
        elif overlay is not None:
            values, quantity, is_neuron = overlay.values, overlay.subject, False
        else:
            values, quantity, is_neuron = selection.values, selection.quantity, True
        is_squashed = is_neuron and quantity in UNBOUNDED
        return cls(
            symbols=symbols,
            ids=ids,
            values=values,
            codes=codes(selection),
            kind=kind_of(selection),
            description=described(selection),
            quantity=quantity,
            unit=selection.neuron if is_neuron else "",
            start=start,
            facts=facts or (trace.architecture.title,),
            raw=trace[f"{selection.layer}/{selection.quantity}"][:, selection.unit] if is_squashed else None,
            squash=trace.architecture.activation if is_squashed else "",
        )

    @classmethod
    def joined(cls, parts: Sequence[ColoredText]) -> ColoredText:
        """Consecutive parts of a text as one."""
        raws = [part.raw for part in parts if part.raw is not None]
        return replace(
            parts[0],
            ids=np.concatenate([part.ids for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            codes=np.concatenate([part.codes for part in parts]),
            raw=np.concatenate(raws) if raws else None,
        )

    def with_text(self, text: str) -> ColoredText:
        """The same values along `text`: the characters as written, where the network read stand-ins."""
        vocabulary = Vocabulary.of(text)
        return replace(self, symbols=vocabulary.symbols, ids=vocabulary.encode(text))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice) -> ColoredText:
        """A part of the text. Raises ValueError for a step other than 1."""
        first, stop, step = part.indices(len(self))
        if step != 1:
            raise ValueError("a part of a text is contiguous: the step must be 1")
        part = slice(first, stop)
        return replace(
            self,
            ids=self.ids[part],
            values=self.values[part],
            codes=self.codes[part],
            raw=None if self.raw is None else self.raw[part],
            start=self.start + first,
        )

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'character')} colored by {self.subject}>"

    def save(self, path: str | Path) -> None:
        """Write the text as .html, .svg, .json, .csv or .npz.

        Raises OptionError for any other extension and for a missing directory, and OSError.
        """
        write(self, Path(path))

    def _repr_html_(self) -> str:
        return fragment(self[:PREVIEW], of=len(self))

    @property
    def subject(self) -> str:
        """What sets the colors, such as `neuron 1/37, cell`."""
        return self.description.subjects[0]

    @property
    def scale(self) -> str:
        """The values on the color scale where they are not the recorded ones, such as `tanh(cell)`."""
        return "" if self.raw is None else f"{self.squash}({self.quantity})"

    @property
    def is_of_bytes(self) -> bool:
        """Whether the characters are bytes."""
        return are_bytes(self.symbols)

    @property
    def code_points(self) -> NDArray[np.uint32]:
        """(T,) uint32, the code point of each character, or the byte."""
        return np.array([ord(symbol) for symbol in self.symbols], np.uint32)[self.ids]

    @cached_property
    def shapes(self) -> Shapes:
        """How each symbol is drawn."""
        return Shapes.of(self.symbols)

    def layout(self, width: int | None) -> Layout:
        """The positions of the characters in lines of `width` cells; None breaks at line breaks alone."""
        return lay_out(self.ids, self.shapes, width)

    def title(self, index: int) -> str:
        """Position, label and value of a character, such as `12  e  cell +27.310, tanh +1.000`."""
        value = float(self.values[index])
        if np.isnan(value):
            shown = "no prediction"
        elif self.quantity == "surprise":
            shown = f"{value:.2f} bits"
        elif self.raw is not None:
            shown = f"{self.quantity} {_signed(self.raw[index])}, {self.squash} {_signed(value)}"
        else:
            shown = _signed(value) if self.kind == "diverging" else f"{value:.3f}"
        return f"{self.start + index:,}  {self.shapes.labels[self.ids[index]]}  {shown}"


def trace_html(trace: Trace) -> str:
    """A trace as an HTML fragment for a notebook: the text colored by surprise, and its shape."""
    shape = f"{', '.join(trace.activations)}: {len(trace):,} × {trace.architecture.hidden_size} each"
    colored = ColoredText.of(Selection(trace, coloring="surprisal"), facts=(trace.architecture.title, shape))
    return colored._repr_html_()


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
