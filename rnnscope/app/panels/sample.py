"""The samples of a run, with a typing animation: each character has the color of its probability.

    ▎ sample  T 0.8                   likely ▄▄▄▄▄▄ unlikely
    ▎
    ▎ step 9,273   T 0.8   1.43 nats
    ▎ KING EDWARD IV:
    ▎ And all my honour, re█

Samples stand under one another; the wheel and the page keys go back through them, to the first words of the
run, and `End` returns to the one being written. A sample is played out over about the time in which the next
one comes. Where a sample comes at several temperatures, these stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType

from rnnscope.app.panels.panel import PADDING, Panel, focus_key
from rnnscope.app.samples import Sample, Samples, nats_of
from rnnscope.export.layout import Layout, Shapes, lay_out, paint
from rnnscope.theme.palette import Palette, sample_steps
from rnnscope.training.events import Sampled, by_character

SLOWEST = 60.0
"""Characters written in a second, at least."""
_SHARE = 0.9
"""The part of the time between two samples in which the first is written."""
_LONGEST_TICK = 0.5
"""Longest step of the animation, in seconds, so that it does not jump after a pause."""
_WHEEL_ROWS = 3
_LAID_OUT = 64
"""How many samples keep their layout."""
_PRIME_SHOWN = 16
"""Characters of the prime in the title."""
_PRIME = 7
"""The style after the seven of written characters."""
_BETWEEN = " │ "
"""What separates samples at several temperatures."""


@dataclass(frozen=True, eq=False)
class _Text:
    """A sample laid out: the text that primed it, then what was written."""

    event: Sampled
    width: int
    layout: Layout
    codes: NDArray[np.intp]
    """(T,) the style of each character."""

    @classmethod
    def of(cls, event: Sampled, width: int) -> _Text:
        characters = (*event.prime, *event.characters)
        symbols = tuple(sorted(set(characters))) or (" ",)
        id_of = {symbol: i for i, symbol in enumerate(symbols)}
        ids = np.array([id_of[character] for character in characters], dtype=np.int32)
        codes = np.concatenate(
            (np.full(len(event.prime), _PRIME, dtype=np.intp), sample_steps(event.probabilities))
        )
        return cls(event, width, lay_out(ids, Shapes.of(symbols), width), codes)

    def caret(self, written: int) -> tuple[int, int]:
        """Line and column at which the next character is written."""
        layout, index = self.layout, len(self.event.prime) + written
        if index < len(layout.ids):
            return layout.line_of(index), layout.column_of(index)
        if index and layout.shapes.ends_line[layout.ids[-1]]:
            return len(layout), 0
        start = layout.starts[-2]
        return len(layout) - 1, int(layout.edges[-1] - layout.edges[start])

    def line(self, line: int, written: int | None, palette: Palette) -> list[Segment]:
        """One line, of a sample still being written up to what is written, and without its line break."""
        drawn: list[Segment] = []
        if line < len(self.layout):
            start, end = self.layout.span(line)
            if end > start and self.layout.shapes.ends_line[self.layout.ids[end - 1]]:
                end -= 1
            if written is not None:
                end = max(start, min(end, len(self.event.prime) + written))
            drawn = paint(self.layout.pieces(start, end), self.codes[start:end].tolist(), _styles(palette))
        if written is None or self.caret(written)[0] != line:
            return drawn
        blank = self.caret(written)[1] - sum(part.cell_length for part in drawn)
        return [*drawn, Segment(" " * blank, palette.ink("text")), Segment("█", palette.ink("violet"))]

    def headline(self, *, is_compared: bool) -> str:
        """What stands over it, as much of it as there is room for."""
        step, nats = f"step {self.event.step:,}", f"{nats_of(self.event):.2f} nats"
        temperature = f"T {self.event.temperature:g}"
        choices = ((step, temperature, nats), (step, temperature if is_compared else nats), (step,))
        return next((line for line in map("   ".join, choices) if len(line) <= self.width), step)


@dataclass(frozen=True, eq=False)
class _Block:
    """A sample laid out, at one temperature or side by side at several."""

    texts: tuple[_Text, ...]

    @classmethod
    def of(cls, events: Sequence[Sampled], width: int) -> _Block:
        each = (width - len(_BETWEEN) * (len(events) - 1)) // len(events)
        return cls(tuple(_Text.of(event, max(1, each)) for event in events))

    def carets(self, written: int) -> tuple[int, int]:
        """The first and the last line at which a next character is written."""
        lines = [text.caret(written)[0] for text in self.texts]
        return min(lines), max(lines)

    def height(self, written: int | None) -> int:
        """How many lines it takes, still being written or complete."""
        if written is not None:
            return self.carets(written)[1] + 1
        return max(len(text.layout) for text in self.texts)

    def line(self, line: int, written: int | None, palette: Palette) -> list[Segment]:
        """One line of all texts."""
        return _side_by_side([text.line(line, written, palette) for text in self.texts], self.texts, palette)

    def headline(self, palette: Palette) -> list[Segment]:
        names = [text.headline(is_compared=len(self.texts) > 1) for text in self.texts]
        return _side_by_side([[Segment(name, palette.ink("dim"))] for name in names], self.texts, palette)


def _side_by_side(rows: Sequence[list[Segment]], texts: Sequence[_Text], palette: Palette) -> list[Segment]:
    """Rows of the texts with lines between them."""
    joined: list[Segment] = []
    for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
        joined += row
        if number < len(texts) - 1:
            blank = max(0, text.width - sum(part.cell_length for part in row))
            joined += [Segment(" " * blank, palette.ink("text")), Segment(_BETWEEN, palette.ink("rule"))]
    return joined


class SampleStream(Panel):
    """The samples, one being written; see `begin` and `advance`."""

    heading = "sample"

    BINDINGS: ClassVar[list[BindingType]] = [
        focus_key("pageup", "page(-1)", "Earlier samples", "samples"),
        focus_key("pagedown", "page(1)", "Later samples", "samples"),
        focus_key("home", "first", "The first sample", "first"),
        focus_key("end", "follow", "The sample being written", "latest"),
    ]

    def __init__(
        self, on_zoom: Callable[[bool], object] = lambda is_zoomed: None, *, id: str | None = None
    ) -> None:
        """on_zoom: called when the panel is zoomed, and then shows several temperatures, and when not."""
        super().__init__(id=id)
        self._on_zoom = on_zoom
        self._is_zoomed = False
        self._samples = Samples()
        self._written = 0.0  # characters of the last sample that are on the screen
        self._pace = SLOWEST
        self._now: float | None = None
        self._began: float | None = None
        self._anchor: tuple[int, int] | None = None  # number and row of what is at the top; None follows
        self._rows: list[tuple[Sample, int]] | None = None  # what each body row shows; None is not worked out
        self._blocks: dict[int, _Block] = {}

    # -- what the screen calls -----------------------------------------------------------------------------

    def begin(self, event: Sampled, *, of_bytes: bool = False) -> None:
        """Write another sample. The present one is completed, or ended where the settings have changed."""
        event = by_character(event, of_bytes=of_bytes)
        if len(self._samples):
            last = self._samples[-1].event
            if (last.temperature, last.prime) != (event.temperature, event.prime) and self.is_writing:
                self._blocks.pop(self._samples[-1].number, None)
                self._samples.cut(int(self._written))
        if self._now is not None:
            if self._began is not None and self._now > self._began:
                interval = self._now - self._began
                self._pace = max(SLOWEST, len(event.characters) / (_SHARE * interval))
            self._began = self._now
        self._samples.add(event)
        self._written = 0.0
        self._rows = None
        self.redraw()

    def add_others(self, events: Iterable[Sampled], *, of_bytes: bool = False) -> None:
        """Show the last sample at other temperatures, too."""
        if len(self._samples):
            self._samples.add_others(by_character(event, of_bytes=of_bytes) for event in events)
            self._blocks.pop(self._samples[-1].number, None)
            self._rows = None
            self.redraw()

    def show_whole(self, event: Sampled, *, of_bytes: bool = False) -> None:
        """Show one complete sample in place of all others."""
        event = by_character(event, of_bytes=of_bytes)
        self._samples = Samples()
        self._samples.add(event)
        self._blocks.clear()
        self._written = len(event.characters)
        self._show_from((0, 0))

    def advance(self, now: float) -> None:
        """Write on; `now` is a clock in seconds that does not go back."""
        passed = min(now - self._now, _LONGEST_TICK) if self._now is not None else 0.0
        self._now = now
        if not self.is_writing:
            return
        before = self._caret_rows()
        self._written = min(self._written + passed * self._pace, self._longest())
        top = self._rows_shown()[:1]
        self._rows = None
        if self._rows_shown()[:1] != top:
            self.redraw()
        elif self._anchor is None:
            self.redraw({*before, *self._caret_rows()})

    @property
    def is_writing(self) -> bool:
        """Whether some of the last sample is still to be written."""
        return len(self._samples) > 0 and int(self._written) < self._longest()

    @property
    def follows(self) -> bool:
        """Whether the newest text is in sight, rather than some that was scrolled back to."""
        return self._anchor is None

    def set_zoomed(self, is_zoomed: bool) -> None:
        """Show samples at several temperatures side by side, or at one."""
        if is_zoomed != self._is_zoomed:
            self._is_zoomed = is_zoomed
            self._lay_out()
            self._on_zoom(is_zoomed)

    # -- drawing -------------------------------------------------------------------------------------------

    def subject(self) -> str:
        return self._title_parts()[0]

    def legend(self) -> list[Segment]:
        return self._title_parts()[1]

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        rows = self._rows_shown()
        if row >= len(rows):
            return []
        sample, line = rows[row]
        line -= self._gap(sample)
        block = self._block(sample)
        if line <= 0:
            return block.headline(self.palette) if line == 0 else []
        return block.line(line - 1, self._written_of(sample), self.palette)

    def _title_parts(self) -> tuple[str, list[Segment]]:
        """The longest subject and legend that fit side by side."""
        if not len(self._samples):
            return "", []
        event, top = self._samples[-1].event, self._rows_shown()[:1]
        compared = (f"{each.temperature:g}" for each in self._events(self._samples[-1]))
        subjects = [f"T {_BETWEEN.join(compared)}"]
        if event.prime:
            subjects.insert(0, f"{subjects[0]}  after “{_shortened(event.prime)}”")
        legends = self._color_legends() if self.follows else self._place_legends(top[0][0])
        for subject in subjects:
            for legend in legends:
                taken = len(self.heading) + cell_len(subject) + sum(part.cell_length for part in legend)
                if taken + 2 * PADDING + 4 <= self.size.width:
                    return subject, legend
        return subjects[-1], []

    def _color_legends(self) -> list[list[Segment]]:
        """What the colors mean, the longest first."""
        dim, written = self.palette.ink("dim"), _styles(self.palette)
        if self.palette.depth in ("16", "none"):
            words = [Segment("likely", written[0]), Segment(" ", dim), Segment("unlikely", written[5])]
            return [words, words[2:]]
        bar = [Segment("▄", style) for style in written[:6]]
        return [
            [Segment("likely ", dim), *bar, Segment(" unlikely", dim)],
            [Segment("■", written[5]), Segment(" unlikely", dim)],
        ]

    def _place_legends(self, sample: Sample) -> list[list[Segment]]:
        """Where one has scrolled back to, the longest first."""
        dim, key = self.palette.ink("dim"), self.palette.ink("strong", bold=True)
        step, latest = sample.event.step, self._samples[-1].event.step
        place = Segment(f"step {step:,} of {latest:,}", dim)
        return [
            [place, Segment("   End", key), Segment(" ▾ follow", dim)],
            [place],
            [Segment(f"step {step:,}", dim)],
        ]

    # -- what is where -------------------------------------------------------------------------------------

    def _gap(self, sample: Sample) -> int:
        """Blank rows before a sample."""
        return 1 if self.size.height > self.roomy_above and sample is not self._samples[0] else 0

    def _events(self, sample: Sample) -> tuple[Sampled, ...]:
        """A sample at the temperatures that are shown."""
        return sample.by_temperature if self._is_zoomed else (sample.event,)

    def _longest(self) -> int:
        """The characters of the longest text of the last sample."""
        return max(len(event.characters) for event in self._events(self._samples[-1]))

    def _block(self, sample: Sample) -> _Block:
        block = self._blocks.get(sample.number)
        if block is None:
            block = self._blocks[sample.number] = _Block.of(self._events(sample), self.body_width)
            if len(self._blocks) > _LAID_OUT:
                del self._blocks[next(iter(self._blocks))]
        return block

    def _height(self, place: int) -> int:
        """How many rows a sample takes."""
        sample = self._samples[place]
        return self._gap(sample) + 1 + self._block(sample).height(self._written_of(sample))

    def _written_of(self, sample: Sample) -> int | None:
        """How many characters of a sample are written; None of one that is complete."""
        return int(self._written) if sample is self._samples[-1] else None

    def _caret_rows(self) -> list[int]:
        """The body rows from the first to the last with a caret."""
        sample = self._samples[-1]
        first, last = self._block(sample).carets(int(self._written))
        row = self._gap(sample) + 1
        return [
            i
            for i, (shown, line) in enumerate(self._rows_shown())
            if shown is sample and row + first <= line <= row + last
        ]

    def _rows_shown(self) -> list[tuple[Sample, int]]:
        """What each body row shows: a sample, and which of its rows."""
        if self._rows is None:
            self._rows = self._from_anchor() or self._from_end()
        return self._rows

    def _from_anchor(self) -> list[tuple[Sample, int]]:
        """The rows from the anchor on; none, and no anchor, where the end is in sight from there."""
        if self._anchor is None or not len(self._samples):
            return []
        room = self.body_height
        rows: list[tuple[Sample, int]] = []
        place = self._samples.place(self._anchor[0])
        first = min(self._anchor[1], self._height(place) - 1)
        while place < len(self._samples) and len(rows) <= room:
            rows += [(self._samples[place], row) for row in range(first, self._height(place))]
            place, first = place + 1, 0
        if len(rows) > room:
            return rows[:room]
        self._anchor = None
        return []

    def _from_end(self) -> list[tuple[Sample, int]]:
        """The last rows, as many as there is room for."""
        room = self.body_height
        rows: list[tuple[Sample, int]] = []
        place = len(self._samples) - 1
        while place >= 0 and len(rows) < room:
            rows[:0] = [(self._samples[place], row) for row in range(self._height(place))]
            place -= 1
        return rows[max(0, len(rows) - room) :]

    # -- scrolling -----------------------------------------------------------------------------------------

    def _scroll_rows(self, by: int) -> None:
        """Scroll back (by < 0) or on; at the end the panel follows the writing again."""
        rows = self._rows_shown()
        if not rows:
            return
        sample, row = rows[0]
        place, row = self._samples.place(sample.number), row + by
        while row < 0 and place > 0:
            place -= 1
            row += self._height(place)
        while row >= self._height(place) and place < len(self._samples) - 1:
            row -= self._height(place)
            place += 1
        self._show_from((self._samples[place].number, max(0, row)))

    def _show_from(self, anchor: tuple[int, int] | None) -> None:
        self._anchor = anchor
        self._rows = None
        self.redraw()

    def action_page(self, by: int) -> None:
        self._scroll_rows(by * max(1, self.body_height - 1))

    def action_first(self) -> None:
        if len(self._samples):
            self._show_from((self._samples[0].number, 0))

    def action_follow(self) -> None:
        self._show_from(None)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll_rows(-_WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll_rows(_WHEEL_ROWS)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._blocks.clear()
        self._rows = None
        self.redraw()


def _shortened(prime: str) -> str:
    """The end of a prime, with pictures for what cannot be seen."""
    shapes = Shapes.of(tuple(prime[-_PRIME_SHOWN:]))
    return ("…" if len(prime) > _PRIME_SHOWN else "") + "".join(shapes.glyphs)


@lru_cache(maxsize=16)
def _styles(palette: Palette) -> tuple[Style, ...]:
    """The seven styles of written characters and that of the prime."""
    return (*palette.sample, palette.ink("mute"))
